#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <nlohmann/json.hpp>

#include "test/operator/kubernetes/client_fixture.h"
#include "test/operator/kubernetes/scripted_server.h"
#include "test/operator/kubernetes/test_certificates.h"

namespace millrace::kubernetes {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

void answer(const ScriptedRequest& request, ScriptedConnection& connection) {
  connection.answer(200,
                    Json{{"host", request.header("host")}, {"authorization", request.header("authorization")}}.dump());
}

class KubernetesTls : public testing::Test {
 protected:
  static Result<Json> ask(const ScriptedServer& server, const ClientConfiguration& configuration) {
    auto client = client_of(server, {}, configuration);
    if (!client) return fail(ErrorKind::corrupt, "no client was made");
    return client->get({config_maps, "default", "a"}, {.timeout = std::chrono::seconds(10)});
  }

  TestIdentity authority_ = make_authority("authority");
  TestIdentity other_authority_ = make_authority("other authority");
  TestIdentity server_identity_ = make_identity(authority_, "apiserver", "IP:127.0.0.1,DNS:kubernetes.default.svc");
};

TEST_F(KubernetesTls, TrustsTheAuthorityOfItsConfiguration) {
  auto context = make_server_context(server_identity_);
  ScriptedServer server(answer, context.get());
  auto object = ask(server, {.authority_pem = authority_.certificate_pem(), .token = "t"});
  ASSERT_TRUE(object) << object.error().message;
  EXPECT_EQ((*object)["authorization"], "Bearer t");
}

TEST_F(KubernetesTls, SpeaksTls12Too) {
  auto context = make_server_context(server_identity_);
  SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
  ScriptedServer server(answer, context.get());
  EXPECT_TRUE(ask(server, {.authority_pem = authority_.certificate_pem()}));
}

TEST_F(KubernetesTls, RefusesAServerOfAnotherAuthorityAndSaysSo) {
  auto context = make_server_context(server_identity_);
  ScriptedServer server(answer, context.get());
  for (const std::string& trusted : {other_authority_.certificate_pem(), std::string()}) {
    auto object = ask(server, {.authority_pem = trusted});
    ASSERT_FALSE(object);
    EXPECT_EQ(object.error().kind, ErrorKind::unavailable);
    EXPECT_THAT(object.error().message, HasSubstr("certificate is not trusted"));
  }
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(KubernetesTls, RefusesAServerWhoseCertificateIsOver) {
  auto expired = make_identity(authority_, "apiserver", "IP:127.0.0.1", -60);
  auto context = make_server_context(expired);
  ScriptedServer server(answer, context.get());
  auto object = ask(server, {.authority_pem = authority_.certificate_pem()});
  ASSERT_FALSE(object);
  EXPECT_THAT(object.error().message, HasSubstr("expired"));
}

TEST_F(KubernetesTls, RefusesAServerOfAnotherName) {
  auto elsewhere = make_identity(authority_, "elsewhere", "DNS:elsewhere.example,IP:127.0.0.2");
  auto context = make_server_context(elsewhere);
  ScriptedServer server(answer, context.get());
  auto object = ask(server, {.authority_pem = authority_.certificate_pem()});
  ASSERT_FALSE(object);
  EXPECT_EQ(object.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(object.error().message, HasSubstr("another name"));
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(KubernetesTls, ChecksTheServerAgainstTheNameThatIsConfigured) {
  auto elsewhere = make_identity(authority_, "elsewhere", "DNS:elsewhere.example");
  auto context = make_server_context(elsewhere);
  ScriptedServer server(answer, context.get());
  auto object = ask(server, {.authority_pem = authority_.certificate_pem(), .tls_server_name = "elsewhere.example"});
  ASSERT_TRUE(object) << object.error().message;
}

TEST_F(KubernetesTls, SkipsTheCheckOnlyWhenToldTo) {
  auto context = make_server_context(make_identity(other_authority_, "x", "DNS:x.example"));
  ScriptedServer server(answer, context.get());
  EXPECT_TRUE(ask(server, {.verify_server = false}));
}

TEST_F(KubernetesTls, ShowsItsCertificate) {
  auto context = make_server_context(server_identity_, &authority_);
  ScriptedServer server(answer, context.get());
  auto own = make_identity(authority_, "operator", "");
  auto object = ask(server, {.authority_pem = authority_.certificate_pem(),
                             .client_certificate_pem = own.certificate_pem(),
                             .client_key_pem = own.key_pem()});
  EXPECT_TRUE(object) << object.error().message;
}

TEST_F(KubernetesTls, SaysThatTheServerRefusedItsCertificate) {
  auto own = make_identity(other_authority_, "operator", "");
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    auto context = make_server_context(server_identity_, &authority_);
    SSL_CTX_set_max_proto_version(context.get(), version);
    ScriptedServer server(answer, context.get());
    auto object = ask(server, {.authority_pem = authority_.certificate_pem(),
                               .client_certificate_pem = own.certificate_pem(),
                               .client_key_pem = own.key_pem()});
    ASSERT_FALSE(object);
    // With TLS 1.3 the refusal may arrive only after the connection broke.
    EXPECT_THAT(object.error().kind, AnyOf(ErrorKind::unavailable, ErrorKind::connection_loss))
        << object.error().message;
    if (version == TLS1_2_VERSION) EXPECT_THAT(object.error().message, HasSubstr("refused our certificate"));
  }
}

TEST_F(KubernetesTls, WatchesAndEndsThemOverTls) {
  auto context = make_server_context(server_identity_);
  ScriptedServer server(
      [](const ScriptedRequest&, ScriptedConnection& connection) {
        connection.begin_chunks();
        connection.chunk("{\"type\":\"ADDED\",\"object\":{\"a\":\"" + std::string(200000, 'x') + "\"}}\n");
        connection.wait_until_closed();
      },
      context.get());
  auto client = client_of(server, {}, {.authority_pem = authority_.certificate_pem()});
  std::stop_source stop;
  std::size_t size = 0;
  Status status = client->watch(
      pods, {},
      [&](WatchEventType, Json&& object) {
        size = object["a"].get<std::string>().size();
        stop.request_stop();
      },
      stop.get_token());
  EXPECT_EQ(size, 200000U);
  EXPECT_EQ(status.error().kind, ErrorKind::cancelled);
}

TEST_F(KubernetesTls, RefusesMaterialThatItCannotUse) {
  SystemClock clock;
  auto own = make_identity(authority_, "operator", "");
  auto other = make_identity(authority_, "other", "");
  auto message = [&](ClientConfiguration configuration) {
    configuration.server = "https://127.0.0.1:1";
    configuration.origin = "context c";
    auto client = KubernetesClient::make(configuration, clock);
    return client ? std::string("accepted") : client.error().message;
  };
  EXPECT_THAT(message({.authority_pem = "nonsense"}),
              HasSubstr("context c: certificate-authority is not a PEM certificate"));
  EXPECT_THAT(message({.client_certificate_pem = own.certificate_pem()}), HasSubstr("together"));
  EXPECT_THAT(message({.client_certificate_pem = own.certificate_pem(), .client_key_pem = other.key_pem()}),
              HasSubstr("client-key does not belong to client-certificate"));
  EXPECT_THAT(message({.client_certificate_pem = own.certificate_pem(), .client_key_pem = "x"}),
              HasSubstr("client-key is not a PEM"));
  std::string torn = own.certificate_pem() + "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
  EXPECT_THAT(message({.authority_pem = torn}), HasSubstr("certificate-authority"));
}

TEST(KubernetesServerUrl, RefusesWhatIsNotOne) {
  SystemClock clock;
  for (const char* url : {"", "ftp://x", "https://", "no url"}) {
    auto client = KubernetesClient::make({.server = url}, clock);
    ASSERT_FALSE(client) << url;
    EXPECT_EQ(client.error().kind, ErrorKind::invalid_argument);
  }
}

}  // namespace
}  // namespace millrace::kubernetes

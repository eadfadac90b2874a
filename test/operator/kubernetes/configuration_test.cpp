#include "operator/kubernetes/configuration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <map>

#include "operator/kubernetes/base64.h"

namespace millrace::kubernetes {
namespace {

using testing::AllOf;
using testing::HasSubstr;
namespace fs = std::filesystem;

class Configuration : public testing::Test {
 protected:
  Configuration() : folder_(fs::temp_directory_path() / ("kubeconfig-" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
  }
  ~Configuration() override { fs::remove_all(folder_); }

  std::string file(const std::string& name, const std::string& content) {
    std::ofstream(folder_ / name) << content;
    return (folder_ / name).string();
  }

  // A file with the given cluster and user bodies, each indented by four.
  std::string kubeconfig(const std::string& cluster, const std::string& user) {
    return file("config",
                "current-context: c\ncontexts:\n- name: c\n  context: {cluster: k, user: u, namespace: "
                "kafka}\nclusters:\n- name: k\n  cluster:\n" +
                    cluster + "users:\n- name: u\n  user:\n" + user);
  }

  std::string error_of(const std::string& cluster, const std::string& user) {
    auto configuration = kubeconfig_configuration(kubeconfig(cluster, user));
    return configuration ? "accepted" : configuration.error().message;
  }

  fs::path folder_;
};

const std::string good_cluster = "    server: https://k.example:6443\n";
const std::string good_user = "    token: t\n";

TEST_F(Configuration, ReadsAContext) {
  auto configuration = kubeconfig_configuration(
      kubeconfig(good_cluster + "    certificate-authority-data: Q0E=\n    tls-server-name: k8s\n",
                 "    client-certificate-data: Q0VSVA==\n    client-key-data: S0VZ\n"));
  ASSERT_TRUE(configuration) << configuration.error().message;
  EXPECT_EQ(configuration->server, "https://k.example:6443");
  EXPECT_EQ(configuration->namespace_name, "kafka");
  EXPECT_EQ(configuration->authority_pem, "CA");
  EXPECT_EQ(configuration->tls_server_name, "k8s");
  EXPECT_EQ(configuration->client_certificate_pem, "CERT");
  EXPECT_EQ(configuration->client_key_pem, "KEY");
  EXPECT_TRUE(configuration->verify_server);
  EXPECT_THAT(configuration->origin, HasSubstr("context \"c\""));
}

TEST_F(Configuration, ReadsFilesRelativeToTheKubeconfig) {
  file("ca.crt", "CA");
  file("token", "secret\n");
  auto configuration = kubeconfig_configuration(
      kubeconfig(good_cluster + "    certificate-authority: ca.crt\n", "    tokenFile: token\n    token: old\n"));
  ASSERT_TRUE(configuration) << configuration.error().message;
  EXPECT_EQ(configuration->authority_pem, "CA");
  EXPECT_EQ(configuration->token_file, folder_ / "token");
  EXPECT_EQ(configuration->token, "");
}

TEST_F(Configuration, TakesEachEntryFromTheFirstFileThatHasIt) {
  std::string first = file("first", "current-context: c\nusers:\n- name: u\n  user: {token: first}\n");
  std::string second =
      file("second",
           "current-context: other\ncontexts:\n- name: c\n  context: {cluster: k, user: u}\nclusters:\n- name: k\n"
           "  cluster: {server: 'https://second'}\nusers:\n- name: u\n  user: {token: second}\n");
  auto configuration = kubeconfig_configuration(first + ":" + (folder_ / "missing").string() + "::" + second);
  ASSERT_TRUE(configuration) << configuration.error().message;
  EXPECT_EQ(configuration->token, "first");
  EXPECT_EQ(configuration->server, "https://second");
  EXPECT_EQ(configuration->namespace_name, "default");
}

TEST_F(Configuration, RefusesWhatWouldMakeUsSomebodyElse) {
  EXPECT_THAT(error_of(good_cluster, "    exec: {command: aws}\n"),
              AllOf(HasSubstr("user \"u\""), HasSubstr("exec is not supported")));
  EXPECT_THAT(error_of(good_cluster, "    auth-provider: {name: gcp}\n"), HasSubstr("auth-provider is not supported"));
  EXPECT_THAT(error_of(good_cluster, "    username: a\n    password: b\n"), HasSubstr("username is not supported"));
  EXPECT_THAT(error_of(good_cluster, "    token: t\n    as: root\n"), HasSubstr("as is not supported"));
  EXPECT_THAT(error_of(good_cluster + "    proxy-url: http://p\n", good_user), HasSubstr("proxy-url is not supported"));
}

TEST_F(Configuration, NamesWhatIsWrong) {
  EXPECT_THAT(error_of("    insecure-skip-tls-verify: true\n", good_user),
              HasSubstr("cluster \"k\" of " + (folder_ / "config").string() + ": server is missing"));
  EXPECT_THAT(error_of("    server: k.example\n", good_user), HasSubstr("https://"));
  EXPECT_THAT(error_of("    server: 'https://[::1]:6443'\n", good_user), HasSubstr("IPv6"));
  EXPECT_THAT(error_of(good_cluster + "    insecure-skip-tls-verify: maybe\n", good_user), HasSubstr("true and false"));
  EXPECT_THAT(
      error_of(good_cluster + "    insecure-skip-tls-verify: true\n    certificate-authority-data: Q0E=\n", good_user),
      HasSubstr("exclude each other"));
  EXPECT_THAT(error_of(good_cluster + "    certificate-authority-data: '%%'\n", good_user),
              HasSubstr("certificate-authority-data is not base64"));
  EXPECT_THAT(error_of(good_cluster + "    certificate-authority: nowhere.crt\n", good_user), HasSubstr("nowhere.crt"));
  EXPECT_THAT(error_of(good_cluster, "    client-certificate-data: Q0E=\n"), HasSubstr("together"));
  EXPECT_THAT(error_of(good_cluster, "    tokenFile: nowhere\n"), HasSubstr("nowhere"));
}

TEST_F(Configuration, NamesTheEntryThatIsMissing) {
  std::string path = file("config",
                          "contexts:\n- name: c\n  context: {cluster: k, user: u}\n- name: d\n  context: {user: "
                          "u}\nclusters:\n- {name: k, cluster: {server: 'https://k'}}\n");
  EXPECT_THAT(kubeconfig_configuration(path).error().message, HasSubstr("no current-context"));
  EXPECT_THAT(kubeconfig_configuration(path, "x").error().message, HasSubstr("has no context \"x\""));
  EXPECT_THAT(kubeconfig_configuration(path, "d").error().message, HasSubstr("cluster is missing"));
  EXPECT_THAT(kubeconfig_configuration(path, "c").error().message, HasSubstr("has no user \"u\""));
}

TEST_F(Configuration, RefusesFilesThatAreNotKubeconfigs) {
  for (const char* content : {"[1, 2]", "a: [", "text", "current-context: c\ncontexts: 5\n",
                              "current-context: c\ncontexts:\n- name: c\n  context: text\n", "\t- x",
                              "current-context: c\ncontexts: {c: d}\n"}) {
    auto configuration = kubeconfig_configuration(file("config", content));
    ASSERT_FALSE(configuration) << content;
    EXPECT_EQ(configuration.error().kind, ErrorKind::invalid_argument) << configuration.error().message;
    EXPECT_THAT(configuration.error().message, HasSubstr((folder_ / "config").string()));
  }
  EXPECT_EQ(kubeconfig_configuration((folder_ / "missing").string()).error().kind, ErrorKind::not_found);
}

Environment environment_of(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const std::string& name) -> std::optional<std::string> {
    auto found = values.find(name);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  };
}

TEST_F(Configuration, ReadsThePodsServiceAccount) {
  file("ca.crt", "CA");
  file("token", "t");
  file("namespace", "kafka\n");
  auto configuration = in_cluster_configuration(
      environment_of({{"KUBERNETES_SERVICE_HOST", "10.0.0.1"}, {"KUBERNETES_SERVICE_PORT", "443"}}), folder_);
  ASSERT_TRUE(configuration) << configuration.error().message;
  EXPECT_EQ(configuration->server, "https://10.0.0.1:443");
  EXPECT_EQ(configuration->authority_pem, "CA");
  EXPECT_EQ(configuration->token_file, folder_ / "token");
  EXPECT_EQ(configuration->namespace_name, "kafka");
  auto ipv6 = in_cluster_configuration(
      environment_of({{"KUBERNETES_SERVICE_HOST", "fd00::1"}, {"KUBERNETES_SERVICE_PORT", "443"}}), folder_);
  EXPECT_EQ(ipv6->server, "https://kubernetes.default.svc:443");
}

TEST_F(Configuration, SaysWhatAPodLacks) {
  EXPECT_THAT(in_cluster_configuration(environment_of({}), folder_).error().message,
              HasSubstr("KUBERNETES_SERVICE_HOST"));
  auto environment = environment_of({{"KUBERNETES_SERVICE_HOST", "10.0.0.1"}, {"KUBERNETES_SERVICE_PORT", "443"}});
  EXPECT_THAT(in_cluster_configuration(environment, folder_).error().message, HasSubstr("ca.crt"));
  file("ca.crt", "CA");
  EXPECT_THAT(in_cluster_configuration(environment, folder_).error().message, HasSubstr("token"));
}

TEST_F(Configuration, LooksAtKubeconfigThenThePodThenTheHome) {
  std::string path = kubeconfig(good_cluster, good_user);
  auto named = find_configuration(
      environment_of({{"KUBECONFIG", path}, {"KUBERNETES_SERVICE_HOST", "x"}, {"HOME", "/nowhere"}}));
  ASSERT_TRUE(named);
  fs::create_directories(folder_ / ".kube");
  fs::copy(path, folder_ / ".kube" / "config");
  auto home = find_configuration(environment_of({{"HOME", folder_.string()}}));
  ASSERT_TRUE(home) << home.error().message;
  EXPECT_EQ(home->token, "t");
  EXPECT_THAT(find_configuration(environment_of({{"HOME", "/nowhere"}})).error().message,
              HasSubstr("KUBECONFIG is not set"));
}

TEST(Base64, DecodesWithAndWithoutPaddingAndRefusesTheRest) {
  EXPECT_EQ(base64_decoded(""), "");
  EXPECT_EQ(base64_decoded("TQ=="), "M");
  EXPECT_EQ(base64_decoded("TWE="), "Ma");
  EXPECT_EQ(base64_decoded("TW\nFu"), "Man");
  EXPECT_EQ(base64_decoded("TQ"), "M");
  EXPECT_EQ(base64_decoded("/+8="), "\xff\xef");
  for (const char* bad : {"T", "TQ=", "TQ===", "T=Q=", "T!==", "TQ==TQ=="})
    EXPECT_EQ(base64_decoded(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace millrace::kubernetes

#include "operator/reconcile/schema_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "operator/api/kafka_cluster.h"
#include "operator/reconcile/schema_gate.h"
#include "test/operator/reconcile/fake_kubernetes_api.h"
#include "test/support/source_tree.h"

namespace millrace::reconcile {
namespace {

SchemaCheck with_version(const char* version) {
  kubernetes::FakeKubernetesApi api;
  nlohmann::json definition = {{"metadata", {{"annotations", nlohmann::json::object()}}}};
  if (version != nullptr) definition["metadata"]["annotations"]["millrace.dev/schema-version"] = version;
  api.put({kubernetes::custom_resource_definitions, "", "kafkaclusters.millrace.dev"}, definition);
  return check_schema(api);
}

TEST(SchemaCheck, AcceptsItsOwnVersionAndNewerOnes) {
  EXPECT_EQ(SchemaCheck::Verdict::fits, with_version(std::to_string(api::schema_version).c_str()).verdict);
  EXPECT_EQ(SchemaCheck::Verdict::fits, with_version("99").verdict);
}

TEST(SchemaCheck, RefusesAnOlderOneAndNamesTheCommand) {
  for (const char* version : {"0", "x", static_cast<const char*>(nullptr)}) {
    auto check = with_version(version);
    EXPECT_EQ(SchemaCheck::Verdict::older, check.verdict);
    EXPECT_THAT(check.message, testing::HasSubstr("kubectl apply"));
  }
  kubernetes::FakeKubernetesApi empty;
  EXPECT_EQ(SchemaCheck::Verdict::older, check_schema(empty).verdict);
}

TEST(SchemaCheck, DoesNotKnowWithoutPermission) {
  kubernetes::FakeKubernetesApi api;
  api.before_read = [](const auto&) { return Error{ErrorKind::permission_denied, "forbidden"}; };
  EXPECT_EQ(SchemaCheck::Verdict::unknown, check_schema(api).verdict);
}

TEST(SchemaCheck, HasNoAnswerWhereTheApiServerGivesNone) {
  for (auto kind : {ErrorKind::unavailable, ErrorKind::timed_out, ErrorKind::connection_loss, ErrorKind::cancelled}) {
    kubernetes::FakeKubernetesApi api;
    api.before_read = [kind](const auto&) { return Error{kind, "no answer"}; };
    EXPECT_EQ(SchemaCheck::Verdict::unanswered, check_schema(api).verdict);
  }
}

class SchemaGateTest : public testing::Test {
 protected:
  void put(int version) {
    api_.put({kubernetes::custom_resource_definitions, "", "kafkaclusters.millrace.dev"},
             {{"metadata", {{"annotations", {{"millrace.dev/schema-version", std::to_string(version)}}}}}});
  }
  void fail_with(std::optional<ErrorKind> kind) {
    api_.before_read = [kind](const auto&) -> std::optional<Error> {
      if (!kind) return std::nullopt;
      return Error{*kind, "says the test"};
    };
  }

  kubernetes::FakeKubernetesApi api_;
  ManualClock clock_;
  SchemaGate gate_{api_, clock_};
};

TEST_F(SchemaGateTest, IsClosedUntilTheApiServerHasAnsweredOnce) {
  put(api::schema_version);
  fail_with(ErrorKind::unavailable);
  auto refusal = gate_.refusal();
  ASSERT_TRUE(refusal);
  EXPECT_EQ(Outcome::Kind::failed, refusal->kind) << "it passes by itself, and is nothing for the status";
  EXPECT_EQ(std::chrono::seconds(5), refusal->look_again);
  fail_with(std::nullopt);
  EXPECT_TRUE(gate_.refusal()) << "not asked at every look";
  clock_.advance(std::chrono::seconds(5));
  EXPECT_FALSE(gate_.refusal());
}

TEST_F(SchemaGateTest, StaysAsItWasWhileTheApiServerDoesNotAnswer) {
  put(api::schema_version - 1);
  ASSERT_TRUE(gate_.refusal());
  fail_with(ErrorKind::timed_out);
  clock_.advance(std::chrono::minutes(1));
  auto refusal = gate_.refusal();
  ASSERT_TRUE(refusal) << "a definition that is too old does not fit because nobody answers";
  EXPECT_EQ("ResourceDefinitionOutdated", refusal->reason);

  fail_with(std::nullopt);
  put(api::schema_version);
  clock_.advance(std::chrono::seconds(5));
  ASSERT_FALSE(gate_.refusal());
  fail_with(ErrorKind::timed_out);
  clock_.advance(std::chrono::hours(1));
  EXPECT_FALSE(gate_.refusal()) << "one that fitted does not become old by it";
}

TEST_F(SchemaGateTest, IsOpenWhereDefinitionsMayNotBeRead) {
  fail_with(ErrorKind::permission_denied);
  EXPECT_FALSE(gate_.refusal());
}

TEST(SchemaCheck, IsOfTheDefinitionThatIsShipped) {
  std::ifstream file(source_path("crds/kafkaclusters.yaml"));
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_THAT(text.str(),
              testing::HasSubstr("millrace.dev/schema-version: \"" + std::to_string(api::schema_version) + "\""));
}

}  // namespace
}  // namespace millrace::reconcile

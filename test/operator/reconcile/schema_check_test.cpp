#include "operator/reconcile/schema_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "operator/api/kafka_cluster.h"
#include "test/operator/reconcile/fake_kubernetes_api.h"

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

TEST(SchemaCheck, IsOfTheDefinitionThatIsShipped) {
  std::ifstream file(MILLRACE_SOURCE_DIR "/crds/kafkaclusters.yaml");
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_THAT(text.str(),
              testing::HasSubstr("millrace.dev/schema-version: \"" + std::to_string(api::schema_version) + "\""));
}

}  // namespace
}  // namespace millrace::reconcile

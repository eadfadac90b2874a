// deploy/operator.yaml, and with it the chart that it is made of: the operator's rights against what its sources ask
// for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/operator/api/yaml_document.h"

namespace millrace::api {
namespace {

using testing::HasSubstr;

std::string manifest() { return read_file("deploy/operator.yaml"); }

std::string rule(const std::string& resource, const std::string& verbs) {
  return "resources: [" + resource + "]\n    verbs: [" + verbs + "]";
}

TEST(Manifest, GrantsToCountOnAnEventThatIsThereAlready) {
  EXPECT_THAT(manifest(), HasSubstr(rule("events", "get, create, patch")));
}

TEST(Manifest, GrantsToReadNodesAndNothingMoreOfThem) {
  auto text = manifest();
  auto nodes = text.find("resources: [nodes]");
  ASSERT_NE(std::string::npos, nodes);
  auto end = text.find('\n', text.find("verbs:", nodes));
  EXPECT_EQ("verbs: [get]", text.substr(text.find("verbs:", nodes), end - text.find("verbs:", nodes)));
}

TEST(Manifest, NeverGrantsToDeleteClaims) {
  auto text = manifest();
  for (auto at = text.find("persistentvolumeclaims"); at != std::string::npos;
       at = text.find("persistentvolumeclaims", at + 1)) {
    auto line = text.substr(at, text.find('\n', text.find("verbs:", at)) - at);
    EXPECT_EQ(std::string::npos, line.find("delete")) << line;
  }
}

}  // namespace
}  // namespace millrace::api

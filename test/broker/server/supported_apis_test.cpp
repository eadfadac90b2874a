#include "broker/server/supported_apis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "broker/base/file.h"
#include "broker/server/handler_list.h"
#include "test/support/source_tree.h"

namespace millrace::server {
namespace {

using protocol::ApiKey;
using protocol::Versions;

std::string document(const std::string& path) {
  auto text = posix_file_system().read_text(source_path(path), 1'000'000);
  EXPECT_TRUE(text.has_value()) << text.error().message;
  return text.value_or("");
}

struct Row {
  ApiKey key;
  Versions versions;
  friend bool operator==(const Row&, const Row&) = default;
};

// What Kafka's own classes say, of one release.
std::vector<Row> golden_rows(const std::string& file, const std::string& release) {
  std::istringstream lines(document("test/compat/golden/" + file));
  std::vector<Row> rows;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string from;
    std::string name;
    int key = 0;
    Row row{};
    words >> from >> key >> name >> row.versions.lowest >> row.versions.highest;
    if (from != release) continue;
    row.key = static_cast<ApiKey>(key);
    if (release.starts_with("3.")) EXPECT_EQ(to_string(row.key), name);  // Kafka 4 calls one by another name
    rows.push_back(row);
  }
  return rows;
}

TEST(SupportedApis, ArePrintedAsThePageInTheDocuments) {
  EXPECT_TRUE(document("docs/supported-apis.md") == supported_apis_reference())
      << "docs/supported-apis.md is not what the handlers say: millrace-broker --print-supported-apis > "
         "docs/supported-apis.md";
}

TEST(SupportedApis, AreComparedWithTheVersionsThatKafkasClassesHave) {
  std::vector<Row> on_zookeeper;
  std::vector<Row> later;
  for (const auto& api : kafka_apis()) {
    if (api.on_zookeeper != protocol::no_versions) on_zookeeper.push_back({api.key, api.on_zookeeper});
    if (api.later != protocol::no_versions) later.push_back({api.key, api.later});
  }
  EXPECT_THAT(on_zookeeper, testing::ElementsAreArray(golden_rows("served_versions.txt", "3.9.2")));
  EXPECT_THAT(later, testing::ElementsAreArray(golden_rows("served_versions.txt", "4.3.1")));
}

TEST(SupportedApis, AreAllOnThePage) {
  for (const auto& handler : handler_list()) {
    EXPECT_TRUE(std::ranges::count(kafka_apis(), handler.key, &KafkaApi::key) == 1) << to_string(handler.key);
  }
}

}  // namespace
}  // namespace millrace::server

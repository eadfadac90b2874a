#include <gtest/gtest.h>

#include <string>

#include "broker/base/file.h"
#include "broker/server/configuration/broker_config_layers.h"
#include "broker/server/configuration/broker_config_rows.h"
#include "broker/server/configuration/configuration_reference.h"
#include "broker/server/configuration/topic_config_rows.h"
#include "test/support/source_tree.h"

namespace millrace::server {
namespace {

void expect_sound(const ConfigRow& row) {
  if (row.default_value) {
    auto checked = check_config_value(row, *row.default_value);
    EXPECT_TRUE(checked.has_value()) << (checked ? "" : checked.error().message);
    EXPECT_EQ(canonical_config_text(row, *row.default_value), *row.default_value) << row.name;
  }
  EXPECT_TRUE(row.documentation.ends_with('.')) << row.name << ": " << row.documentation;
  EXPECT_EQ(row.documentation.find("  "), std::string_view::npos) << row.name;
  EXPECT_FALSE(allowed_config_values(row).empty()) << row.name;
  EXPECT_TRUE(row.dynamic || !row.per_broker) << row.name;
}

TEST(ConfigRows, HaveDefaultsThatTheyAcceptAndSentencesThatEnd) {
  for (const auto& row : broker_config_table().rows()) expect_sound(row);
  for (const auto& row : topic_config_rows()) expect_sound(row);
}

TEST(ConfigRows, OfTopicsNameABrokersKeyOfTheSameTypeThatMayChangeAtRunTime) {
  for (const auto& row : topic_config_rows()) {
    EXPECT_EQ(row.scope, ConfigScope::topic);
    if (row.synonym.empty()) continue;
    const auto* broker_row = broker_config_table().find(row.synonym);
    ASSERT_NE(broker_row, nullptr) << row.synonym;
    EXPECT_EQ(broker_row->type, row.type) << row.name;
    EXPECT_EQ(broker_row->scope, ConfigScope::broker);
    EXPECT_EQ(broker_row->support == ConfigSupport::effective, row.support == ConfigSupport::effective) << row.name;
    if (broker_row->default_value && row.name != "message.format.version")
      EXPECT_EQ(broker_row->default_value, row.default_value) << row.name;
  }
}

TEST(ConfigRows, TellMillracesKeysFromKafkas) {
  EXPECT_TRUE(is_millrace_key("metadata.store"));
  EXPECT_TRUE(is_millrace_key("millrace.http.port"));
  EXPECT_FALSE(is_millrace_key("num.partitions"));
  for (const auto& row : millrace_config_rows())
    EXPECT_TRUE(row.name.starts_with("millrace.") || row.name == "metadata.store") << row.name;
}

TEST(ConfigRows, ShortenAListenersKeyOnlyToAKeyThatIsThere) {
  EXPECT_EQ(broker_config_synonyms("log.retention.minutes"),
            (std::vector<std::string>{"log.retention.ms", "log.retention.minutes", "log.retention.hours"}));
  EXPECT_EQ(broker_config_synonyms("listener.name.a.max.connections"),
            (std::vector<std::string>{"listener.name.a.max.connections", "max.connections"}));
}

TEST(ConfigurationReference, IsThePageInTheDocuments) {
  auto page = posix_file_system().read_text(source_path("docs/configuration.md"), 1'000'000);
  ASSERT_TRUE(page.has_value()) << page.error().message;
  EXPECT_TRUE(*page == configuration_reference()) << "docs/configuration.md is not what the rows say: millrace-broker "
                                                     "--print-configuration-reference > docs/configuration.md";
}

TEST(CanonicalText, IsAsJavaPrintsAParsedValue) {
  ConfigRow number{"n", ConfigType::float64, ConfigScope::broker, std::nullopt, ""};
  for (auto [text, expected] :
       {std::pair{"0.50", "0.5"}, std::pair{"1000000", "1000000.0"}, std::pair{"10000000", "1.0E7"},
        std::pair{"123456789.5", "1.234567895E8"}, std::pair{"0.001", "0.001"}, std::pair{"0.0005", "5.0E-4"},
        std::pair{" 1 ", "1.0"}, std::pair{"-0", "-0.0"}, std::pair{"0", "0.0"}, std::pair{"1e-1", "0.1"},
        std::pair{"1.7976931348623157E308", "1.7976931348623157E308"}}) {
    EXPECT_EQ(canonical_config_text(number, text), expected);
  }
  ConfigRow integer{"i", ConfigType::int64, ConfigScope::broker, std::nullopt, ""};
  EXPECT_EQ(canonical_config_text(integer, " +0005 "), "5");
  EXPECT_EQ(canonical_config_text(integer, "-9223372036854775808"), "-9223372036854775808");
  ConfigRow list{"l", ConfigType::list, ConfigScope::broker, std::nullopt, ""};
  EXPECT_EQ(canonical_config_text(list, " a , b,c "), "a,b,c");
  EXPECT_EQ(canonical_config_text(list, "  "), "");
  ConfigRow flag{"b", ConfigType::boolean, ConfigScope::broker, std::nullopt, ""};
  EXPECT_EQ(canonical_config_text(flag, " TRUE"), "true");
}

}  // namespace
}  // namespace millrace::server

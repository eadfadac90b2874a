#include "broker/base/config_table.h"

#include <gtest/gtest.h>

#include <array>

namespace millrace {
namespace {

constexpr std::array<std::string_view, 2> policies{"delete", "compact"};
const std::array<ConfigRow, 6> rows{{
    {"num.partitions", ConfigType::int32, ConfigScope::broker, "1", "Partitions of a topic.", 1, std::nullopt},
    {"log.retention.bytes", ConfigType::int64, ConfigScope::broker, "-1", "Bytes kept.", std::nullopt, std::nullopt},
    {"cleanup.policy", ConfigType::list, ConfigScope::topic, "delete", "What happens to old segments.", std::nullopt,
     std::nullopt, policies},
    {"auto.create.topics.enable", ConfigType::boolean, ConfigScope::broker, "true", "Create on first use.",
     std::nullopt, std::nullopt},
    {"ratio", ConfigType::float64, ConfigScope::topic, "0.5", "A share.", 0, 1},
    {"rack", ConfigType::string, ConfigScope::broker, std::nullopt, "Where the broker stands.", std::nullopt,
     std::nullopt},
}};

TEST(ConfigTable, FindsTheNameThatWasProbablyMeant) {
  ConfigTable table(rows);
  ASSERT_NE(table.nearest("num.partition"), nullptr);
  EXPECT_EQ(table.nearest("num.partition")->name, "num.partitions");
  EXPECT_EQ(table.nearest("something.entirely.different"), nullptr);
  EXPECT_EQ(table.nearest(std::string(100'000, 'x')), nullptr);
}

TEST(ConfigValues, RefusesABadValueWithTheKeyTheValueAndWhatIsAllowed) {
  ConfigTable table(rows);
  ConfigValues values(table);
  struct Case {
    std::string_view name, text, expected;
  };
  for (auto [name, text, expected] :
       {Case{"num.partitions", "0", "an integer from 1 to 2147483647"},
        Case{"num.partitions", "3x", "an integer from 1"}, Case{"num.partitions", "2147483648", "an integer from 1"},
        Case{"num.partitions", "", "an integer from 1"},
        Case{"log.retention.bytes", "9223372036854775808", "9223372036854775807"},
        Case{"cleanup.policy", "delete,erase", "a list of delete, compact"},
        Case{"auto.create.topics.enable", "yes", "true or false"}, Case{"ratio", "1.5", "a number from 0 to 1"},
        Case{"ratio", "nan", "a number from 0 to 1"}}) {
    auto set = values.set(name, text);
    ASSERT_FALSE(set.has_value()) << name << "=" << text;
    EXPECT_NE(set.error().message.find(expected), std::string::npos) << set.error().message;
    EXPECT_NE(set.error().message.find(name), std::string::npos);
    EXPECT_NE(set.error().message.find("'" + std::string(text) + "'"), std::string::npos);
    EXPECT_FALSE(values.is_set(name));
  }
}

TEST(ConfigValues, GivesTheExplicitValueBeforeTheDefault) {
  ConfigTable table(rows);
  ConfigValues values(table);
  EXPECT_EQ(values.integer("num.partitions"), 1);
  ASSERT_TRUE(values.set("num.partitions", "12").has_value());
  EXPECT_EQ(values.integer("num.partitions"), 12);
  values.unset("num.partitions");
  EXPECT_EQ(values.integer("num.partitions"), 1);
  EXPECT_TRUE(values.boolean("auto.create.topics.enable"));
  ASSERT_TRUE(values.set("auto.create.topics.enable", "FALSE").has_value());
  EXPECT_FALSE(values.boolean("auto.create.topics.enable"));
  ASSERT_TRUE(values.set("cleanup.policy", " compact , delete ").has_value());
  EXPECT_EQ(values.list("cleanup.policy"), (std::vector<std::string>{"compact", "delete"}));
  EXPECT_EQ(values.text("rack"), std::nullopt);
  EXPECT_EQ(values.number("ratio"), 0.5);
}

}  // namespace
}  // namespace millrace

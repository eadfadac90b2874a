#include <gtest/gtest.h>

#include "broker/base/config_table.h"

namespace millrace {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

TEST(Properties, ReadsWhatJavaReads) {
  auto parsed = parse_properties(
      "# comment\n! another\n\n  a=1\nb : two words \nc three\nlong=one,\\\n   "
      "two\nempty=\nbare\nk\\=ey=v\\u00e9\\tx\\\\\r\nlast=1");
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(*parsed, (Pairs{{"a", "1"},
                            {"b", "two words "},
                            {"c", "three"},
                            {"long", "one,two"},
                            {"empty", ""},
                            {"bare", ""},
                            {"k=ey", "v\xc3\xa9\tx\\"},
                            {"last", "1"}}));
}

TEST(Properties, NamesTheLineOfAMalformedEscape) {
  auto parsed = parse_properties("a=1\nb=\\u12x4\n");
  ASSERT_FALSE(parsed.has_value());
  EXPECT_NE(parsed.error().message.find("line 2"), std::string::npos);
}

TEST(Properties, SurvivesTextThatEndsInsideALine) {
  for (std::string text : {"a=1\\", "a\\", "\\", "a=\\u", "=", ":", "\\u0"}) parse_properties(text);
  EXPECT_EQ(*parse_properties(""), Pairs{});
}

}  // namespace
}  // namespace millrace

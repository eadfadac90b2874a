#include "broker/base/uuid.h"

#include <gtest/gtest.h>

#include "broker/base/random.h"

namespace millrace {
namespace {

TEST(Uuid, ReadsBackWhatItWrites) {
  SeededRandom random(7);
  for (int i = 0; i < 1000; ++i) {
    auto uuid = Uuid::random(random);
    auto text = to_string(uuid);
    EXPECT_EQ(text.size(), 22u);
    EXPECT_NE(text.front(), '-');
    ASSERT_TRUE(Uuid::parse(text).has_value()) << text;
    EXPECT_EQ(*Uuid::parse(text), uuid);
  }
}

TEST(Uuid, WritesZeroAsKafkaDoes) { EXPECT_EQ(to_string(Uuid{}), "AAAAAAAAAAAAAAAAAAAAAA"); }

TEST(Uuid, RefusesTextThatItWouldNotWriteItself) {
  for (std::string text : {"", "AAAA", "AAAAAAAAAAAAAAAAAAAAAB", "AAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAAAA",
                           "AAAAAAAAAA/AAAAAAAAAAA"}) {
    auto parsed = Uuid::parse(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_NE(parsed.error().message.find("22 characters"), std::string::npos);
  }
}

}  // namespace
}  // namespace millrace

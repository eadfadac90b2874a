#include "broker/controller/topic_name.h"

#include <gtest/gtest.h>

namespace millrace::controller {
namespace {

TEST(TopicName, RefusesWhatKafkaRefusesAndSaysWhy) {
  for (std::string name : {"", ".", "..", "a/b", "a b", "a\tb", "é", "a:b"}) {
    auto checked = check_topic_name(name);
    ASSERT_FALSE(checked.has_value()) << name;
    EXPECT_EQ(checked.error().message.rfind("Topic name is invalid: ", 0), 0u);
  }
  EXPECT_FALSE(check_topic_name(std::string(250, 'a')).has_value());
  EXPECT_FALSE(check_topic_name(std::string("a\0b", 3)).has_value());
}

TEST(TopicName, AllowsEveryCharacterThatKafkaAllows) {
  EXPECT_TRUE(check_topic_name("...").has_value());
  EXPECT_TRUE(check_topic_name("Orders_2024.v1-EU").has_value());
  EXPECT_TRUE(check_topic_name(std::string(249, 'a')).has_value());
}

TEST(TopicName, CollidesWhenOnlyDotsAndUnderscoresDiffer) {
  EXPECT_TRUE(topic_names_collide("a.b", "a_b"));
  EXPECT_TRUE(topic_names_collide("a.b", "a.b"));
  EXPECT_FALSE(topic_names_collide("a.b", "a-b"));
  EXPECT_FALSE(topic_names_collide("a.b", "a.bc"));
}

}  // namespace
}  // namespace millrace::controller

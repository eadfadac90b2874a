#include "broker/base/java_string.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace {
namespace {

using namespace std::string_literals;

// What Java 17 says of `new String(bytes, UTF_8)`.
struct JavaText {
  std::string bytes;
  std::int32_t hash;
  std::size_t length;
};

const JavaText java_texts[] = {
    {"", 0, 0},
    {"a", 97, 1},
    {"my-group", -1906497762, 8},
    {"gr\xc3\xbcppe", -1233264812, 6},
    {"\xe6\xb6\x88\xe8\xb2\xbb\xe8\x80\x85\xe3\x82\xb0\xe3\x83\xab\xe3\x83\xbc\xe3\x83\x97", 1778507784, 7},
    {"\xf0\x9d\x84\x9e clef", 1424431552, 7},
    {"polygenelubricants", -2147483648, 18},
    {"connect-cluster", 1440343063, 15},
    {"\0\x7f\xef\xbf\xbf"s, 69472, 3},
};

const JavaText java_faults[] = {
    {"\x80", 65533, 1},
    {"a\xff"
     "b",
     2124838, 3},
    {"\xe2\x82", 65533, 1},
    {"\xf0\x9f\x98z", 2031645, 2},
    {"\xed\xa0\x80", 65533, 1},
    {"\xc0\x80", 2097056, 2},
    {"\xf4\x90\x80\x80", 2017367872, 4},
    {"\xe0\x80\x80", 65074269, 3},
};

TEST(JavaString, HashesAndMeasuresTextAsUtf16) {
  for (const auto& text : java_texts) {
    EXPECT_EQ(java_hash(text.bytes), text.hash) << text.bytes;
    EXPECT_EQ(java_length(text.bytes), text.length) << text.bytes;
  }
}

TEST(JavaString, TakesFaultyBytesAsJavaDoes) {
  for (const auto& text : java_faults) {
    EXPECT_EQ(java_hash(text.bytes), text.hash) << testing::PrintToString(text.bytes);
    EXPECT_EQ(java_length(text.bytes), text.length) << testing::PrintToString(text.bytes);
  }
}

TEST(JavaString, PutsAnIdIntoThePartitionThatKafkaPutsItInto) {
  EXPECT_EQ(java_partition("a", 50), 47);
  EXPECT_EQ(java_partition("my-group", 50), 12);           // a negative hash
  EXPECT_EQ(java_partition("polygenelubricants", 50), 0);  // the hash that has no absolute value
  EXPECT_EQ(java_partition("connect-cluster", 50), 13);
  EXPECT_EQ(java_partition("connect-cluster", 1), 0);
}

}  // namespace
}  // namespace millrace

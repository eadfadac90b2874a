#include "broker/log/key_offset_map.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace millrace::log {
namespace {

TEST(KeyOffsetMap, HasKafkasCapacity) {
  SeededRandom random(1);
  const KeyOffsetMap map(1000, 0.9, random);
  EXPECT_EQ(map.slots(), 41U) << "1000 / 24";
  EXPECT_EQ(map.limit(), 36U) << "int(41 * 0.9)";
  const KeyOffsetMap largest(std::uint64_t{1} << 40, 0.9, random);
  EXPECT_EQ(largest.slots(), 2147483647U / 24) << "2 GiB at most for one cleaner";
}

TEST(KeyOffsetMap, KeepsTheLastOffsetOfEachKey) {
  SeededRandom random(2);
  KeyOffsetMap map(1 << 20, 0.9, random);
  std::map<std::string, Offset> expected;
  for (int index = 0; index < 60'000 && !map.full(); ++index) {
    const auto key = std::string(random.below(20), 'k') + std::to_string(random.below(30'000));
    map.put(as_bytes(key), Offset(index));
    expected[key] = Offset(index);
    ASSERT_EQ(map.latest_offset(), Offset(index));
  }
  EXPECT_EQ(map.size(), expected.size());
  for (const auto& [key, offset] : expected) ASSERT_EQ(map.get(as_bytes(key)), offset) << key;
  EXPECT_EQ(map.get(as_bytes("absent")), Offset::none());
}

TEST(KeyOffsetMap, IsFullAtItsLimitAndStillFindsEverything) {
  for (const double load_factor : {0.5, 0.9, 1.0}) {
    SeededRandom random(3);
    KeyOffsetMap map(24 * 5000, load_factor, random);
    while (!map.full()) map.put(as_bytes(std::to_string(map.size())), Offset(static_cast<std::int64_t>(map.size())));
    EXPECT_EQ(map.size(), map.limit());
    for (std::size_t number = 0; number < map.size(); ++number)
      ASSERT_EQ(map.get(as_bytes(std::to_string(number))), Offset(static_cast<std::int64_t>(number)));
    EXPECT_EQ(map.get(as_bytes("absent")), Offset::none());
  }
}

TEST(KeyOffsetMap, IsEmptyAfterItWasCleared) {
  SeededRandom random(4);
  KeyOffsetMap map(24 * 100, 0.9, random);
  map.put(as_bytes(""), Offset(0));
  EXPECT_EQ(map.get(as_bytes("")), Offset(0)) << "an empty key is a key";
  map.clear();
  EXPECT_EQ(map.get(as_bytes("")), Offset::none());
  EXPECT_EQ(map.latest_offset(), Offset::none());
  EXPECT_EQ(map.size(), 0U);
}

}  // namespace
}  // namespace millrace::log

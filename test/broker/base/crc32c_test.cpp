#include "broker/base/crc32c.h"

#include <gtest/gtest.h>

#include <vector>

#include "broker/base/random.h"

namespace millrace {
namespace {

std::uint32_t bit_by_bit(BytesView bytes) {
  std::uint32_t crc = 0xffffffff;
  for (auto byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78 : 0);
  }
  return ~crc;
}

TEST(Crc32c, GivesTheCheckValueOfTheStandard) { EXPECT_EQ(crc32c(as_bytes("123456789")), 0xe3069283u); }

TEST(Crc32c, AgreesWithTheDefinitionAtEveryLengthAroundTheLanes) {
  SeededRandom random(1);
  std::vector<std::uint8_t> bytes(7000);
  random.fill(bytes);
  for (std::size_t size : {0, 1, 7, 8, 9, 3071, 3072, 3073, 6143, 6144, 6151, 7000}) {
    auto view = BytesView(bytes).first(size);
    EXPECT_EQ(crc32c(view), bit_by_bit(view)) << size;
    EXPECT_EQ(crc32c(view.subspan(size / 3), crc32c(view.first(size / 3))), bit_by_bit(view))
        << "in two steps, " << size;
  }
}

}  // namespace
}  // namespace millrace

#include "broker/network/file_residency.h"

#include <fcntl.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "test/broker/network/temporary_file.h"

namespace millrace::network {
namespace {

constexpr std::size_t file_bytes = 3'000'000;

struct FileResidency : testing::Test {
  void SetUp() override {
    ASSERT_TRUE(file.open()->sync());
    ASSERT_EQ(::posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED), 0);
    ASSERT_FALSE(is_resident(descriptor, 0, file_bytes)) << "the pages of " << file.path() << " do not leave the cache";
  }
  TemporaryFile file{file_bytes};
  const int descriptor = file.open()->descriptor();
};

TEST_F(FileResidency, BringsARangeIn) {
  for (const std::uint64_t position : {2'000'000, 4'095, 1'234'567}) {
    ASSERT_FALSE(is_resident(descriptor, position, 600'000)) << position;
    bring_in(descriptor, position, 600'000);
    EXPECT_TRUE(is_resident(descriptor, position, 600'000)) << position;
    ASSERT_EQ(::posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED), 0);
  }
  EXPECT_EQ(::lseek(descriptor, 0, SEEK_CUR), 0) << "others read by the descriptor too";
}

TEST_F(FileResidency, BringsInNoMoreThanThereIs) {
  bring_in(descriptor, file_bytes - 10, 1'000'000);
  EXPECT_TRUE(is_resident(descriptor, file_bytes - 10, 10));
  bring_in(descriptor, file_bytes + 10, 10);
  bring_in(-1, 0, 10);
}

}  // namespace
}  // namespace millrace::network

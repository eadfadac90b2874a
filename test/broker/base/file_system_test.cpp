#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <algorithm>
#include <vector>

#include <algorithm>
#include <array>

#include "broker/base/file.h"
#include "broker/base/output_chain.h"
#include "test/broker/base/temporary_directory.h"

namespace millrace {
namespace {

class PosixFileSystem : public testing::Test {
 protected:
  FileSystem& files_ = posix_file_system();
  TemporaryDirectory temporary_;
  const std::string& directory_ = temporary_.path();
};

TEST_F(PosixFileSystem, ReadsBackWhatWasWrittenInPieces) {
  auto file = files_.open(directory_ + "/a", OpenMode::create_new).value();
  ASSERT_TRUE(file->write_at(2, std::vector<BytesView>{as_bytes("hello"), {}, as_bytes(" world")}).has_value());
  std::vector<std::uint8_t> buffer(20);
  EXPECT_EQ(file->read_at(2, buffer).value(), 11u);
  EXPECT_EQ(as_text(BytesView(buffer).first(11)), "hello world");
  EXPECT_EQ(file->size_bytes().value(), 13u);
}

// Of the first so many bytes: pages that are in the page cache.
std::size_t pages_in_cache(const File& file, std::size_t size_bytes) {
  constexpr std::size_t page_bytes = 4096;
  void* memory = ::mmap(nullptr, size_bytes, PROT_READ, MAP_SHARED, file.descriptor(), 0);
  if (memory == MAP_FAILED) return 0;
  std::vector<unsigned char> pages((size_bytes + page_bytes - 1) / page_bytes);
  EXPECT_EQ(::mincore(memory, size_bytes, pages.data()), 0);
  ::munmap(memory, size_bytes);
  return static_cast<std::size_t>(std::ranges::count_if(pages, [](unsigned char page) { return (page & 1) != 0; }));
}

// Whether the file system tells what is in the page cache: tmpfs does not.
bool tells_of_cache(const File& file) {
  std::uint8_t byte = 0;
  iovec into{&byte, 1};
  return ::preadv2(file.descriptor(), &into, 1, 0, RWF_NOWAIT) >= 0 || errno != EOPNOTSUPP;
}

TEST_F(PosixFileSystem, ReadsWithoutWaitingWhatIsInThePageCacheAndNothingElse) {
  constexpr std::size_t size_bytes = 100'000;
  auto file = files_.open(directory_ + "/a", OpenMode::create_new).value();
  ASSERT_TRUE(file->write_at(0, std::vector<std::uint8_t>(size_bytes, 7)));
  ASSERT_TRUE(file->sync());
  std::vector<std::uint8_t> into(50);
  if (tells_of_cache(*file)) {
    EXPECT_EQ(file->read_at_if_cached(5'000, into), into.size());
    EXPECT_EQ(into, std::vector<std::uint8_t>(50, 7));
    EXPECT_EQ(file->read_at_if_cached(size_bytes - 20, into), 20U);
    EXPECT_EQ(file->read_at_if_cached(size_bytes, into), 0U);
    ASSERT_EQ(::posix_fadvise(file->descriptor(), 0, 0, POSIX_FADV_DONTNEED), 0);
    ASSERT_EQ(pages_in_cache(*file, size_bytes), 0U);
  }
  EXPECT_EQ(file->read_at_if_cached(5'000, into), 0U);
  auto direct = files_.open(directory_ + "/a", OpenMode::direct_read_write).value();
  EXPECT_EQ(direct->read_at_if_cached(0, into), 0U) << "it would have to wait";
  EXPECT_EQ(files_.open(directory_, OpenMode::read_only).value()->read_at_if_cached(0, into), 0U) << "a directory";
}

// Files that were taken over may belong to another user, who let this one write to them.
TEST_F(PosixFileSystem, LeavesTheTimeOfAFileThatBelongsToAnother) {
  auto file = files_.open("/dev/null", OpenMode::read_write).value();
  const auto before = file->status()->modified;
  constexpr uid_t nobody = 65534;
  const auto user = static_cast<uid_t>(::setfsuid(nobody));
  const auto set = file->set_modified(TimestampMs(1'000));
  ::setfsuid(user);
  EXPECT_TRUE(set) << set.error().message;
  EXPECT_EQ(file->status()->modified, before);
}

TEST_F(PosixFileSystem, ReservesBehindTheEndWithoutMovingIt) {
  auto file = files_.open(directory_ + "/a", OpenMode::create_new).value();
  ASSERT_TRUE(file->write_at(0, as_bytes("hello")));
  constexpr std::uint64_t reserved_bytes = std::uint64_t{1} << 20;
  const bool reserved = file->reserve(5, reserved_bytes);
  EXPECT_EQ(file->size_bytes().value(), 5U);
  const auto blocks_bytes = [&] {
    struct stat found{};
    EXPECT_EQ(::fstat(file->descriptor(), &found), 0);
    return static_cast<std::uint64_t>(found.st_blocks) * 512;
  };
  if (reserved) EXPECT_GE(blocks_bytes(), reserved_bytes);
  ASSERT_TRUE(file->truncate(5));
  EXPECT_LT(blocks_bytes(), reserved_bytes);
}

TEST_F(PosixFileSystem, ReadsBesideThePageCacheAtAnyPosition) {
  std::vector<std::uint8_t> content(300'001);
  for (std::size_t at = 0; at < content.size(); ++at) content[at] = static_cast<std::uint8_t>(at * 31 + at / 251);
  auto file = files_.open(directory_ + "/a", OpenMode::create_new).value();
  ASSERT_TRUE(file->write_at(0, content));
  for (const std::size_t position : {0UL, 1UL, 4095UL, 4096UL, 123'456UL, 299'999UL, 300'001UL, 400'000UL}) {
    for (const std::size_t count : {0UL, 1UL, 4096UL, 100'000UL, 500'000UL}) {
      std::vector<std::uint8_t> buffer(count);
      const auto got = file->read_at_uncached(position, buffer);
      ASSERT_TRUE(got) << got.error().message;
      const auto begin = std::min(position, content.size());
      ASSERT_EQ(*got, std::min(count, content.size() - begin)) << position << " " << count;
      EXPECT_TRUE(std::equal(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*got),
                             content.begin() + static_cast<std::ptrdiff_t>(begin)));
    }
  }
}

TEST_F(PosixFileSystem, BringsNothingIntoThePageCacheThatWasNotThere) {
  const std::vector<std::uint8_t> content(std::size_t{1} << 20, 7);
  auto file = files_.open(directory_ + "/a", OpenMode::create_new).value();
  ASSERT_TRUE(file->write_at(0, content));
  ASSERT_TRUE(file->sync());
  ASSERT_EQ(::posix_fadvise(file->descriptor(), 0, 0, POSIX_FADV_DONTNEED), 0);
  const auto before = pages_in_cache(*file, content.size());
  std::vector<std::uint8_t> buffer(content.size());
  ASSERT_EQ(file->read_at_uncached(0, buffer).value(), content.size());
  EXPECT_EQ(buffer, content);
  EXPECT_LE(pages_in_cache(*file, content.size()), before);
}

TEST_F(PosixFileSystem, NamesThePathAndTheReasonOfAFailure) {
  auto absent = files_.open(directory_ + "/absent", OpenMode::read_only);
  ASSERT_FALSE(absent.has_value());
  EXPECT_EQ(absent.error().kind, ErrorKind::not_found);
  EXPECT_NE(absent.error().message.find(directory_ + "/absent"), std::string::npos);
  ASSERT_TRUE(files_.open(directory_ + "/there", OpenMode::create_new).has_value());
  EXPECT_EQ(files_.open(directory_ + "/there", OpenMode::create_new).error().kind, ErrorKind::already_exists);
}

TEST_F(PosixFileSystem, ReplacesAFileWholeAndLeavesNoTemporary) {
  ASSERT_TRUE(replace_file(files_, directory_ + "/checkpoint", "one").has_value());
  ASSERT_TRUE(replace_file(files_, directory_ + "/checkpoint", "two").has_value());
  EXPECT_EQ(files_.read_text(directory_ + "/checkpoint", 100).value(), "two");
  EXPECT_EQ(files_.list(directory_).value().size(), 1u);
  EXPECT_EQ(files_.read_text(directory_ + "/checkpoint", 2).error().kind, ErrorKind::resource_exhausted);
}

TEST_F(PosixFileSystem, SaysHowMuchSpaceTheVolumeOfADirectoryHas) {
  const auto space = files_.space(directory_);
  ASSERT_TRUE(space.has_value());
  EXPECT_GT(space->total_bytes, 0u);
  EXPECT_LE(space->available_bytes, space->total_bytes);
  const auto absent = files_.space(directory_ + "/absent");
  ASSERT_FALSE(absent.has_value());
  EXPECT_EQ(absent.error().kind, ErrorKind::not_found);
}

TEST_F(PosixFileSystem, GivesALockToOneHolderOnly) {
  auto held = files_.lock(directory_ + "/.lock");
  ASSERT_TRUE(held.has_value());
  EXPECT_EQ(files_.lock(directory_ + "/.lock").error().kind, ErrorKind::conflict);
  held->reset();
  EXPECT_TRUE(files_.lock(directory_ + "/.lock").has_value());
}

TEST_F(PosixFileSystem, WritesAndReadsWholeBlocksPastThePageCache) {
  const auto path = directory_ + "/journal";
  EXPECT_EQ(files_.open(path, OpenMode::direct_read_write).error().kind, ErrorKind::not_found);
  ASSERT_TRUE(files_.open(path, OpenMode::create_new)->get()->truncate(2 * direct_alignment_bytes));
  auto file = files_.open(path, OpenMode::direct_read_write).value();
  alignas(direct_alignment_bytes) std::array<std::uint8_t, direct_alignment_bytes> block;
  block.fill(7);
  ASSERT_TRUE(file->write_at(direct_alignment_bytes, BytesView(block)));
  ASSERT_TRUE(file->sync());
  block.fill(0);
  EXPECT_EQ(file->read_at(direct_alignment_bytes, block).value(), block.size());
  EXPECT_EQ(std::ranges::count(block, 7), static_cast<std::ptrdiff_t>(block.size()));
}

TEST_F(PosixFileSystem, GoesOnThroughThePageCacheWhereBlocksAreNotAligned) {
  const auto path = directory_ + "/journal";
  ASSERT_TRUE(files_.open(path, OpenMode::create_new));
  auto file = files_.open(path, OpenMode::direct_read_write).value();
  ASSERT_TRUE(file->write_at(3, as_bytes("odd")));
  EXPECT_EQ(as_text(as_bytes(files_.read_text(path, 100).value()).subspan(3)), "odd");
}

TEST_F(PosixFileSystem, KeepsADeletedFileReadableThroughItsSlices) {
  OutputChain chain;
  {
    auto file = files_.open(directory_ + "/segment", OpenMode::create_new).value();
    ASSERT_TRUE(file->write_at(0, as_bytes("0123456789")).has_value());
    chain.append(OutputChain::Buffer{'<'});
    chain.append(FileSlice{file, 3, 4});
    chain.append(OutputChain::Borrowed{as_bytes(">"), nullptr});
  }
  ASSERT_TRUE(files_.remove(directory_ + "/segment").has_value());
  EXPECT_EQ(chain.size_bytes(), 6u);
  EXPECT_EQ(as_text(chain.flatten().value()), "<3456>");
}

}  // namespace
}  // namespace millrace

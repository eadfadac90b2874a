#include "broker/log/file_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "test/broker/base/temporary_directory.h"
#include "test/broker/log/log_world.h"

namespace millrace::log::test {
namespace {

struct FileCacheTest : testing::Test {
  std::string path(const std::string& name) const { return directory.path() + "/" + name; }
  static std::string text_of(CachedFile& cached) {
    auto file = cached.open();
    EXPECT_TRUE(file) << file.error().message;
    std::string text(*(*file)->size_bytes(), '\0');
    EXPECT_TRUE((*file)->read_at(0, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()}));
    return text;
  }

  TemporaryDirectory directory;
  FileCache cache{posix_file_system(), 2};
};

TEST_F(FileCacheTest, OpensARenamedFileAndNotTheOneThatHasTakenItsName) {
  write_file(path("a"), as_bytes("old"));
  CachedFile cached(cache, path("a"));
  ASSERT_TRUE(cached.open());
  ASSERT_TRUE(cached.rename(path("a.deleted")));
  write_file(path("a"), as_bytes("new"));
  cached.forget();
  EXPECT_EQ(cached.path(), path("a.deleted"));
  EXPECT_EQ(text_of(cached), "old");
  ASSERT_TRUE(cached.rename(path("a.deleted"))) << "it has that name already";
}

TEST_F(FileCacheTest, KeepsTheNameWhenTheFileCannotBeRenamed) {
  CachedFile cached(cache, path("absent"));
  auto renamed = cached.rename(path("b"));
  ASSERT_FALSE(renamed);
  EXPECT_EQ(renamed.error().kind, ErrorKind::not_found);
  EXPECT_EQ(cached.path(), path("absent"));
}

TEST_F(FileCacheTest, NeverOpensTheFileThatTakesTheNameWhileItIsRenamed) {
  CachedFile cached(cache, path("a"));
  for (int round = 0; round < 200; ++round) {
    const auto old_text = "old" + std::to_string(round);
    write_file(cached.path(), as_bytes(old_text));
    std::atomic<bool> stop = false;
    std::atomic<int> wrong = 0;
    std::thread reader([&] {
      while (!stop) {
        if (text_of(cached) != old_text) ++wrong;
        cached.forget();
      }
    });
    const auto from = cached.path();
    EXPECT_TRUE(cached.rename(from == path("a") ? path("b") : path("a")));
    write_file(from, as_bytes("another"));
    stop = true;
    reader.join();
    EXPECT_EQ(wrong, 0) << "round " << round;
  }
}

TEST_F(FileCacheTest, GivesAFileOnlyWhereItIsOpenToWhoMayNotWait) {
  for (const char* name : {"a", "b", "c"}) write_file(path(name), as_bytes(name));
  CachedFile a(cache, path("a"));
  CachedFile b(cache, path("b"));
  CachedFile c(cache, path("c"));
  EXPECT_EQ(a.if_open(), nullptr);
  ASSERT_TRUE(a.open());
  ASSERT_TRUE(b.open());
  EXPECT_EQ(a.if_open(), *a.open());
  ASSERT_TRUE(b.open());
  ASSERT_NE(a.if_open(), nullptr);
  ASSERT_TRUE(c.open());
  EXPECT_NE(a.if_open(), nullptr) << "it was used since";
  EXPECT_EQ(b.if_open(), nullptr);
  a.forget();
  EXPECT_EQ(a.if_open(), nullptr);
  EXPECT_EQ(cache.open_files(), 1U);
}

TEST_F(FileCacheTest, TellsAndSetsWhenAFileWasModified) {
  write_file(path("a"), as_bytes("text"));
  auto file = posix_file_system().open(path("a"), OpenMode::read_write);
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->set_modified(TimestampMs(1'700'000'000'123)));
  EXPECT_EQ((*file)->status()->modified, TimestampMs(1'700'000'000'123));
  EXPECT_EQ((*file)->status()->size_bytes, 4U);
}

}  // namespace
}  // namespace millrace::log::test

// Which directory a path belongs to, what is a failure of its disk, and what is refused afterwards.
#include "broker/log/directory_health.h"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/log/watched_files.h"
#include "test/broker/base/temporary_directory.h"
#include "test/broker/log/failing_files.h"
#include "test/broker/log/fault_file_system.h"

namespace millrace::log::test {
namespace {

TEST(DirectoryHealth, FindsTheDirectoryThatAPathLiesIn) {
  DirectoryHealth health({"/a", "/a/deep", "/ab", "relative/b/"});
  EXPECT_EQ(health.directory_of("/a"), 0U);
  EXPECT_EQ(health.directory_of("/a/topic-0/00000000000000000000.log"), 0U);
  EXPECT_EQ(health.directory_of("/a/deep"), 1U);
  EXPECT_EQ(health.directory_of("/a/deep/topic-0"), 1U);
  EXPECT_EQ(health.directory_of("/a/deeper"), 0U);
  EXPECT_EQ(health.directory_of("/ab/x"), 2U);
  EXPECT_EQ(health.directory_of("relative/b//topic-0"), 3U);
  EXPECT_EQ(health.directory_of("/elsewhere"), 4U) << "in none";
  EXPECT_TRUE(health.is_online("/elsewhere"));
}

TEST(DirectoryHealth, IsToldOnceAndKeepsTheFirstReason) {
  DirectoryHealth health({"/a", "/b"});
  std::vector<std::pair<std::size_t, std::string>> told;
  health.listen([&](std::size_t directory, const Error& why) { told.emplace_back(directory, why.message); });
  health.report(1, {ErrorKind::not_found, "no such file"});
  health.report(1, {ErrorKind::already_exists, "there"});
  health.report(1, {ErrorKind::corrupt, "bad"});
  health.report(1, {ErrorKind::resource_exhausted, "too many open files"});
  health.report(2, {ErrorKind::io, "of no log directory"});
  EXPECT_TRUE(told.empty()) << "nothing of this is the disk";
  EXPECT_TRUE(health.is_online(std::size_t{1}));
  health.report(1, {ErrorKind::no_space, "full"});
  health.report(1, {ErrorKind::io, "later"});
  EXPECT_EQ(told, (std::vector<std::pair<std::size_t, std::string>>{{1, "full"}}));
  EXPECT_FALSE(health.is_online("/b/topic-0"));
  EXPECT_TRUE(health.is_online("/a/topic-0"));
  EXPECT_EQ(health.reason(1), "full");
  EXPECT_EQ(health.offline_count(), 1U);
}

struct WatchedFiles : testing::Test {
  WatchedFiles() {
    EXPECT_TRUE(real.create_directories(bad()));
    EXPECT_TRUE(real.create_directories(good()));
    renew();
    EXPECT_TRUE(write(bad()));
    EXPECT_TRUE(write(good()));
  }
  void renew() {
    health = std::make_shared<DirectoryHealth>(std::vector<std::string>{bad(), good()});
    health->listen([this](std::size_t number, const Error&) { offline.push_back(number); });
    files = std::make_unique<WatchedFileSystem>(failing, health);
    offline.clear();
  }
  [[nodiscard]] std::string bad() const { return folder.path() + "/bad"; }
  [[nodiscard]] std::string good() const { return folder.path() + "/good"; }
  Status write(const std::string& directory) {
    return files->open(directory + "/file", OpenMode::read_write_or_create).and_then([](const auto& file) {
      return file->write_at(0, as_bytes("text"));
    });
  }
  // Every call of the interface, by the name that failing_files.h gives it.
  std::map<std::string, std::function<Status(const std::string& directory)>> calls() {
    auto of_file = [this](auto call) {
      return [this, call](const std::string& directory) -> Status {
        auto file = files->open(directory + "/file", OpenMode::read_write);
        if (!file) return tl::unexpected(file.error());
        return call(**file);
      };
    };
    auto nothing = [](const auto&) {};
    return {
        {"open", [=, this](const auto& in) { return files->open(in + "/file", OpenMode::read_only).map(nothing); }},
        {"list", [=, this](const auto& in) { return files->list(in).map(nothing); }},
        {"exists", [=, this](const auto& in) { return files->exists(in + "/file").map(nothing); }},
        {"create_directories", [this](const auto& in) { return files->create_directories(in + "/made"); }},
        {"rename", [this](const auto& in) { return files->rename(in + "/file", in + "/file"); }},
        {"remove", [this](const auto& in) { return files->remove(in + "/file"); }},
        {"remove_all", [this](const auto& in) { return files->remove_all(in + "/none"); }},
        {"sync_directory", [this](const auto& in) { return files->sync_directory(in); }},
        {"space", [=, this](const auto& in) { return files->space(in).map(nothing); }},
        {"read_text", [=, this](const auto& in) { return files->read_text(in + "/file", 100).map(nothing); }},
        {"lock", [=, this](const auto& in) { return files->lock(in + "/.lock").map(nothing); }},
        {"status", of_file([=](File& file) { return file.status().map(nothing); })},
        {"read", of_file([=](File& file) {
           std::array<std::uint8_t, 4> into{};
           return file.read_at(0, into).map(nothing);
         })},
        {"write", of_file([](File& file) { return file.write_at(0, std::vector<BytesView>{as_bytes("more")}); })},
        {"truncate", of_file([](File& file) { return file.truncate(4); })},
        {"preallocate", of_file([](File& file) { return file.preallocate(100); })},
        {"set_modified", of_file([](File& file) { return file.set_modified(TimestampMs(1000)); })},
        {"sync", of_file([](File& file) { return file.sync(); })},
    };
  }

  TemporaryDirectory folder;
  FileSystem& real = posix_file_system();
  FailingFileSystem failing;
  std::shared_ptr<DirectoryHealth> health;
  std::unique_ptr<WatchedFileSystem> files;
  std::vector<std::size_t> offline;
};

TEST_F(WatchedFiles, ReadWhatIsInThePageCache) {
  FaultFileSystem cached;
  cached.faults->cached_bytes = [](const auto&, auto) { return std::size_t{3}; };
  WatchedFileSystem watching(cached, health);
  auto file = watching.open(good() + "/file", OpenMode::read_only);
  ASSERT_TRUE(file);
  std::array<std::uint8_t, 4> into{};
  EXPECT_EQ((*file)->read_at_if_cached(0, into), 3U);
  EXPECT_EQ(as_text(BytesView(into).first(3)), "tex");
}

TEST_F(WatchedFiles, TakeTheDirectoryOfflineWhicheverCallFails) {
  for (const auto& [name, call] : calls()) {
    for (auto kind : {ErrorKind::io, ErrorKind::no_space, ErrorKind::permission_denied}) {
      renew();
      failing.calls->fault = [&, wanted = name](std::string_view made, const std::string& path) {
        return made == wanted && path.starts_with(bad()) ? std::optional(kind) : std::nullopt;
      };
      EXPECT_FALSE(call(bad())) << name;
      // Without room for what nobody has written yet the disk is as good as before.
      const bool is_no_failure = name == "preallocate" && kind == ErrorKind::no_space;
      EXPECT_EQ(offline, is_no_failure ? std::vector<std::size_t>{} : std::vector<std::size_t>{0}) << name;
      failing.calls->fault = nullptr;
      EXPECT_TRUE(write(good())) << name;
    }
  }
}

TEST_F(WatchedFiles, GoOnAfterAFailureThatSaysNothingOfTheDisk) {
  for (const auto& [name, call] : calls()) {
    for (auto kind :
         {ErrorKind::not_found, ErrorKind::already_exists, ErrorKind::resource_exhausted, ErrorKind::conflict}) {
      failing.calls->fault = [&, wanted = name](std::string_view made, const std::string&) {
        return made == wanted ? std::optional(kind) : std::nullopt;
      };
      EXPECT_FALSE(call(bad())) << name;
      EXPECT_TRUE(offline.empty()) << name;
    }
  }
}

TEST_F(WatchedFiles, HearOfReadsThatWentThroughTheDescriptor) {
  auto file = files->open(bad() + "/file", OpenMode::read_only);
  ASSERT_TRUE(file);
  (*file)->tell_failed_read({ErrorKind::io, "the disk is broken"});
  EXPECT_EQ(offline, std::vector<std::size_t>{0});
  EXPECT_EQ(health->reason(0), "the disk is broken");
  EXPECT_TRUE(write(good()));
}

TEST_F(WatchedFiles, ChangeNothingInAnOfflineDirectoryButReadWhatIsOpen) {
  auto open = files->open(bad() + "/file", OpenMode::read_write);
  ASSERT_TRUE(open);
  failing.calls->fault = [](std::string_view made, const std::string&) {
    return made == "sync" ? std::optional(ErrorKind::io) : std::nullopt;
  };
  EXPECT_FALSE((*open)->sync());
  failing.calls->fault = nullptr;
  auto again = (*open)->sync();
  ASSERT_FALSE(again) << "a sync that failed is never followed by one that works";
  EXPECT_NE(again.error().message.find("offline"), std::string::npos) << again.error().message;
  for (const auto& [name, call] : calls()) EXPECT_FALSE(call(bad())) << name;
  EXPECT_FALSE((*open)->write_at(0, as_bytes("lost")));
  EXPECT_FALSE((*open)->truncate(0));
  std::array<std::uint8_t, 4> into{};
  EXPECT_EQ((*open)->read_at(0, into).value_or(0), 4U) << "slices that are being sent go on";
  EXPECT_EQ(as_text(into), "text");
  EXPECT_EQ(offline, std::vector<std::size_t>{0}) << "told once";
}

}  // namespace
}  // namespace millrace::log::test

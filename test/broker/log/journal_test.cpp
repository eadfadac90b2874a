// A journal by itself.
#include "broker/log/journal.h"

#include <gtest/gtest.h>

#include <set>

#include "broker/log/journal_replay.h"
#include "broker/log/journal_volume.h"
#include "test/broker/base/temporary_directory.h"
#include "test/broker/log/failing_files.h"
#include "test/broker/log/fault_file_system.h"
#include "test/broker/log/known_log.h"

namespace millrace::log::test {
namespace {

const JournalOwner owner{"1gdzRcRMRMyxOSdkj0JfkA", BrokerId(7), "/data"};

TEST(JournalDirectories, AreMadeSoThatNoneOfThemGoesWithThePower) {
  TemporaryDirectory directory;
  FailingFileSystem files;
  std::set<std::string> synced;
  files.calls->fault = [&](std::string_view call, const std::string& path) -> std::optional<ErrorKind> {
    if (call == "sync_directory") synced.insert(path);
    return std::nullopt;
  };
  SeededRandom random{7};
  const auto path = directory.path() + "/journals/of/the/first";
  ASSERT_TRUE(JournalFiles::open(files, {path, 2, 64 * 1024}, owner, 1, random));
  for (const std::string part : {"", "/journals", "/journals/of", "/journals/of/the", "/journals/of/the/first"})
    EXPECT_TRUE(synced.contains(directory.path() + part)) << part;
}

TEST(JournalReads, TakeNoMoreMemoryThanAGroupNeeds) {
  TemporaryDirectory directory;
  FailingFileSystem files;
  SeededRandom random{7};
  const auto path = directory.path() + "/journal";
  ASSERT_TRUE(JournalFiles::open(files, {path, 2, 8 << 20}, owner, 1, random));
  files.calls->largest_read_bytes = 0;
  ASSERT_TRUE(JournalReplay::read(files, path, owner));
  EXPECT_LE(files.calls->largest_read_bytes, std::size_t{1} << 20);
}

TEST(JournalVolumes, AreNamedWhenTheyAreNotThoseOfTheLogDirectory) {
  TemporaryDirectory directory;
  EXPECT_FALSE(warning_of_other_volume(directory.path(), directory.path() + ".journal"));
  EXPECT_FALSE(warning_of_other_volume(directory.path() + "/missing", "/proc.journal"));
  // A log directory that is a mount point, as /proc is everywhere.
  const auto warning = warning_of_other_volume("/proc", "/proc.journal");
  ASSERT_TRUE(warning);
  EXPECT_NE(warning->find("/proc.journal"), std::string::npos) << *warning;
  EXPECT_NE(warning->find("millrace.journal.dirs"), std::string::npos) << *warning;
}

TEST(Journals, KeepALogUntilItHasHeardThatNothingCanBeCutAnyMore) {
  ManualShard shard;
  FaultFileSystem files;
  SeededRandom random{7};
  auto journal = std::make_shared<Journal>(
      Journal::Host{&files, &shard.pool(), &shard.clock(), &random, [] { return true; }, [](const Error&) {}},
      JournalSettings{"journal", 2, 64 * 1024});
  journal->abandon();
  auto log = std::make_shared<KnownLog>(shard);
  bool heard = false;
  journal->cut(log, Offset(0), [&, weak = std::weak_ptr(log)](const Status& status) {
    EXPECT_FALSE(status);
    EXPECT_FALSE(weak.expired()) << "it is the log that is told";
    heard = true;
  });
  log.reset();
  shard.run();
  EXPECT_TRUE(heard);
}

}  // namespace
}  // namespace millrace::log::test

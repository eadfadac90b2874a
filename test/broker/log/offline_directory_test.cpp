// Log directories whose disk fails: at the start, while the broker runs, at its stop. The others go on.
#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker/log/clean_shutdown_file.h"
#include "broker/log/loaded_log.h"
#include "broker/log/log_manager.h"
#include "test/broker/log/chosen_jobs.h"
#include "test/broker/log/failing_files.h"
#include "test/broker/log/log_world.h"

namespace millrace::log::test {
namespace {

struct TwoDirectories {
  TwoDirectories() : world(LogConfig{}, files) { world.options.directories.push_back(second()); }

  [[nodiscard]] std::string first() const { return world.data_path(); }
  [[nodiscard]] std::string second() const { return world.directory.path() + "/data2"; }

  Status start() {
    auto started = world.start();
    if (started) {
      world.manager->on_directory_offline([this](const std::string& directory, const auto& partitions) {
        told.emplace_back(directory, std::set<TopicPartition>(partitions.begin(), partitions.end()));
      });
      world.manager->on_all_directories_offline([this](const std::string& why) { told_all.push_back(why); });
    }
    return started;
  }
  // Logs of "a" and "b": the first lies in the first directory, the other one in the second.
  void make_logs() {
    EXPECT_TRUE(world.append(make_batch({.values = {"1"}}), AppendOrigin::client, "a"));
    EXPECT_TRUE(world.append(make_batch({.values = {"1"}}), AppendOrigin::client, "b"));
    ASSERT_TRUE(std::filesystem::exists(first() + "/a-0"));
    ASSERT_TRUE(std::filesystem::exists(second() + "/b-0"));
  }
  void break_calls(const std::string& wanted, const std::string& below, ErrorKind kind = ErrorKind::io) {
    files.calls->fault = [=](std::string_view call, const std::string& path) {
      return (wanted == "all" || call == wanted) && path.starts_with(below) ? std::optional(kind) : std::nullopt;
    };
  }
  void heal() { files.calls->fault = nullptr; }
  AppendOutcome append(const std::string& topic) {
    return world.append(make_batch({.values = {"more"}}), AppendOrigin::client, topic);
  }
  Result<std::shared_ptr<PartitionLog>> get_or_create(const std::string& topic, bool is_new) {
    Result<std::shared_ptr<PartitionLog>> outcome = fail(ErrorKind::io, "never answered");
    world.manager->get_or_create(
        {topic, PartitionIndex(0)}, world.topic_id, {}, [&](auto result) { outcome = std::move(result); }, is_new);
    world.shard.run();
    return outcome;
  }
  std::shared_ptr<PartitionLog> find(const std::string& topic) {
    return world.manager->find({topic, PartitionIndex(0)});
  }
  Status remove(const std::string& topic) {
    Status outcome = fail(ErrorKind::io, "never answered");
    world.manager->remove({topic, PartitionIndex(0)}, [&](Status status) { outcome = std::move(status); });
    world.shard.run();
    return outcome;
  }

  FailingFileSystem files;
  LogWorld world;
  std::vector<std::pair<std::string, std::set<TopicPartition>>> told;
  std::vector<std::string> told_all;
};
struct OfflineDirectories : testing::Test, TwoDirectories {};

TEST_F(OfflineDirectories, AnswerStorageWhileTheOthersGoOn) {
  for (auto [call, kind] : std::vector<std::pair<std::string, ErrorKind>>{
           {"write", ErrorKind::no_space}, {"write", ErrorKind::io}, {"write", ErrorKind::permission_denied}}) {
    TwoDirectories each;
    ASSERT_TRUE(each.start());
    each.make_logs();
    auto log = each.find("b");
    each.break_calls(call, each.second(), kind);
    auto refused = each.append("b");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, AppendErrorKind::storage);
    each.heal();
    EXPECT_EQ(each.told.size(), 1U);
    EXPECT_EQ(each.told.at(0).first, each.second());
    EXPECT_EQ(each.told.at(0).second, (std::set<TopicPartition>{{"b", PartitionIndex(0)}}));
    EXPECT_EQ(each.find("b"), nullptr);
    EXPECT_TRUE(log->is_offline());
    EXPECT_EQ(each.append("b").error().kind, AppendErrorKind::storage) << "until the next start";
    EXPECT_EQ(each.world.read(Offset(0), 100, std::nullopt, true, "b").error().kind, ReadErrorKind::storage);
    EXPECT_EQ(each.world.find_offset(TimestampMs(0), "b").error().kind, ReadErrorKind::storage);
    EXPECT_EQ(each.world.find_offset(OffsetSpec::latest, "b").error().kind, ReadErrorKind::storage);
    ASSERT_TRUE(each.append("a"));
    EXPECT_EQ(each.world.read_all(Offset(0), 1 << 20, "a").size(), 2U);
    EXPECT_EQ(each.told.size(), 1U) << "told once";
    EXPECT_TRUE(each.told_all.empty());
  }
}

TEST_F(OfflineDirectories, CompleteWhoWaitsForASyncThatFails) {
  world.config.flush_messages = 1;
  ASSERT_TRUE(start());
  make_logs();
  break_calls("sync", second());
  EXPECT_EQ(append("b").error().kind, AppendErrorKind::storage);
  heal();
  EXPECT_EQ(append("b").error().kind, AppendErrorKind::storage) << "no later sync may say that it is there";
  EXPECT_EQ(told.size(), 1U);
  EXPECT_TRUE(append("a"));
}

TEST(AnOfflineDirectory, CompletesWhoWaitsForASyncInAnotherOfItsLogs) {
  TemporaryDirectory directory;
  FailingFileSystem files;
  ChosenShard shard;
  SeededRandom random{7};
  LogManagerOptions options;
  options.directories = {directory.path()};
  options.cluster_id = "1gdzRcRMRMyxOSdkj0JfkA";
  options.broker_id = BrokerId(7);
  LogConfig config;
  config.flush_messages = 2;
  LogManager manager(options, files, shard.clock(), shard.inner.pool(), random,
                     [&](const TopicPartition&) -> Shard& { return shard; });
  ASSERT_TRUE(manager.open_directories());
  ASSERT_TRUE(manager.load([&](const auto&) { return config; }));
  const auto make = [&](const std::string& topic) {
    std::shared_ptr<PartitionLog> made;
    manager.get_or_create({topic, PartitionIndex(0)}, TopicId{{1}}, config, [&](auto result) { made = *result; });
    shard.inner.run();
    return made;
  };
  const auto append = [](PartitionLog& log, const BatchSpec& spec, std::optional<AppendOutcome>& outcome) {
    auto bytes = make_batch(spec);
    log.append({bytes, AppendOrigin::client, LeaderEpoch(0), TimestampMs(0)},
               [&](AppendOutcome got) { outcome = std::move(got); });
  };
  auto waits = make("waits");
  auto fails = make("fails");
  std::optional<AppendOutcome> waited;
  append(*waits, {.values = {"waits", "for a sync"}}, waited);
  shard.inner.run();
  ASSERT_FALSE(waited) << "its sync is under way";
  files.calls->fault = [](std::string_view call, const std::string& path) {
    return call == "write" && path.find("fails-0") != std::string::npos ? std::optional(ErrorKind::no_space)
                                                                        : std::nullopt;
  };
  std::optional<AppendOutcome> failed;
  append(*fails, {.values = {"one"}}, failed);
  ASSERT_TRUE(failed);
  EXPECT_FALSE(*failed);
  shard.inner.run();
  ASSERT_TRUE(waited) << "without waiting for its own sync";
  ASSERT_FALSE(*waited);
  EXPECT_EQ(waited->error().kind, AppendErrorKind::storage);
  while (!shard.chosen.jobs.empty()) {
    shard.chosen.run(0);
    shard.inner.run();
  }
}

TEST_F(OfflineDirectories, GetNoCheckpointAndNoMarkerAndAreRecoveredAtTheNextStart) {
  ASSERT_TRUE(start());
  make_logs();
  ASSERT_TRUE(world.manager->write_checkpoints());
  break_calls("write", second(), ErrorKind::no_space);
  EXPECT_FALSE(append("b"));
  heal();
  const auto before = file_bytes(second() + "/replication-offset-checkpoint");
  EXPECT_TRUE(world.manager->write_checkpoints()) << "of the others";
  EXPECT_EQ(file_bytes(second() + "/replication-offset-checkpoint"), before);
  ASSERT_TRUE(world.stop()) << "the others are closed cleanly";
  EXPECT_TRUE(*read_clean_shutdown(files, first()));
  EXPECT_FALSE(*read_clean_shutdown(files, second()));
  ASSERT_TRUE(start());
  EXPECT_FALSE(world.manager->had_clean_shutdown());
  EXPECT_EQ(world.read_all(Offset(0), 1 << 20, "b").size(), 1U) << "what was acknowledged is there again";
  EXPECT_TRUE(append("b"));
}

TEST_F(OfflineDirectories, GetNoNewPartitions) {
  ASSERT_TRUE(start());
  make_logs();
  break_calls("write", second(), ErrorKind::no_space);
  EXPECT_FALSE(append("b"));
  heal();
  for (const std::string topic : {"c", "d", "e"}) {
    auto made = get_or_create(topic, true);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_TRUE(std::filesystem::exists(first() + "/" + topic + "-0"));
  }
  EXPECT_EQ(get_or_create("f", false).error().kind, ErrorKind::unavailable) << "it may be in the other one";
  EXPECT_EQ(get_or_create("b", true).error().kind, ErrorKind::unavailable);
  EXPECT_EQ(remove("b").error().kind, ErrorKind::unavailable);
  EXPECT_TRUE(remove("c"));
}

TEST_F(OfflineDirectories, HandNewPartitionsOverWhenTheirDirectoryCannotBeMade) {
  ASSERT_TRUE(start());
  make_logs();
  ASSERT_TRUE(append("c"));
  const auto emptier = std::filesystem::exists(first() + "/c-0") ? second() : first();
  const auto other = emptier == first() ? second() : first();
  break_calls("create_directories", emptier);
  auto made = get_or_create("d", true);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_TRUE(std::filesystem::exists(other + "/d-0"));
  EXPECT_EQ(told.size(), 1U);
}

TEST_F(OfflineDirectories, KeepAPartitionWhoseFilesCouldNotBeMade) {
  ASSERT_TRUE(start());
  make_logs();
  ASSERT_TRUE(append("c"));
  const auto emptier = std::filesystem::exists(first() + "/c-0") ? second() : first();
  break_calls("write", emptier, ErrorKind::no_space);
  EXPECT_EQ(get_or_create("d", true).error().kind, ErrorKind::unavailable);
  heal();
  EXPECT_EQ(get_or_create("d", true).error().kind, ErrorKind::unavailable)
      << "not made a second time elsewhere: after the next start there would be two";
}

TEST_F(OfflineDirectories, AreToldWhenTheLastOneIsGone) {
  ASSERT_TRUE(start());
  make_logs();
  break_calls("write", world.directory.path(), ErrorKind::io);
  EXPECT_FALSE(append("b"));
  EXPECT_TRUE(told_all.empty());
  EXPECT_FALSE(append("a"));
  ASSERT_EQ(told_all.size(), 1U);
  EXPECT_NE(told_all[0].find(first()), std::string::npos) << told_all[0];
  EXPECT_NE(told_all[0].find(second()), std::string::npos) << told_all[0];
  heal();
  EXPECT_FALSE(world.stop()) << "nothing was closed cleanly";
}

TEST_F(OfflineDirectories, DoNotStopTheStartWhileAnotherOneIsGood) {
  ASSERT_TRUE(start());
  make_logs();
  ASSERT_TRUE(world.stop());
  // Whatever call it is that fails first, from the lock to the logs.
  for (const std::string call :
       {"create_directories", "lock", "read_text", "list", "remove", "open", "status", "sync_directory", "all"}) {
    for (auto kind : {ErrorKind::io, ErrorKind::no_space, ErrorKind::permission_denied}) {
      break_calls(call, second(), kind);
      auto started = start();
      ASSERT_TRUE(started) << call << ": " << started.error().message;
      EXPECT_NE(find("a"), nullptr) << call;
      EXPECT_EQ(find("b"), nullptr) << call;
      EXPECT_TRUE(world.manager->unusable().empty()) << call;
      EXPECT_EQ(get_or_create("b", false).error().kind, ErrorKind::unavailable) << call;
      EXPECT_TRUE(append("a")) << call;
      heal();
      ASSERT_TRUE(world.stop()) << call;
    }
  }
  ASSERT_TRUE(start());
  EXPECT_EQ(world.read_all(Offset(0), 1 << 20, "b").size(), 1U);
}

TEST_F(OfflineDirectories, ThatAreFilesDoNotStopTheStartEither) {
  std::filesystem::create_directories(world.directory.path());
  std::ofstream(second()) << "a file";
  ASSERT_TRUE(start());
  EXPECT_TRUE(append("a"));
}

TEST_F(OfflineDirectories, EndTheStartWhenNoneIsGood) {
  for (const std::string call : {"create_directories", "lock", "open", "list"}) {
    TwoDirectories each;
    ASSERT_TRUE(each.start());
    each.make_logs();
    ASSERT_TRUE(each.world.stop());
    each.break_calls(call, each.world.directory.path());
    auto refused = each.start();
    ASSERT_FALSE(refused) << call;
    EXPECT_NE(refused.error().message.find("none of the log directories"), std::string::npos)
        << refused.error().message;
  }
}

TEST_F(OfflineDirectories, AreToldApartFromThoseThatServe) {
  ASSERT_TRUE(start());
  make_logs();
  EXPECT_FALSE(world.manager->is_offline({"b", PartitionIndex(0)}));
  break_calls("write", second(), ErrorKind::no_space);
  EXPECT_FALSE(append("b"));
  EXPECT_TRUE(world.manager->is_online(first()));
  EXPECT_FALSE(world.manager->is_online(second()));
  EXPECT_TRUE(world.manager->is_offline({"b", PartitionIndex(0)}));
  EXPECT_FALSE(world.manager->is_offline({"a", PartitionIndex(0)}));
  EXPECT_FALSE(get_or_create("unknown", false));
  EXPECT_TRUE(world.manager->is_offline({"unknown", PartitionIndex(0)})) << "it may be there";
  const auto states = world.manager->directories();
  ASSERT_EQ(states.size(), 2U);
  EXPECT_FALSE(states[0].offline);
  ASSERT_TRUE(states[1].offline);
  EXPECT_NE(states[1].offline->find("cannot write"), std::string::npos) << *states[1].offline;
}

TEST_F(OfflineDirectories, ShowHowFarTheStartHasCome) {
  ASSERT_TRUE(start());
  make_logs();
  ASSERT_TRUE(append("a"));
  world.kill();
  ASSERT_TRUE(start());
  for (const auto& state : world.manager->directories()) {
    EXPECT_EQ(state.logs_total, 1U) << state.path;
    EXPECT_EQ(state.logs_loaded, 1U) << state.path;
    EXPECT_EQ(state.segments_total, 1U) << state.path;
    EXPECT_EQ(state.segments_recovered, 1U) << state.path;
  }
}

// ---- the stop

TEST(ClosedLogs, AreSyncedTogetherThoughThePoolHasStopped) {
  FailingFileSystem files;
  LogWorld world(LogConfig{}, files);
  world.options.closing_threads = 3;
  ASSERT_TRUE(world.start());
  for (const std::string topic : {"a", "b", "c", "d"})
    ASSERT_TRUE(world.append(make_batch({.values = {"1"}}), AppendOrigin::client, topic));
  std::mutex mutex;
  std::condition_variable others;
  int syncing = 0;
  bool met = true;
  files.calls->fault = [&](std::string_view call, const std::string& path) -> std::optional<ErrorKind> {
    if (call != "sync" || !path.ends_with("0.log")) return std::nullopt;
    std::unique_lock lock(mutex);
    ++syncing;
    others.notify_all();
    // However slow the machine is: one thread for all of them would wait for ever.
    met = met && others.wait_for(lock, std::chrono::minutes(1), [&] { return syncing == 4; });
    return std::nullopt;
  };
  ASSERT_TRUE(world.stop());
  EXPECT_TRUE(met) << "each on a thread of its own, and one on the caller's";
  EXPECT_EQ(syncing, 4);
  ASSERT_TRUE(world.start());
  for (const std::string topic : {"a", "b", "c", "d"}) EXPECT_TRUE(world.log(topic)->recovery().clean);
}

TEST(RecoveryProgress, NamesEveryDirectoryWithSomethingLeft) {
  EXPECT_EQ(
      describe_progress(
          {{"/a", std::nullopt, 10, 4, 7, 2}, {"/b", std::nullopt, 3, 3, 5, 5}, {"/c", "cannot read", 9, 0, 0, 0}}),
      "7 of 13 logs are loaded; /a: 6 logs and 5 segments left; /c: offline");
}

}  // namespace
}  // namespace millrace::log::test

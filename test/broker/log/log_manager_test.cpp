// A broker's log directories: whose they are, what lies in them, what is made, deleted and checkpointed there.
#include "broker/log/log_manager.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <set>

#include "broker/log/checkpoint_file.h"
#include "broker/log/loaded_log.h"
#include "broker/log/meta_properties.h"
#include "test/broker/log/log_world.h"
#include "test/broker/log/wrapped_shard.h"

namespace millrace::log::test {
namespace {

constexpr TopicId other_id{{9}};

struct LogManagers : testing::Test {
  Status start() { return world.start(); }
  [[nodiscard]] std::string second_directory() const { return world.directory.path() + "/data2"; }
  void use_two_directories() { world.options.directories.push_back(second_directory()); }
  Status remove(const std::string& topic = "events") {
    Status outcome = fail(ErrorKind::io, "never answered");
    world.manager->remove({topic, PartitionIndex(0)}, [&](Status status) { outcome = std::move(status); });
    world.shard.run();
    return outcome;
  }
  Result<std::shared_ptr<PartitionLog>> get_or_create(const std::string& topic, const TopicId& id) {
    Result<std::shared_ptr<PartitionLog>> outcome = fail(ErrorKind::io, "never answered");
    world.manager->get_or_create({topic, PartitionIndex(0)}, id, {}, [&](auto result) { outcome = std::move(result); });
    world.shard.run();
    return outcome;
  }
  static bool exists(const std::string& path) { return *posix_file_system().exists(path); }

  LogWorld world;
};

TEST_F(LogManagers, MarkNewDirectoriesWithClusterAndBroker) {
  use_two_directories();
  ASSERT_TRUE(start());
  for (const auto& path : world.options.directories) {
    auto identity = read_meta_properties(posix_file_system(), path);
    ASSERT_TRUE(identity && *identity) << path;
    EXPECT_EQ((*identity)->cluster_id, world.options.cluster_id);
    EXPECT_EQ((*identity)->broker_id, BrokerId(7));
  }
  EXPECT_FALSE(world.manager->had_clean_shutdown());
}

TEST_F(LogManagers, TakeTheirIdentityFromTheDirectoryWhenNobodyElseGivesOne) {
  ASSERT_TRUE(start());
  ASSERT_TRUE(world.stop());
  const auto cluster = std::exchange(world.options.cluster_id, "");
  world.options.broker_id = BrokerId::none();
  use_two_directories();
  ASSERT_TRUE(start());
  EXPECT_EQ(world.manager->cluster_id(), cluster);
  EXPECT_EQ(world.manager->broker_id(), BrokerId(7));
  EXPECT_TRUE(exists(second_directory() + "/meta.properties"));
}

TEST_F(LogManagers, WaitForAnIdentityThatIsGivenLater) {
  world.options.cluster_id.clear();
  world.options.broker_id = BrokerId::none();
  EXPECT_EQ(start().error().kind, ErrorKind::invalid_argument) << "nothing is loaded without one";
  EXPECT_FALSE(exists(world.data_path() + "/meta.properties"));
  EXPECT_FALSE(world.manager->set_identity(BrokerId::none(), "cluster"));
  EXPECT_FALSE(world.manager->set_identity(BrokerId(3), ""));
  ASSERT_TRUE(world.manager->set_identity(BrokerId(3), "1gdzRcRMRMyxOSdkj0JfkA"));
  EXPECT_TRUE(world.manager->load([](const auto&) { return LogConfig{}; }));
}

TEST_F(LogManagers, RefuseTheDirectoryOfAnotherClusterOrBrokerByName) {
  ASSERT_TRUE(start());
  ASSERT_TRUE(world.stop());
  world.options.cluster_id = "anotherCluster00000000";
  auto refused = start();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::conflict);
  EXPECT_NE(refused.error().message.find("1gdzRcRMRMyxOSdkj0JfkA"), std::string::npos) << refused.error().message;
  EXPECT_NE(refused.error().message.find("anotherCluster00000000"), std::string::npos);
  world.options.cluster_id = "1gdzRcRMRMyxOSdkj0JfkA";
  world.options.broker_id = BrokerId(8);
  world.manager.reset();
  refused = start();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("broker.id 7"), std::string::npos) << refused.error().message;
}

TEST_F(LogManagers, RefuseDirectoriesThatDisagree) {
  ASSERT_TRUE(start());
  ASSERT_TRUE(world.stop());
  ASSERT_TRUE(posix_file_system().create_directories(second_directory()));
  ASSERT_TRUE(write_meta_properties(posix_file_system(), second_directory(), {world.options.cluster_id, BrokerId(8)},
                                    TimestampMs(0)));
  use_two_directories();
  world.options.broker_id = BrokerId::none();
  EXPECT_EQ(start().error().kind, ErrorKind::conflict);
}

TEST_F(LogManagers, RefuseADirectoryThatAnotherOneHas) {
  ASSERT_TRUE(start());
  LogManager second(world.options, posix_file_system(), world.shard.clock(), world.shard.pool(), world.random,
                    [this](const TopicPartition&) -> Shard& { return world.shard; });
  auto refused = second.open_directories();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::conflict);
  EXPECT_NE(refused.error().message.find(world.data_path()), std::string::npos);
  ASSERT_TRUE(world.stop());
  EXPECT_TRUE(second.open_directories()) << "it was given back";
}

TEST_F(LogManagers, RefuseADirectoryThatHoldsSomethingElse) {
  ASSERT_TRUE(start());
  ASSERT_TRUE(world.stop());
  for (const std::string name : {"photos", "events-x", "events-0.0123-deleted", "-0"}) {
    std::filesystem::create_directory(world.data_path() + "/" + name);
    auto refused = start();
    ASSERT_FALSE(refused) << name;
    EXPECT_NE(refused.error().message.find("'" + name + "'"), std::string::npos) << refused.error().message;
    world.manager.reset();
    std::filesystem::remove(world.data_path() + "/" + name);
  }
  std::filesystem::create_directory(world.data_path() + "/lost+found");
  write_file(world.data_path() + "/a plain file", {});
  EXPECT_TRUE(start());
}

TEST_F(LogManagers, FinishDeletionsAndLeaveStraysAlone) {
  ASSERT_TRUE(start());
  ASSERT_TRUE(world.append({.values = {"a"}}));
  ASSERT_TRUE(world.stop());
  const auto id = ".0123456789abcdef0123456789abcdef";
  for (const std::string kind : {"-delete", "-future", "-stray"}) {
    std::filesystem::copy(world.partition_path(), world.data_path() + "/events-0" + id + kind);
  }
  ASSERT_TRUE(start());
  world.shard.run();
  EXPECT_FALSE(exists(world.data_path() + "/events-0" + id + "-delete"));
  EXPECT_TRUE(exists(world.data_path() + "/events-0" + id + "-future"));
  EXPECT_TRUE(exists(world.data_path() + "/events-0" + id + "-stray"));
  EXPECT_EQ(world.manager->logs().size(), 1U);
}

TEST_F(LogManagers, RefuseAPartitionThatIsThereTwice) {
  use_two_directories();
  ASSERT_TRUE(start());
  world.log();
  ASSERT_TRUE(world.stop());
  std::filesystem::copy(world.partition_path(), second_directory() + "/events-0");
  auto refused = start();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::conflict);
}

TEST_F(LogManagers, PutNewLogsWhereFewestAreAndFindThemThere) {
  use_two_directories();
  ASSERT_TRUE(start());
  for (const std::string topic : {"a", "b", "c", "d"})
    ASSERT_TRUE(world.append(make_batch({.values = {topic}}), AppendOrigin::client, topic));
  for (const auto& path : world.options.directories) {
    EXPECT_EQ(std::ranges::count_if(names_in(path), [](const auto& name) { return name.ends_with("-0"); }), 2) << path;
  }
  ASSERT_TRUE(world.stop());
  for (const auto& path : world.options.directories) EXPECT_TRUE(exists(path + "/.kafka_cleanshutdown"));
  ASSERT_TRUE(start());
  for (const std::string topic : {"a", "b", "c", "d"})
    EXPECT_EQ(world.read_all(Offset(0), 1000, topic), (std::vector<ReadRecord>{{Offset(0), topic}}));
  for (const auto& state : world.manager->directories()) EXPECT_EQ(state.logs_loaded, 2U) << state.path;
}

TEST_F(LogManagers, RecoverOnlyTheDirectoryWithoutTheMarker) {
  use_two_directories();
  ASSERT_TRUE(start());
  for (const std::string topic : {"a", "b"})
    ASSERT_TRUE(world.append(make_batch({.values = {topic}}), AppendOrigin::client, topic));
  ASSERT_TRUE(world.stop());
  ASSERT_TRUE(posix_file_system().remove(second_directory() + "/.kafka_cleanshutdown"));
  ASSERT_TRUE(start());
  EXPECT_FALSE(world.manager->had_clean_shutdown());
  for (const auto& log : world.manager->logs())
    EXPECT_EQ(log->recovery().clean, !log->directory().starts_with(second_directory())) << log->directory();
}

TEST_F(LogManagers, ServeTheOtherLogsWhenOneCannotBeUsed) {
  ASSERT_TRUE(start());
  for (const std::string topic : {"good", "bad"})
    ASSERT_TRUE(world.append(make_batch({.values = {topic}}), AppendOrigin::client, topic));
  ASSERT_TRUE(world.stop());
  write_file(world.partition_path("bad") + "/partition.metadata", as_bytes("nonsense"));
  ASSERT_TRUE(start());
  ASSERT_EQ(world.manager->unusable().size(), 1U);
  EXPECT_EQ(world.manager->unusable().front().first.topic, "bad");
  EXPECT_EQ(world.read_all(Offset(0), 1000, "good").size(), 1U);
  EXPECT_EQ(get_or_create("bad", world.topic_id).error().kind, ErrorKind::corrupt);
  EXPECT_TRUE(remove("bad")) << "a topic can be deleted all the same";
  EXPECT_TRUE(get_or_create("bad", world.topic_id));
}

TEST_F(LogManagers, RefuseALogOfAnotherTopicId) {
  ASSERT_TRUE(start());
  ASSERT_TRUE(get_or_create("events", world.topic_id));
  auto refused = get_or_create("events", other_id);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::conflict);
  EXPECT_NE(refused.error().message.find(to_string(other_id)), std::string::npos);
  EXPECT_TRUE(get_or_create("events", TopicId{})) << "who does not know the id takes any";
}

TEST_F(LogManagers, MakeALogOnceForAllWhoAskAtTheSameTime) {
  ASSERT_TRUE(start());
  std::set<PartitionLog*> made;
  bool removed = false;
  auto ask = [&] {
    world.manager->get_or_create({"events", PartitionIndex(0)}, world.topic_id, {}, [&](auto result) {
      ASSERT_TRUE(result);
      EXPECT_TRUE(world.shard.is_current());
      made.insert(result->get());
    });
  };
  ask();
  ask();
  EXPECT_EQ(world.manager->find({"events", PartitionIndex(0)}), nullptr) << "not yet";
  world.manager->remove({"events", PartitionIndex(0)}, [&](const Status& status) {
    EXPECT_TRUE(status);
    removed = true;
  });
  world.shard.run();
  EXPECT_EQ(made.size(), 1U);
  EXPECT_TRUE(removed) << "who comes while it is made is served afterwards";
  EXPECT_TRUE(world.manager->logs().empty());
}

TEST_F(LogManagers, TryAgainAfterALogCouldNotBeMade) {
  FaultFileSystem files;
  LogWorld faulty({}, files);
  ASSERT_TRUE(faulty.start());
  files.faults->open_failure = ErrorKind::resource_exhausted;
  files.faults->fail_open = [](const std::string& path) { return path.ends_with(".timeindex"); };
  ErrorKind kind{};
  faulty.manager->get_or_create({"events", PartitionIndex(0)}, faulty.topic_id, {},
                                [&](auto result) { kind = result.error().kind; });
  faulty.shard.run();
  EXPECT_EQ(kind, ErrorKind::resource_exhausted);
  files.faults->fail_open = nullptr;
  ASSERT_TRUE(faulty.append({.values = {"a"}}));
}

TEST_F(LogManagers, DeleteALogByRenamingItFirst) {
  ASSERT_TRUE(start());
  ASSERT_TRUE(world.append({.values = {"a"}}));
  auto log = world.log();
  ASSERT_TRUE(world.manager->write_checkpoints());
  ASSERT_TRUE(remove());
  EXPECT_EQ(world.manager->find({"events", PartitionIndex(0)}), nullptr);
  EXPECT_FALSE(exists(world.partition_path()));
  auto checkpoint =
      read_offset_checkpoint(posix_file_system(), world.data_path() + "/recovery-point-offset-checkpoint");
  ASSERT_TRUE(checkpoint);
  EXPECT_TRUE(checkpoint->empty()) << "its numbers must not meet a new log of the same name";
  auto deleted = [&] {
    return std::ranges::count_if(names_in(world.data_path()),
                                 [](const auto& name) { return name.ends_with("-delete"); });
  };
  EXPECT_EQ(deleted(), 1);
  world.shard.advance(std::chrono::milliseconds(world.config.file_delete_delay_ms - 1));
  EXPECT_EQ(deleted(), 1);
  world.shard.advance(std::chrono::milliseconds(1));
  EXPECT_EQ(deleted(), 0);
  EXPECT_EQ(remove().error().kind, ErrorKind::not_found);
  EXPECT_TRUE(get_or_create("events", other_id));
}

// A pool whose jobs run when the test says so.
class HeldPool final : public BlockingPool {
 public:
  void submit(Job work) override { jobs.push_back(std::move(work)); }
  void run() {
    for (auto held = std::exchange(jobs, {}); auto& job : held) job();
  }
  std::vector<Job> jobs;
};

// A shard whose blocking work takes its time.
class SlowShard final : public WrappedShard {
 public:
  [[nodiscard]] BlockingPool& pool() override { return held; }

  HeldPool held;
};

struct SlowDisk : testing::Test {
  void SetUp() override {
    options.directories = {directory.path()};
    options.cluster_id = "1gdzRcRMRMyxOSdkj0JfkA";
    options.broker_id = BrokerId(7);
    config.segment_bytes = 200;
    manager = std::make_unique<LogManager>(options, unsynced_files(), shard.clock(), shard.inner.pool(), random,
                                           [this](const TopicPartition&) -> Shard& { return shard; });
    ASSERT_TRUE(manager->open_directories());
    ASSERT_TRUE(manager->load([](const auto&) { return LogConfig{}; }));
  }
  std::shared_ptr<PartitionLog> make(const TopicId& id) {
    std::shared_ptr<PartitionLog> made;
    manager->get_or_create({"events", PartitionIndex(0)}, id, config, [&](auto result) { made = *result; });
    shard.inner.run();
    return made;
  }
  void append(PartitionLog& log, std::int32_t sequence) {
    auto bytes = make_batch({.values = {std::string(100, 'x')},
                             .producer_id = ProducerId(1),
                             .producer_epoch = ProducerEpoch(0),
                             .base_sequence = Sequence(sequence)});
    log.append({bytes, AppendOrigin::client, LeaderEpoch(3), TimestampMs(1'700'000'000'000)},
               [](const AppendOutcome& outcome) { EXPECT_TRUE(outcome); });
  }

  TemporaryDirectory directory;
  SlowShard shard;
  SeededRandom random{1};
  LogManagerOptions options;
  LogConfig config;
  std::unique_ptr<LogManager> manager;
};

TEST_F(SlowDisk, OfADeletedLogWritesNothingIntoItsSuccessor) {
  auto old = make(TopicId{{1}});
  append(*old, 0);
  shard.held.run();
  shard.inner.run();
  for (int sequence = 1; sequence < 4; ++sequence) append(*old, sequence);  // rolls: snapshots are about to be written
  ASSERT_FALSE(shard.held.jobs.empty());
  bool removed = false;
  manager->remove({"events", PartitionIndex(0)}, [&](const Status& status) { removed = status.has_value(); });
  std::shared_ptr<PartitionLog> successor;
  manager->get_or_create({"events", PartitionIndex(0)}, other_id, config, [&](auto result) { successor = *result; });
  shard.inner.run();
  EXPECT_FALSE(removed) << "its last work is still under way";
  for (int round = 0; round < 5; ++round) {
    shard.held.run();
    shard.inner.run();
  }
  EXPECT_TRUE(removed);
  ASSERT_NE(successor, nullptr);
  EXPECT_EQ(successor->topic_id(), other_id);
  for (const auto& name : names_in(successor->directory())) {
    EXPECT_FALSE(name.ends_with(".snapshot")) << name << " is of the old log";
    EXPECT_NE(name, "leader-epoch-checkpoint");
  }
}

TEST_F(SlowDisk, DoesNotServeASuccessorsRecordsToAReaderOfTheDeletedLog) {
  auto old = make(TopicId{{1}});
  for (int sequence = 0; sequence < 4; ++sequence) append(*old, sequence);
  for (int round = 0; round < 5; ++round) {
    shard.held.run();
    shard.inner.run();
  }
  ASSERT_TRUE(manager->close(BrokerEpoch(1)));
  old.reset();
  manager.reset();
  SetUp();
  old = make(TopicId{{1}});
  std::optional<ReadOutcome> read;
  old->read({Offset(0), Offset(4), 1000, true}, [&](ReadOutcome outcome) { read = std::move(outcome); });
  ASSERT_FALSE(read) << "not in the page cache: it waits for the disk";
  manager->remove({"events", PartitionIndex(0)}, [](const Status& status) { EXPECT_TRUE(status); });
  shard.inner.run();
  auto successor = make(other_id);
  append(*successor, 0);
  for (int round = 0; round < 3; ++round) {
    shard.held.run();
    shard.inner.run();
  }
  ASSERT_TRUE(read);
  ASSERT_FALSE(*read);
  EXPECT_EQ(read->error().kind, ReadErrorKind::closed);
}

TEST_F(LogManagers, WriteCheckpointsByThemselves) {
  ASSERT_TRUE(start());
  world.manager->start(world.shard, world.shard.pool());
  ASSERT_TRUE(world.append({.values = {"a", "b"}}));
  world.log()->publish_high_watermark(Offset(1));
  world.log()->flush([](const Status&) {});
  world.shard.advance(std::chrono::seconds(5));
  const TopicPartition events{"events", PartitionIndex(0)};
  auto high = read_offset_checkpoint(posix_file_system(), world.data_path() + "/replication-offset-checkpoint");
  ASSERT_TRUE(high && high->contains(events));
  EXPECT_EQ(high->at(events), Offset(1));
  world.shard.advance(std::chrono::minutes(1));
  auto recovery = read_offset_checkpoint(posix_file_system(), world.data_path() + "/recovery-point-offset-checkpoint");
  ASSERT_TRUE(recovery && recovery->contains(events));
  EXPECT_EQ(recovery->at(events), Offset(2));
}

TEST_F(LogManagers, DropTheCheckpointsOfLogsThatAreGoneAtTheStart) {
  ASSERT_TRUE(start());
  ASSERT_TRUE(world.stop());
  write_file(world.data_path() + "/recovery-point-offset-checkpoint", as_bytes("0\n1\ngone 0 1000\n"));
  ASSERT_TRUE(start());
  auto left = read_offset_checkpoint(posix_file_system(), world.data_path() + "/recovery-point-offset-checkpoint");
  ASSERT_TRUE(left);
  EXPECT_TRUE(left->empty());
}

TEST_F(LogManagers, WriteTheirFilesNoMoreOftenThanForEver) {
  world.options.housekeeping_interval_ms = std::numeric_limits<std::int64_t>::max();
  world.options.checkpoint_interval_ms = 0;
  world.options.high_watermark_checkpoint_interval_ms = -1;
  ASSERT_TRUE(start());
  const auto path = world.data_path() + "/recovery-point-offset-checkpoint";
  std::filesystem::remove(path);
  world.shard.advance(std::chrono::hours(1));
  EXPECT_FALSE(exists(path));
}

TEST_F(LogManagers, IgnoreCheckpointsThatCannotBeRead) {
  ASSERT_TRUE(start());
  ASSERT_TRUE(world.append({.values = {"a", "b"}}));
  ASSERT_TRUE(world.stop());
  for (const std::string name :
       {"recovery-point-offset-checkpoint", "replication-offset-checkpoint", "log-start-offset-checkpoint"})
    write_file(world.data_path() + "/" + name, as_bytes("0\nmany\n"));
  ASSERT_TRUE(start());
  EXPECT_EQ(world.read_all().size(), 2U);
}

}  // namespace
}  // namespace millrace::log::test

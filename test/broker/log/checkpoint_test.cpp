#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <map>

#include "broker/log/checkpoint_file.h"
#include "broker/log/clean_shutdown_file.h"
#include "broker/log/leader_epoch_cache.h"
#include "broker/log/log_directory.h"
#include "broker/log/managed_directory.h"
#include "broker/log/meta_properties.h"
#include "broker/log/partition_metadata_file.h"
#include "test/broker/log/log_world.h"

namespace millrace::log::test {
namespace {

struct Checkpoints : testing::Test {
  void put(const std::string& name, std::string_view text) { write_file(path(name), as_bytes(text)); }
  std::string get(const std::string& name) { return std::string(as_text(file_bytes(path(name)))); }
  std::string path(const std::string& name) const { return directory.path() + "/" + name; }
  FileSystem& files = posix_file_system();
  TemporaryDirectory directory;
};
using LeaderEpochs = Checkpoints;
using SmallFiles = Checkpoints;

TEST_F(Checkpoints, AreWrittenAsKafkaWritesThem) {
  ASSERT_TRUE(write_offset_checkpoint(
      files, path("c"), {{{"b", PartitionIndex(0)}, Offset(20)}, {{"a", PartitionIndex(11)}, Offset(3500)}}));
  EXPECT_EQ(get("c"), "0\n2\na 11 3500\nb 0 20\n");
  ASSERT_TRUE(write_offset_checkpoint(files, path("c"), {}));
  EXPECT_EQ(get("c"), "0\n0\n");
  EXPECT_EQ(names_in(directory.path()), std::vector<std::string>{"c"}) << "no temporary file stays";
}

TEST_F(Checkpoints, AreEmptyWhenTheFileIsAbsentOrEmpty) {
  EXPECT_TRUE(read_offset_checkpoint(files, path("absent"))->empty());
  put("empty", "");
  EXPECT_TRUE(read_offset_checkpoint(files, path("empty"))->empty());
}

TEST_F(Checkpoints, ReadWhatKafkaWrote) {
  put("c", "0\n3\nappendtime 0 500\ncodecs 0 3500\nsmall 0 20\n");
  auto offsets = read_offset_checkpoint(files, path("c"));
  ASSERT_TRUE(offsets);
  EXPECT_EQ(offsets->size(), 3U);
  EXPECT_EQ((offsets->at({"codecs", PartitionIndex(0)})), Offset(3500));
}

TEST_F(Checkpoints, NameTheLineThatIsWrong) {
  for (auto [text, expected] :
       std::vector<std::pair<std::string, std::string>>{{"1\n0\n", "line 1: expected version 0"},
                                                        {"0\n", "line 2"},
                                                        {"0\n2\na 0 1\n", "line 2: expected 1"},
                                                        {"0\n1\na 0\n", "line 3: expected 3 words"},
                                                        {"0\n1\na 0 -1\n", "line 3"},
                                                        {"0\n1\na x 1\n", "line 3"},
                                                        {std::string("\0\0\0", 3), "line 1"}}) {
    put("c", text);
    auto offsets = read_offset_checkpoint(files, path("c"));
    ASSERT_FALSE(offsets) << text;
    EXPECT_EQ(offsets.error().kind, ErrorKind::corrupt);
    EXPECT_NE(offsets.error().message.find(expected), std::string::npos) << offsets.error().message;
  }
}

TEST_F(LeaderEpochs, AreWrittenAndReadAsKafkaDoes) {
  ASSERT_TRUE(write_epoch_checkpoint(files, path("e"), {{LeaderEpoch(0), Offset(0)}, {LeaderEpoch(3), Offset(42)}}));
  EXPECT_EQ(get("e"), "0\n2\n0 0\n3 42\n");
  auto epochs = read_epoch_checkpoint(files, path("e"));
  ASSERT_TRUE(epochs);
  EXPECT_EQ(*epochs, (std::vector<EpochStart>{{LeaderEpoch(0), Offset(0)}, {LeaderEpoch(3), Offset(42)}}));
}

// epoch 0 at 0, 2 at 120, 3 at 180; the log ends at 200.
LeaderEpochCache three_epochs() {
  return LeaderEpochCache({{LeaderEpoch(0), Offset(0)}, {LeaderEpoch(2), Offset(120)}, {LeaderEpoch(3), Offset(180)}});
}

TEST_F(LeaderEpochs, AnswerWhereAnEpochEnds) {
  auto cache = three_epochs();
  auto end = [&](std::int32_t epoch) { return cache.end_offset_for(LeaderEpoch(epoch), Offset(200)); };
  EXPECT_EQ(end(0), (EpochEndOffset{LeaderEpoch(0), Offset(120)}));
  EXPECT_EQ(end(1), (EpochEndOffset{LeaderEpoch(0), Offset(120)})) << "the largest epoch below the one asked for";
  EXPECT_EQ(end(2), (EpochEndOffset{LeaderEpoch(2), Offset(180)}));
  EXPECT_EQ(end(3), (EpochEndOffset{LeaderEpoch(3), Offset(200)})) << "the latest ends with the log";
  EXPECT_EQ(end(4), EpochEndOffset{}) << "not known yet";
  EXPECT_EQ(end(-1), EpochEndOffset{});
  LeaderEpochCache later({{LeaderEpoch(5), Offset(50)}});
  EXPECT_EQ(later.end_offset_for(LeaderEpoch(2), Offset(60)), (EpochEndOffset{LeaderEpoch(2), Offset(50)}))
      << "older than all that is kept";
  EXPECT_EQ(LeaderEpochCache().end_offset_for(LeaderEpoch(0), Offset(60)), EpochEndOffset{});
}

TEST_F(LeaderEpochs, KnowTheEpochOfAnOffset) {
  auto cache = three_epochs();
  EXPECT_EQ(cache.epoch_for(Offset(119)), LeaderEpoch(0));
  EXPECT_EQ(cache.epoch_for(Offset(120)), LeaderEpoch(2));
  EXPECT_EQ(cache.epoch_for(Offset(500)), LeaderEpoch(3));
  EXPECT_EQ(LeaderEpochCache({{LeaderEpoch(1), Offset(10)}}).epoch_for(Offset(9)), LeaderEpoch::none());
}

TEST_F(LeaderEpochs, ForgetWhatANewEpochContradicts) {
  auto cache = three_epochs();
  EXPECT_FALSE(cache.assign(LeaderEpoch(3), Offset(190))) << "later batches of the epoch that is known";
  EXPECT_TRUE(cache.assign(LeaderEpoch(4), Offset(150)));
  EXPECT_EQ(cache.entries(),
            (std::vector<EpochStart>{
                {LeaderEpoch(0), Offset(0)}, {LeaderEpoch(2), Offset(120)}, {LeaderEpoch(4), Offset(150)}}));
  EXPECT_TRUE(cache.assign(LeaderEpoch(2), Offset(100)));
  EXPECT_EQ(cache.entries(), (std::vector<EpochStart>{{LeaderEpoch(0), Offset(0)}, {LeaderEpoch(2), Offset(100)}}));
}

TEST_F(LeaderEpochs, AreCutAtBothEnds) {
  auto cache = three_epochs();
  EXPECT_FALSE(cache.truncate_from_end(Offset(181)));
  EXPECT_TRUE(cache.truncate_from_end(Offset(180)));
  EXPECT_EQ(cache.latest(), LeaderEpoch(2));
  cache = three_epochs();
  EXPECT_FALSE(cache.truncate_from_start(Offset(0)));
  EXPECT_TRUE(cache.truncate_from_start(Offset(130)));
  EXPECT_EQ(cache.entries(), (std::vector<EpochStart>{{LeaderEpoch(2), Offset(130)}, {LeaderEpoch(3), Offset(180)}}));
  EXPECT_TRUE(cache.truncate_from_start(Offset(180)));
  EXPECT_EQ(cache.entries(), (std::vector<EpochStart>{{LeaderEpoch(3), Offset(180)}}));
}

TEST_F(SmallFiles, PartitionMetadataIsKafkasText) {
  auto id = *Uuid::parse("kudfUO_hRoWhnM_-Rzfb0Q");
  ASSERT_TRUE(write_partition_metadata(files, directory.path(), id));
  EXPECT_EQ(get("partition.metadata"), "version: 0\ntopic_id: kudfUO_hRoWhnM_-Rzfb0Q");
  EXPECT_EQ(**read_partition_metadata(files, directory.path()), id);
  put("partition.metadata", "version: 1\ntopic_id: kudfUO_hRoWhnM_-Rzfb0Q");
  EXPECT_EQ(read_partition_metadata(files, directory.path()).error().kind, ErrorKind::corrupt);
  ASSERT_TRUE(files.remove(path("partition.metadata")));
  EXPECT_FALSE(read_partition_metadata(files, directory.path())->has_value());
}

TEST_F(SmallFiles, MetaPropertiesAreKafkasText) {
  ASSERT_TRUE(write_meta_properties(files, directory.path(), {"1gdzRcRMRMyxOSdkj0JfkA", BrokerId(7)},
                                    TimestampMs(1'795'262'919'000)));
  EXPECT_EQ(get("meta.properties"),
            "#\n#Sat Nov 21 12:08:39 UTC 2026\nbroker.id=7\nversion=0\ncluster.id=1gdzRcRMRMyxOSdkj0JfkA\n");
  EXPECT_EQ(**read_meta_properties(files, directory.path()), (MetaProperties{"1gdzRcRMRMyxOSdkj0JfkA", BrokerId(7)}));
}

TEST_F(SmallFiles, MetaPropertiesOfAKRaftBrokerAreRefusedByName) {
  put("meta.properties", "node.id=1\nversion=1\ncluster.id=x\n");
  auto read = read_meta_properties(files, directory.path());
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, ErrorKind::unsupported);
  EXPECT_NE(read.error().message.find("KRaft"), std::string::npos);
  put("meta.properties", "broker.id=seven\nversion=0\ncluster.id=x\n");
  EXPECT_EQ(read_meta_properties(files, directory.path()).error().kind, ErrorKind::corrupt);
}

TEST_F(SmallFiles, TheCleanShutdownMarkerIsKafkasJson) {
  EXPECT_FALSE(read_clean_shutdown(files, directory.path())->has_value());
  ASSERT_TRUE(write_clean_shutdown(files, directory.path(), BrokerEpoch(-1)));
  EXPECT_EQ(get(".kafka_cleanshutdown"), "{\"version\":0,\"brokerEpoch\":-1}");
  ASSERT_TRUE(write_clean_shutdown(files, directory.path(), BrokerEpoch(4711)));
  EXPECT_EQ(**read_clean_shutdown(files, directory.path()), BrokerEpoch(4711));
  put(".kafka_cleanshutdown", "");
  EXPECT_EQ(**read_clean_shutdown(files, directory.path()), BrokerEpoch(-1)) << "its presence is what matters";
  ASSERT_TRUE(remove_clean_shutdown(files, directory.path()));
  ASSERT_TRUE(remove_clean_shutdown(files, directory.path())) << "an absent one is as good as a removed one";
}

TEST(PartitionDirectories, AreReadFromTheirNames) {
  using Kind = PartitionDirectoryKind;
  auto is = [](std::string_view name, Kind kind, const std::string& topic, std::int32_t partition) {
    auto found = parse_partition_directory(name);
    return found && found->kind == kind && found->partition == TopicPartition{topic, PartitionIndex(partition)};
  };
  EXPECT_TRUE(is("events-0", Kind::current, "events", 0));
  EXPECT_TRUE(is("a-b.c_d-17", Kind::current, "a-b.c_d", 17));
  EXPECT_TRUE(is("my-delete-3", Kind::current, "my-delete", 3));
  EXPECT_TRUE(is("events-0.0123456789abcdef0123456789abcdef-delete", Kind::deleted, "events", 0));
  EXPECT_TRUE(is("a.b-1.0123-future", Kind::future, "a.b", 1));
  EXPECT_TRUE(is("a.b-1.0123-stray", Kind::stray, "a.b", 1));
  for (auto name : {"events", "events-", "-0", "events-x", "events-0-delete", "a b-0", "..-0", "events-99999999999",
                    "lost+found", ""}) {
    EXPECT_FALSE(parse_partition_directory(name).has_value()) << name;
  }
}

TEST(PartitionDirectories, OfDeletedPartitionsFitIntoAFileName) {
  SeededRandom random(1);
  auto name = deleted_directory_name({std::string(249, 't'), PartitionIndex(123456)}, random);
  EXPECT_LE(name.size(), 255U);
  auto parsed = parse_partition_directory(name);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->kind, PartitionDirectoryKind::deleted);
}

// As new File(name).getAbsolutePath() of Java 17 says it.
TEST(LogDirectoryNames, AreShownAsKafkaShowsThem) {
  for (const auto& [given, shown] : std::map<std::string, std::string>{{"/data", "/data"},
                                                                       {"/data/", "/data"},
                                                                       {"//data//kafka///", "/data/kafka"},
                                                                       {"/data/../kafka/.", "/data/../kafka/."},
                                                                       {"/", "/"},
                                                                       {"//", "/"}})
    EXPECT_EQ(shown_directory_name(given), shown) << given;
  const auto here = std::filesystem::current_path().string();
  EXPECT_EQ(shown_directory_name("data/"), here + "/data");
  EXPECT_EQ(shown_directory_name("./data"), here + "/./data");
}

TEST(SegmentFileNames, HaveTwentyDigits) {
  EXPECT_EQ(segment_file_name(Offset(42), log_suffix), "00000000000000000042.log");
  EXPECT_EQ(segment_file_name(Offset(9'223'372'036'854'775'807), time_index_suffix), "09223372036854775807.timeindex");
  EXPECT_EQ(parse_segment_file_name("00000000000000000042.log", log_suffix), Offset(42));
  EXPECT_FALSE(parse_segment_file_name("00000000000000000042.log.swap", log_suffix).has_value());
  EXPECT_FALSE(parse_segment_file_name("0000000000000000042x.log", log_suffix).has_value());
  EXPECT_FALSE(parse_segment_file_name("99999999999999999999.log", log_suffix).has_value());
}

// One that has looked at older numbers must not write them over newer ones.
TEST(CheckpointWriters, TheLaterOfTwoHasLookedLater) {
  TemporaryDirectory folder;
  ManagedDirectory directory(posix_file_system(), folder.path());
  const TopicPartition partition{"events", PartitionIndex(0)};
  auto at = [&](std::int64_t offset) {
    DirectoryCheckpoints checkpoints;
    checkpoints.recovery_points.emplace(partition, Offset(offset));
    return checkpoints;
  };
  std::future<Status> later;
  std::promise<void> later_has_looked;
  auto looked = later_has_looked.get_future();
  ASSERT_TRUE(directory.write_checkpoints([&] {
    later = std::async(std::launch::async, [&] {
      return directory.write_checkpoints([&] {
        later_has_looked.set_value();
        return at(2);
      });
    });
    EXPECT_EQ(looked.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
    return at(1);
  }));
  ASSERT_TRUE(later.get());
  EXPECT_EQ(directory.read_checkpoints().of(partition).recovery_point, Offset(2));
}

}  // namespace
}  // namespace millrace::log::test

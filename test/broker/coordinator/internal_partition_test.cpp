// A coordinator's partition over a real log: what is read is what was appended, and nothing is appended once the term is over.
#include "broker/coordinator/internal_partition.h"

#include <gtest/gtest.h>

#include "broker/replication/partition.h"
#include "test/broker/log/log_world.h"

namespace millrace::coordinator {
namespace {

using log::test::make_batch;
using protocol::ErrorCode;
using Values = std::vector<std::string>;

constexpr BrokerId self{7};
constexpr BrokerId other{8};

struct InternalPartitions : testing::Test {
  void SetUp() override {
    ASSERT_TRUE(world.start());
    partition = std::make_shared<replication::Partition>(self, world.log(), replication::PartitionConfig{});
    lead(0);
  }
  void lead(std::int32_t epoch, const std::vector<BrokerId>& in_sync_replicas = {self}, std::size_t read_bytes = 100) {
    ASSERT_TRUE(partition->lead(LeaderEpoch(epoch), in_sync_replicas));
    internal = lead_internal_partition(partition, read_bytes);
  }

  struct Appended {
    ErrorCode error;
    Offset base_offset;
  };
  std::optional<Appended> append(const Values& values, const std::shared_ptr<InternalPartition>& to,
                                 const protocol::RecordBatchBuilder::Options& options = {},
                                 std::optional<log::VerificationGuard> verification = std::nullopt) {
    protocol::RecordBatchBuilder batch(options);
    for (const auto& value : values) batch.append(TimestampMs(5), as_bytes("key"), as_bytes(value));
    auto outcome = std::make_shared<std::optional<Appended>>();
    to->append(batch, verification, [outcome](ErrorCode error, Offset base) { *outcome = Appended{error, base}; });
    world.shard.run();
    return *outcome;
  }

  // What was read until the end, and how it ended.
  struct Seen {
    Values values;
    std::optional<Status> end;
  };
  std::shared_ptr<Seen> begin_read(std::size_t fail_at = 1000) {
    auto seen = std::make_shared<Seen>();
    internal->read_all(
        [seen, fail_at](const protocol::BatchHeader& header, BytesView plain) -> Status {
          protocol::RecordReader records(header, plain);
          while (records.next()) seen->values.emplace_back(as_text(*records.record().value));
          if (seen->values.size() >= fail_at) return fail(ErrorKind::corrupt, "that is enough");
          return records.status();
        },
        [seen](Status end) { seen->end = std::move(end); });
    return seen;
  }

  log::test::LogWorld world;
  std::shared_ptr<replication::Partition> partition;
  std::shared_ptr<InternalPartition> internal;
};

TEST_F(InternalPartitions, AreReadWholeWhateverTheirBatchesAre) {
  for (auto codec : {protocol::Codec::none, protocol::Codec::gzip, protocol::Codec::snappy, protocol::Codec::lz4,
                     protocol::Codec::zstd}) {
    const auto number = std::to_string(static_cast<int>(codec));
    ASSERT_TRUE(append({"a" + number, std::string(200, 'x')}, internal, {.codec = codec}));
  }
  const auto seen = begin_read();
  world.shard.run();
  ASSERT_TRUE(seen->end && *seen->end);
  Values expected;
  for (int number = 0; number < 5; ++number) {
    expected.push_back("a" + std::to_string(number));
    expected.emplace_back(200, 'x');
  }
  EXPECT_EQ(seen->values, expected);
}

TEST_F(InternalPartitions, WithoutRecordsAreReadAtOnce) {
  const auto seen = begin_read();
  EXPECT_TRUE(seen->end && *seen->end);
  EXPECT_EQ(seen->values, Values());
}

TEST_F(InternalPartitions, AreReadUpToWhatTheyHadWhenItBegan) {
  ASSERT_TRUE(append({"first"}, internal));
  ASSERT_TRUE(append({"second"}, internal));
  const auto seen = begin_read();
  auto late = make_batch({.values = {"late"}});
  partition->append({.batches = late, .now = TimestampMs(5)}, [](const auto&) {});
  world.shard.run();
  EXPECT_EQ(seen->values, (Values{"first", "second"}));
}

TEST_F(InternalPartitions, TellOfWhatCannotBeRead) {
  ASSERT_TRUE(append({"first"}, internal));
  ASSERT_TRUE(append({"second"}, internal));
  auto seen = begin_read(1);
  world.shard.run();
  ASSERT_TRUE(seen->end && !*seen->end);
  EXPECT_EQ(seen->end->error().message, "that is enough");
  EXPECT_EQ(seen->values, Values{"first"}) << "nothing behind the error";

  const auto segment = world.partition_path() + "/00000000000000000000.log";
  auto bytes = log::test::file_bytes(segment);
  bytes[70] ^= 1;  // in the first batch's record
  log::test::write_file(segment, bytes);
  seen = begin_read();
  world.shard.run();
  ASSERT_TRUE(seen->end && !*seen->end);
  EXPECT_EQ(seen->end->error().kind, ErrorKind::corrupt);
  EXPECT_EQ(seen->values, Values());
}

TEST_F(InternalPartitions, WhoseLogIsGoneEndTheReading) {
  ASSERT_TRUE(append({"first"}, internal));
  world.log()->stop();
  const auto seen = begin_read();
  world.shard.run();
  ASSERT_TRUE(seen->end && !*seen->end);
  EXPECT_EQ(seen->end->error().kind, ErrorKind::cancelled);
}

TEST_F(InternalPartitions, AppendWhatACoordinatorMayAndAProducerMayNot) {
  auto offsets = append({"first"}, internal);
  ASSERT_TRUE(offsets);
  EXPECT_EQ(offsets->error, ErrorCode::none);
  EXPECT_EQ(offsets->base_offset, Offset(0));
  // Kafka's coordinator writes each batch of a producer's offsets with sequence 0.
  const protocol::RecordBatchBuilder::Options of_producer{.producer_id = ProducerId(9),
                                                          .producer_epoch = ProducerEpoch(1),
                                                          .base_sequence = Sequence(0),
                                                          .is_transactional = true};
  for (std::int64_t offset = 1; offset < 4; ++offset) {
    offsets = append({"of a transaction"}, internal, of_producer);
    ASSERT_TRUE(offsets);
    EXPECT_EQ(offsets->error, ErrorCode::none);
    EXPECT_EQ(offsets->base_offset, Offset(offset));
  }
}

// KIP-890: what comes after the marker of the transaction that was asked about is refused in the append itself.
TEST_F(InternalPartitions, TakeOffsetsOfAVerifiedTransactionOnly) {
  const protocol::RecordBatchBuilder::Options of_producer{.producer_id = ProducerId(9),
                                                          .producer_epoch = ProducerEpoch(1),
                                                          .base_sequence = Sequence(0),
                                                          .is_transactional = true};
  const auto asked = log::VerificationGuard::none();
  EXPECT_EQ(append({"unverified"}, internal, of_producer, asked)->error, ErrorCode::invalid_txn_state);
  const auto guard = world.log()->verify_transaction(ProducerId(9), ProducerEpoch(1), asked).error().guard;
  EXPECT_EQ(append({"verified"}, internal, of_producer, guard)->error, ErrorCode::none);
  EXPECT_EQ(append({"of the open one"}, internal, of_producer, asked)->error, ErrorCode::none);
  ASSERT_TRUE(
      world.append(log::test::marker_batch(ProducerId(9), ProducerEpoch(1), false, 1), log::AppendOrigin::coordinator));
  EXPECT_EQ(append({"late"}, internal, of_producer, guard)->error, ErrorCode::invalid_txn_state);
}

TEST_F(InternalPartitions, WaitForEveryReplicaThatIsInSync) {
  lead(1, {self, other});
  EXPECT_FALSE(append({"first"}, internal)) << "the other has not got it";
  partition->resign();
  world.shard.run();
}

TEST_F(InternalPartitions, AppendNothingAfterTheirTerm) {
  const auto earlier = internal;
  lead(1);
  EXPECT_EQ(internal->leader_epoch(), LeaderEpoch(1));
  EXPECT_EQ(append({"late"}, earlier)->error, ErrorCode::not_leader_or_follower);
  EXPECT_EQ(append({"in time"}, internal)->error, ErrorCode::none);
  partition->resign();
  EXPECT_EQ(append({"late"}, internal)->error, ErrorCode::not_leader_or_follower);
  EXPECT_EQ(world.log()->log_end_offset(), Offset(1));
}

}  // namespace
}  // namespace millrace::coordinator

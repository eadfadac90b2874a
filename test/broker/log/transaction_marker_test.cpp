#include "broker/log/transaction_marker.h"

#include <gtest/gtest.h>

#include "test/broker/log/log_world.h"

namespace millrace::log::test {
namespace {

constexpr TimestampMs now{1'700'000'000'000};

TEST(TransactionMarkerBatch, IsOneControlRecordOfTheProducer) {
  const auto bytes = marker_batch_of({true, 7}, ProducerId(4000), ProducerEpoch(3), now);
  const auto batch = protocol::parse_batch(bytes);
  ASSERT_TRUE(batch);
  EXPECT_TRUE(protocol::check_batch_crc(*batch));
  EXPECT_TRUE(batch->header.attributes.is_control());
  EXPECT_TRUE(batch->header.attributes.is_transactional());
  EXPECT_EQ(batch->header.producer_id, ProducerId(4000));
  EXPECT_EQ(batch->header.producer_epoch, ProducerEpoch(3));
  EXPECT_EQ(batch->header.base_sequence, Sequence::none());
  EXPECT_EQ(batch->header.record_count, 1);
  const Bytes record(batch->records().begin(), batch->records().end());
  // Length 16, attributes, deltas; key of 4 bytes: 0, commit; value of 6: 0, epoch 7; no headers.
  EXPECT_EQ(record, (Bytes{0x20, 0, 0, 0, 8, 0, 0, 0, 1, 12, 0, 0, 0, 0, 0, 7, 0}));
}

TEST(TransactionMarkerBatch, SaysWhatWasDecided) {
  for (const bool commit : {true, false}) {
    const auto bytes = marker_batch_of({commit, 9}, ProducerId(1), ProducerEpoch(0), now);
    const auto marker = read_marker(*protocol::parse_batch(bytes));
    ASSERT_TRUE(marker);
    EXPECT_EQ(marker->commit, commit);
    EXPECT_EQ(marker->coordinator_epoch, 9);
  }
}

TEST(TransactionMarkerBatch, IsNotReadFromOtherBatches) {
  EXPECT_FALSE(read_marker(*protocol::parse_batch(make_batch({{"a"}}))));
}

}  // namespace
}  // namespace millrace::log::test

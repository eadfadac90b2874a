#include "broker/coordinator/transaction_load.h"

#include <gtest/gtest.h>

#include "broker/coordinator/transaction_records.h"
#include "broker/protocol/record_batch_builder.h"

namespace millrace::coordinator {
namespace {

TransactionMetadata producer(std::int64_t id) {
  TransactionMetadata metadata;
  metadata.producer_id = ProducerId(id);
  metadata.producer_epoch = ProducerEpoch(0);
  metadata.timeout_ms = 1000;
  metadata.last_update = TimestampMs(1);
  return metadata;
}

struct LogOfTransactions : testing::Test {
  // One batch.
  Status read(const std::vector<TransactionRecord>& records) {
    protocol::RecordBatchBuilder::Options options;
    options.base_offset = next;
    protocol::RecordBatchBuilder builder(options);
    for (const auto& record : records)
      builder.append(TimestampMs(1), BytesView(record.key),
                     record.value ? std::optional<BytesView>(*record.value) : std::nullopt);
    next = next + static_cast<std::int64_t>(records.size());
    const auto bytes = builder.build();
    const auto batch = protocol::parse_batch(*bytes);
    return load.read(batch->header, batch->records());
  }

  TransactionLoad load;
  Offset next{40};
};

TEST_F(LogOfTransactions, GivesEachIdItsNewestState) {
  ASSERT_TRUE(read({*transaction_record("a", producer(1)), *transaction_record("b", producer(2))}));
  ASSERT_TRUE(read({*transaction_record("a", producer(3))}));
  const auto entries = std::move(load).finish();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries.at("a").stored().producer_id, ProducerId(3));
  EXPECT_EQ(entries.at("b").stored().producer_id, ProducerId(2));
}

TEST_F(LogOfTransactions, ForgetsAnIdAtItsTombstone) {
  ASSERT_TRUE(read({*transaction_record("a", producer(1)), *transaction_tombstone("a")}));
  EXPECT_TRUE(std::move(load).finish().empty());
}

TEST_F(LogOfTransactions, IsNotReadBeyondARecordThatNoCoordinatorWrites) {
  auto broken = *transaction_record("t", producer(1));
  broken.value->resize(20);
  const auto status = read({*transaction_record("a", producer(1)), broken});
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("the record at offset 41: transactional id t"), std::string::npos)
      << status.error().message;
}

TEST_F(LogOfTransactions, HasNoRecordWithoutKey) {
  protocol::RecordBatchBuilder builder({});
  builder.append(TimestampMs(1), std::nullopt, std::nullopt);
  const auto bytes = builder.build();
  const auto batch = protocol::parse_batch(*bytes);
  EXPECT_FALSE(load.read(batch->header, batch->records()));
}

}  // namespace
}  // namespace millrace::coordinator

// What a transaction coordinator wants done: answers to give, records to append, markers to send, producer ids to
// fetch. Each append, marker and id comes back to it by its number.
//
// Values; the shard that owns the coordinator carries them out, in any order among each other: nothing in one set waits
// for another part of it.
#pragma once

#include <cstdint>
#include <vector>

#include "broker/base/types.h"
#include "broker/coordinator/transaction_records.h"
#include "broker/protocol/error_code.h"

namespace millrace::coordinator {

// Of a request that waits for its answer: chosen by the caller, unique among those that wait. none(): nobody does.
using TransactionCall = StrongNumber<struct TransactionCallTag, std::int64_t>;
using TransactionAppendId = StrongNumber<struct TransactionAppendTag, std::int64_t>;
using TransactionMarkerId = StrongNumber<struct TransactionMarkerTag, std::int64_t>;

struct TransactionAnswer {
  TransactionCall call;
  protocol::ErrorCode error = protocol::ErrorCode::none;
  ProducerId producer_id = ProducerId::none();  // these two: of InitProducerId, when there is no error
  ProducerEpoch producer_epoch = ProducerEpoch::none();
};

// To the coordinator's partition of the internal topic: acks=all, uncompressed, and only while `coordinator_epoch` is
// that partition's leader epoch. An append that fails or is too late for one of these is answered with the partition's
// error code.
struct TransactionAppend {
  TransactionAppendId id;
  LeaderEpoch coordinator_epoch;
  TimestampMs timestamp;
  std::int32_t timeout_ms = 0;
  std::vector<TransactionRecord> records;
};

// One entry of a WriteTxnMarkers request to `destination`; entries of many transactions may share a request.
struct TransactionMarker {
  TransactionMarkerId id;
  BrokerId destination;
  ProducerId producer_id;
  ProducerEpoch producer_epoch;
  bool committed = false;
  LeaderEpoch coordinator_epoch;
  std::vector<TopicPartition> partitions;
};

struct TransactionActions {
  std::vector<TransactionAnswer> answers{};
  std::vector<TransactionAppend> appends{};
  std::vector<TransactionMarker> markers{};
  std::vector<TransactionCall> producer_ids{};  // calls that wait for one: TransactionCoordinator::on_producer_id
};

}  // namespace millrace::coordinator

// TxnOffsetCommit (key 28): offsets that count when a transaction commits (KIP-98). Leader epochs (v2, KIP-320),
// group member and generation (v3, KIP-447), TRANSACTION_ABORTABLE (v4, KIP-890).
#pragma once

#include <cstdint>

#include "broker/base/types.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct TxnOffsetCommitResponse;

struct TxnOffsetCommitRequest {
  static constexpr ApiKey api_key = ApiKey::txn_offset_commit;
  static constexpr Versions versions{0, 4};
  static constexpr Version flexible_since = 3;
  using Response = TxnOffsetCommitResponse;

  struct Topic {
    struct Partition {
      PartitionIndex partition_index{};
      Offset committed_offset{};
      LeaderEpoch committed_leader_epoch = LeaderEpoch::none();
      NullableString committed_metadata = "";

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("partition_index", self.partition_index);
        field("committed_offset", self.committed_offset);
        field("committed_leader_epoch", self.committed_leader_epoch, since(2), ignorable);
        field("committed_metadata", self.committed_metadata, nullable());
      }
    };

    String name{};
    Array<Partition> partitions{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("name", self.name);
      field("partitions", self.partitions);
    }
  };

  String transactional_id{};
  String group_id{};
  ProducerId producer_id{};
  ProducerEpoch producer_epoch{};
  std::int32_t generation_id = -1;
  String member_id{};
  NullableString group_instance_id{};
  Array<Topic> topics{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("transactional_id", self.transactional_id);
    field("group_id", self.group_id);
    field("producer_id", self.producer_id);
    field("producer_epoch", self.producer_epoch);
    field("generation_id", self.generation_id, since(3));
    field("member_id", self.member_id, since(3));
    field("group_instance_id", self.group_instance_id, since(3), nullable());
    field("topics", self.topics);
  }
};

struct TxnOffsetCommitResponse {
  using Request = TxnOffsetCommitRequest;

  struct Topic {
    struct Partition {
      PartitionIndex partition_index{};
      ErrorCode error_code{};

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("partition_index", self.partition_index);
        field("error_code", self.error_code);
      }
    };

    String name{};
    Array<Partition> partitions{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("name", self.name);
      field("partitions", self.partitions);
    }
  };

  std::int32_t throttle_time_ms = 0;
  Array<Topic> topics{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms);
    field("topics", self.topics);
  }
};

}  // namespace millrace::protocol

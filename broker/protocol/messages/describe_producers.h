// DescribeProducers (key 61): the producers that a partition's leader remembers (KIP-664).
#pragma once

#include <cstdint>

#include "broker/base/types.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct DescribeProducersResponse;

struct DescribeProducersRequest {
  static constexpr ApiKey api_key = ApiKey::describe_producers;
  static constexpr Versions versions{0, 0};
  static constexpr Version flexible_since = 0;
  using Response = DescribeProducersResponse;

  struct Topic {
    String name{};
    Array<PartitionIndex> partition_indexes{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("name", self.name);
      field("partition_indexes", self.partition_indexes);
    }
  };

  Array<Topic> topics{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("topics", self.topics);
  }
};

struct DescribeProducersResponse {
  using Request = DescribeProducersRequest;

  struct Topic {
    struct Partition {
      struct ActiveProducer {
        ProducerId producer_id{};
        std::int32_t producer_epoch = 0;
        Sequence last_sequence = Sequence::none();
        TimestampMs last_timestamp = TimestampMs::none();
        std::int32_t coordinator_epoch = 0;
        Offset current_txn_start_offset = Offset::none();  // -1: no open transaction

        template <class Self, class Fields>
        static void describe(Self& self, Fields& field) {
          field("producer_id", self.producer_id);
          field("producer_epoch", self.producer_epoch);
          field("last_sequence", self.last_sequence);
          field("last_timestamp", self.last_timestamp);
          field("coordinator_epoch", self.coordinator_epoch);
          field("current_txn_start_offset", self.current_txn_start_offset);
        }
      };

      PartitionIndex partition_index{};
      ErrorCode error_code{};
      NullableString error_message{};
      Array<ActiveProducer> active_producers{};

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("partition_index", self.partition_index);
        field("error_code", self.error_code);
        field("error_message", self.error_message, nullable());
        field("active_producers", self.active_producers);
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

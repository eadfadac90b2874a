// Produce (key 0): record batches to append, per partition. v0 and v1 carry message sets of magic 0 and 1, v2 of magic 1; from v3
// batches of magic 2 (KIP-98). KIP-467 record errors (v8), KIP-951 new leaders in the answer (v10), KIP-890 (v11).
#pragma once

#include <cstdint>

#include "broker/base/types.h"
#include "broker/base/uuid.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct ProduceResponse;

struct ProduceRequest {
  static constexpr ApiKey api_key = ApiKey::produce;
  static constexpr Versions versions{0, 11};
  static constexpr Version flexible_since = 9;
  using Response = ProduceResponse;

  struct Topic {
    struct Partition {
      PartitionIndex index{};
      NullableBytes records{};

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("index", self.index);
        field("records", self.records, nullable());
      }
    };

    String name{};
    Array<Partition> partition_data{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("name", self.name);
      field("partition_data", self.partition_data);
    }
  };

  NullableString transactional_id{};
  std::int16_t acks = 0;
  std::int32_t timeout_ms = 0;
  Array<Topic> topic_data{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("transactional_id", self.transactional_id, since(3), nullable());
    field("acks", self.acks);
    field("timeout_ms", self.timeout_ms);
    field("topic_data", self.topic_data);
  }
};

struct ProduceResponse {
  using Request = ProduceRequest;

  struct Topic {
    struct Partition {
      struct RecordError {
        std::int32_t batch_index = 0;
        NullableString batch_index_error_message{};

        template <class Self, class Fields>
        static void describe(Self& self, Fields& field) {
          field("batch_index", self.batch_index);
          field("batch_index_error_message", self.batch_index_error_message, nullable());
        }
      };

      struct CurrentLeader {
        BrokerId leader_id = BrokerId::none();
        LeaderEpoch leader_epoch = LeaderEpoch::none();

        template <class Self, class Fields>
        static void describe(Self& self, Fields& field) {
          field("leader_id", self.leader_id);
          field("leader_epoch", self.leader_epoch);
        }
      };

      PartitionIndex index{};
      ErrorCode error_code{};
      Offset base_offset{};
      TimestampMs log_append_time_ms = TimestampMs::none();
      Offset log_start_offset = Offset::none();
      Array<RecordError> record_errors{};
      NullableString error_message{};
      CurrentLeader current_leader{};

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("index", self.index);
        field("error_code", self.error_code);
        field("base_offset", self.base_offset);
        field("log_append_time_ms", self.log_append_time_ms, since(2), ignorable);
        field("log_start_offset", self.log_start_offset, since(5), ignorable);
        field("record_errors", self.record_errors, since(8), ignorable);
        field("error_message", self.error_message, since(8), nullable(), ignorable);
        field("current_leader", self.current_leader, since(10), tag(0));
      }
    };

    String name{};
    Array<Partition> partition_responses{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("name", self.name);
      field("partition_responses", self.partition_responses);
    }
  };

  struct NodeEndpoint {
    BrokerId node_id{};
    String host{};
    std::int32_t port = 0;
    NullableString rack{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("node_id", self.node_id);
      field("host", self.host);
      field("port", self.port);
      field("rack", self.rack, nullable());
    }
  };

  Array<Topic> responses{};
  std::int32_t throttle_time_ms = 0;
  Array<NodeEndpoint> node_endpoints{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("responses", self.responses);
    field("throttle_time_ms", self.throttle_time_ms, since(1), ignorable);
    field("node_endpoints", self.node_endpoints, since(10), tag(0));
  }
};

}  // namespace millrace::protocol

// WriteTxnMarkers (key 27): a transaction coordinator ends transactions in the logs of other brokers (KIP-98).
#pragma once

#include <cstdint>

#include "broker/base/types.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct WriteTxnMarkersResponse;

struct WriteTxnMarkersRequest {
  static constexpr ApiKey api_key = ApiKey::write_txn_markers;
  static constexpr Versions versions{0, 1};
  static constexpr Version flexible_since = 1;
  using Response = WriteTxnMarkersResponse;

  struct Marker {
    struct Topic {
      String name{};
      Array<PartitionIndex> partition_indexes{};

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("name", self.name);
        field("partition_indexes", self.partition_indexes);
      }
    };

    ProducerId producer_id{};
    ProducerEpoch producer_epoch{};
    bool transaction_result = false;  // true: commit
    Array<Topic> topics{};
    std::int32_t coordinator_epoch = 0;

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("producer_id", self.producer_id);
      field("producer_epoch", self.producer_epoch);
      field("transaction_result", self.transaction_result);
      field("topics", self.topics);
      field("coordinator_epoch", self.coordinator_epoch);
    }
  };

  Array<Marker> markers{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("markers", self.markers);
  }
};

struct WriteTxnMarkersResponse {
  using Request = WriteTxnMarkersRequest;

  struct Marker {
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

    ProducerId producer_id{};
    Array<Topic> topics{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("producer_id", self.producer_id);
      field("topics", self.topics);
    }
  };

  Array<Marker> markers{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("markers", self.markers);
  }
};

}  // namespace millrace::protocol

// DeleteRecords (key 21): everything before an offset is gone (KIP-107).
#pragma once

#include <cstdint>

#include "broker/base/types.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct DeleteRecordsResponse;

struct DeleteRecordsRequest {
  static constexpr ApiKey api_key = ApiKey::delete_records;
  static constexpr Versions versions{0, 2};
  static constexpr Version flexible_since = 2;
  using Response = DeleteRecordsResponse;

  struct Topic {
    struct Partition {
      PartitionIndex partition_index{};
      Offset offset{};  // -1: the high watermark

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("partition_index", self.partition_index);
        field("offset", self.offset);
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

  Array<Topic> topics{};
  std::int32_t timeout_ms = 0;

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("topics", self.topics);
    field("timeout_ms", self.timeout_ms);
  }
};

struct DeleteRecordsResponse {
  using Request = DeleteRecordsRequest;

  struct Topic {
    struct Partition {
      PartitionIndex partition_index{};
      Offset low_watermark{};
      ErrorCode error_code{};

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("partition_index", self.partition_index);
        field("low_watermark", self.low_watermark);
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

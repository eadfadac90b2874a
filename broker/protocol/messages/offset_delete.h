// OffsetDelete (key 47): single partitions' offsets of a group are gone (KIP-496). Never flexible.
#pragma once

#include <cstdint>

#include "broker/base/types.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct OffsetDeleteResponse;

struct OffsetDeleteRequest {
  static constexpr ApiKey api_key = ApiKey::offset_delete;
  static constexpr Versions versions{0, 0};
  static constexpr Version flexible_since = highest_version;  // never
  using Response = OffsetDeleteResponse;

  struct Topic {
    struct Partition {
      PartitionIndex partition_index{};

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("partition_index", self.partition_index);
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

  String group_id{};
  Array<Topic> topics{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("group_id", self.group_id);
    field("topics", self.topics);
  }
};

struct OffsetDeleteResponse {
  using Request = OffsetDeleteRequest;

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

  ErrorCode error_code{};
  std::int32_t throttle_time_ms = 0;
  Array<Topic> topics{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("error_code", self.error_code);
    field("throttle_time_ms", self.throttle_time_ms);
    field("topics", self.topics);
  }
};

}  // namespace millrace::protocol

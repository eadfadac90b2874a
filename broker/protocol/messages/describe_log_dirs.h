// DescribeLogDirs (key 35): the log directories of a broker and the replicas in them (KIP-113). Top-level error
// (v3, KIP-784), sizes of the volumes (v4, KIP-827).
#pragma once

#include <cstdint>
#include <utility>

#include "broker/base/types.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct DescribeLogDirsResponse;

struct DescribeLogDirsRequest {
  static constexpr ApiKey api_key = ApiKey::describe_log_dirs;
  static constexpr Versions versions{0, 4};
  static constexpr Version flexible_since = 2;
  using Response = DescribeLogDirsResponse;

  struct Topic {
    String topic{};
    Array<PartitionIndex> partitions{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("topic", self.topic);
      field("partitions", self.partitions);
    }
  };

  NullableArray<Topic> topics{std::in_place};  // null: all topics

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("topics", self.topics, nullable());
  }
};

struct DescribeLogDirsResponse {
  using Request = DescribeLogDirsRequest;

  struct Directory {
    struct Topic {
      struct Partition {
        PartitionIndex partition_index{};
        std::int64_t partition_size = 0;
        std::int64_t offset_lag = 0;
        bool is_future_key = false;

        template <class Self, class Fields>
        static void describe(Self& self, Fields& field) {
          field("partition_index", self.partition_index);
          field("partition_size", self.partition_size);
          field("offset_lag", self.offset_lag);
          field("is_future_key", self.is_future_key);
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
    String log_dir{};
    Array<Topic> topics{};
    std::int64_t total_bytes = -1;
    std::int64_t usable_bytes = -1;

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("error_code", self.error_code);
      field("log_dir", self.log_dir);
      field("topics", self.topics);
      field("total_bytes", self.total_bytes, since(4), ignorable);
      field("usable_bytes", self.usable_bytes, since(4), ignorable);
    }
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code{};
  Array<Directory> results{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms);
    field("error_code", self.error_code, since(3), ignorable);
    field("results", self.results);
  }
};

}  // namespace millrace::protocol

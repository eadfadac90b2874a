// AlterReplicaLogDirs (key 34): replicas move between the log directories of one broker (KIP-113).
#pragma once

#include <cstdint>

#include "broker/base/types.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct AlterReplicaLogDirsResponse;

struct AlterReplicaLogDirsRequest {
  static constexpr ApiKey api_key = ApiKey::alter_replica_log_dirs;
  static constexpr Versions versions{0, 2};
  static constexpr Version flexible_since = 2;
  using Response = AlterReplicaLogDirsResponse;

  struct Directory {
    struct Topic {
      String name{};
      Array<PartitionIndex> partitions{};

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("name", self.name);
        field("partitions", self.partitions);
      }
    };

    String path{};
    Array<Topic> topics{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("path", self.path);
      field("topics", self.topics);
    }
  };

  Array<Directory> dirs{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("dirs", self.dirs);
  }
};

struct AlterReplicaLogDirsResponse {
  using Request = AlterReplicaLogDirsRequest;

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

    String topic_name{};
    Array<Partition> partitions{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("topic_name", self.topic_name);
      field("partitions", self.partitions);
    }
  };

  std::int32_t throttle_time_ms = 0;
  Array<Topic> results{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms);
    field("results", self.results);
  }
};

}  // namespace millrace::protocol

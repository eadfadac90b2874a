// Metadata (key 3): brokers, topics and the leaders of partitions. No topics asked for means all of them in v0; from v1 null means
// all and an empty list none. KIP-4 (v1), KIP-112 offline replicas (v5), KIP-320 leader epochs (v7), KIP-430 authorized operations
// (v8), KIP-516 topic ids (v10, asked for by id from v12), KIP-700 moves the cluster's operations to DescribeCluster (v11).
#pragma once

#include <cstdint>

#include "broker/base/types.h"
#include "broker/base/uuid.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/authorized_operations.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct MetadataResponse;

struct MetadataRequest {
  static constexpr ApiKey api_key = ApiKey::metadata;
  static constexpr Versions versions{0, 12};
  static constexpr Version flexible_since = 9;
  using Response = MetadataResponse;

  struct Topic {
    TopicId topic_id{};
    NullableString name = "";

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("topic_id", self.topic_id, since(10), ignorable);
      field("name", self.name, nullable(10));
    }
  };

  NullableArray<Topic> topics{std::in_place};
  bool allow_auto_topic_creation = true;
  bool include_cluster_authorized_operations = false;
  bool include_topic_authorized_operations = false;

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("topics", self.topics, nullable(1));
    field("allow_auto_topic_creation", self.allow_auto_topic_creation, since(4));
    field("include_cluster_authorized_operations", self.include_cluster_authorized_operations, between(8, 10));
    field("include_topic_authorized_operations", self.include_topic_authorized_operations, since(8));
  }
};

struct MetadataResponse {
  using Request = MetadataRequest;

  struct Broker {
    BrokerId node_id{};
    String host{};
    std::int32_t port = 0;
    NullableString rack{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("node_id", self.node_id);
      field("host", self.host);
      field("port", self.port);
      field("rack", self.rack, since(1), nullable(), ignorable);
    }
  };

  struct Topic {
    struct Partition {
      ErrorCode error_code{};
      PartitionIndex partition_index{};
      BrokerId leader_id{};
      LeaderEpoch leader_epoch = LeaderEpoch::none();
      Array<BrokerId> replica_nodes{};
      Array<BrokerId> isr_nodes{};
      Array<BrokerId> offline_replicas{};

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("error_code", self.error_code);
        field("partition_index", self.partition_index);
        field("leader_id", self.leader_id);
        field("leader_epoch", self.leader_epoch, since(7), ignorable);
        field("replica_nodes", self.replica_nodes);
        field("isr_nodes", self.isr_nodes);
        field("offline_replicas", self.offline_replicas, since(5), ignorable);
      }
    };

    ErrorCode error_code{};
    NullableString name = "";
    TopicId topic_id{};
    bool is_internal = false;
    Array<Partition> partitions{};
    std::int32_t topic_authorized_operations = authorized_operations_omitted;

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("error_code", self.error_code);
      field("name", self.name, nullable(12));
      field("topic_id", self.topic_id, since(10), ignorable);
      field("is_internal", self.is_internal, since(1), ignorable);
      field("partitions", self.partitions);
      field("topic_authorized_operations", self.topic_authorized_operations, since(8));
    }
  };

  std::int32_t throttle_time_ms = 0;
  Array<Broker> brokers{};
  NullableString cluster_id{};
  BrokerId controller_id = BrokerId::none();
  Array<Topic> topics{};
  std::int32_t cluster_authorized_operations = authorized_operations_omitted;

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms, since(3), ignorable);
    field("brokers", self.brokers);
    field("cluster_id", self.cluster_id, since(2), nullable(), ignorable);
    field("controller_id", self.controller_id, since(1), ignorable);
    field("topics", self.topics);
    field("cluster_authorized_operations", self.cluster_authorized_operations, between(8, 10));
  }
};

}  // namespace millrace::protocol

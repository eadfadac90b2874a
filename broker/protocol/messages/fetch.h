// Fetch (key 1): records of many partitions, for consumers and followers. KIP-74 max bytes (v3), KIP-98 transactions (v4), KIP-107
// log start (v5), KIP-227 sessions (v7), KIP-110 zstd (v10), KIP-320 leader epochs (v9), KIP-392 racks (v11), KIP-595 divergence
// (v12), KIP-516 topic ids (v13), KIP-405 (v14), KIP-903 replica epoch (v15), KIP-951 node endpoints (v16), KIP-853 (v17).
#pragma once

#include <cstdint>

#include "broker/base/types.h"
#include "broker/base/uuid.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"
#include "broker/protocol/isolation_level.h"
#include "broker/protocol/records.h"

namespace millrace::protocol {

struct FetchResponse;

struct FetchRequest {
  static constexpr ApiKey api_key = ApiKey::fetch;
  static constexpr Versions versions{0, 17};
  static constexpr Version flexible_since = 12;
  using Response = FetchResponse;

  struct ReplicaState {
    BrokerId replica_id = BrokerId::none();
    BrokerEpoch replica_epoch = BrokerEpoch::none();

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("replica_id", self.replica_id);
      field("replica_epoch", self.replica_epoch);
    }
  };

  struct Topic {
    struct Partition {
      PartitionIndex partition{};
      LeaderEpoch current_leader_epoch = LeaderEpoch::none();
      Offset fetch_offset{};
      LeaderEpoch last_fetched_epoch = LeaderEpoch::none();
      Offset log_start_offset = Offset::none();
      std::int32_t partition_max_bytes = 0;
      Uuid replica_directory_id{};

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("partition", self.partition);
        field("current_leader_epoch", self.current_leader_epoch, since(9), ignorable);
        field("fetch_offset", self.fetch_offset);
        field("last_fetched_epoch", self.last_fetched_epoch, since(12));
        field("log_start_offset", self.log_start_offset, since(5), ignorable);
        field("partition_max_bytes", self.partition_max_bytes);
        field("replica_directory_id", self.replica_directory_id, since(17), tag(0), ignorable);
      }
    };

    String topic{};
    TopicId topic_id{};
    Array<Partition> partitions{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("topic", self.topic, between(0, 12), ignorable);
      field("topic_id", self.topic_id, since(13), ignorable);
      field("partitions", self.partitions);
    }
  };

  struct ForgottenTopic {
    String topic{};
    TopicId topic_id{};
    Array<PartitionIndex> partitions{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("topic", self.topic, between(7, 12), ignorable);
      field("topic_id", self.topic_id, since(13), ignorable);
      field("partitions", self.partitions);
    }
  };

  NullableString cluster_id{};
  BrokerId replica_id = BrokerId::none();
  ReplicaState replica_state{};
  std::int32_t max_wait_ms = 0;
  std::int32_t min_bytes = 0;
  std::int32_t max_bytes = 0x7fffffff;
  IsolationLevel isolation_level{};
  std::int32_t session_id = 0;
  std::int32_t session_epoch = -1;
  Array<Topic> topics{};
  Array<ForgottenTopic> forgotten_topics_data{};
  String rack_id{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("cluster_id", self.cluster_id, since(12), tag(0), nullable(), ignorable);
    field("replica_id", self.replica_id, between(0, 14));
    field("replica_state", self.replica_state, since(15), tag(1));
    field("max_wait_ms", self.max_wait_ms);
    field("min_bytes", self.min_bytes);
    field("max_bytes", self.max_bytes, since(3), ignorable);
    field("isolation_level", self.isolation_level, since(4), ignorable);
    field("session_id", self.session_id, since(7), ignorable);
    field("session_epoch", self.session_epoch, since(7), ignorable);
    field("topics", self.topics);
    field("forgotten_topics_data", self.forgotten_topics_data, since(7));
    field("rack_id", self.rack_id, since(11), ignorable);
  }
};

struct FetchResponse {
  using Request = FetchRequest;

  struct Topic {
    struct Partition {
      struct DivergingEpoch {
        LeaderEpoch epoch = LeaderEpoch::none();
        Offset end_offset = Offset::none();

        template <class Self, class Fields>
        static void describe(Self& self, Fields& field) {
          field("epoch", self.epoch);
          field("end_offset", self.end_offset);
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

      struct SnapshotId {
        Offset end_offset = Offset::none();
        LeaderEpoch epoch = LeaderEpoch::none();

        template <class Self, class Fields>
        static void describe(Self& self, Fields& field) {
          field("end_offset", self.end_offset);
          field("epoch", self.epoch);
        }
      };

      struct AbortedTransaction {
        ProducerId producer_id{};
        Offset first_offset{};

        template <class Self, class Fields>
        static void describe(Self& self, Fields& field) {
          field("producer_id", self.producer_id);
          field("first_offset", self.first_offset);
        }
      };

      PartitionIndex partition_index{};
      ErrorCode error_code{};
      Offset high_watermark{};
      Offset last_stable_offset = Offset::none();
      Offset log_start_offset = Offset::none();
      DivergingEpoch diverging_epoch{};
      CurrentLeader current_leader{};
      SnapshotId snapshot_id{};
      NullableArray<AbortedTransaction> aborted_transactions{std::in_place};
      BrokerId preferred_read_replica = BrokerId::none();
      Records records{};

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("partition_index", self.partition_index);
        field("error_code", self.error_code);
        field("high_watermark", self.high_watermark);
        field("last_stable_offset", self.last_stable_offset, since(4), ignorable);
        field("log_start_offset", self.log_start_offset, since(5), ignorable);
        field("diverging_epoch", self.diverging_epoch, since(12), tag(0));
        field("current_leader", self.current_leader, since(12), tag(1));
        field("snapshot_id", self.snapshot_id, since(12), tag(2));
        field("aborted_transactions", self.aborted_transactions, since(4), nullable(), ignorable);
        field("preferred_read_replica", self.preferred_read_replica, since(11));
        field("records", self.records, nullable());
      }
    };

    String topic{};
    TopicId topic_id{};
    Array<Partition> partitions{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("topic", self.topic, between(0, 12), ignorable);
      field("topic_id", self.topic_id, since(13), ignorable);
      field("partitions", self.partitions);
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

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code{};
  std::int32_t session_id = 0;
  Array<Topic> responses{};
  Array<NodeEndpoint> node_endpoints{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms, since(1), ignorable);
    field("error_code", self.error_code, since(7), ignorable);
    field("session_id", self.session_id, since(7));
    field("responses", self.responses);
    field("node_endpoints", self.node_endpoints, since(16), tag(0));
  }
};

}  // namespace millrace::protocol

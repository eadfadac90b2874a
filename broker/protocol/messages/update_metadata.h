// UpdateMetadata (key 6): the controller tells every broker who leads what and who lives. Endpoints (v1), racks
// (v2, KIP-36), listener names (v3, KIP-103), offline replicas (v4, KIP-112), broker epoch and partitions by
// topic (v5, KIP-380), topic ids (v7, KIP-516), a KRaft controller's mark and the full request (v8, KIP-866).
#pragma once

#include <cstdint>

#include "broker/base/types.h"
#include "broker/base/uuid.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/control_request_type.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct UpdateMetadataResponse;

struct UpdateMetadataRequest {
  static constexpr ApiKey api_key = ApiKey::update_metadata;
  static constexpr Versions versions{0, 8};
  static constexpr Version flexible_since = 6;
  using Response = UpdateMetadataResponse;

  struct PartitionState {
    String topic_name{};
    PartitionIndex partition_index{};
    ControllerEpoch controller_epoch{};
    BrokerId leader{};
    LeaderEpoch leader_epoch{};
    Array<BrokerId> isr{};
    std::int32_t zk_version = 0;  // the partition epoch
    Array<BrokerId> replicas{};
    Array<BrokerId> offline_replicas{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("topic_name", self.topic_name, between(0, 4), ignorable);
      field("partition_index", self.partition_index);
      field("controller_epoch", self.controller_epoch);
      field("leader", self.leader);
      field("leader_epoch", self.leader_epoch);
      field("isr", self.isr);
      field("zk_version", self.zk_version);
      field("replicas", self.replicas);
      field("offline_replicas", self.offline_replicas, since(4), ignorable);
    }
  };

  struct TopicState {
    String topic_name{};
    TopicId topic_id{};
    Array<PartitionState> partition_states{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("topic_name", self.topic_name);
      field("topic_id", self.topic_id, since(7), ignorable);
      field("partition_states", self.partition_states);
    }
  };

  struct LiveBroker {
    struct Endpoint {
      std::int32_t port = 0;
      String host{};
      String listener{};
      std::int16_t security_protocol = 0;  // PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("port", self.port);
        field("host", self.host);
        field("listener", self.listener, since(3), ignorable);
        field("security_protocol", self.security_protocol);
      }
    };

    BrokerId id{};
    String v0_host{};
    std::int32_t v0_port = 0;
    Array<Endpoint> endpoints{};
    NullableString rack = "";

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("id", self.id);
      field("v0_host", self.v0_host, between(0, 0), ignorable);
      field("v0_port", self.v0_port, between(0, 0), ignorable);
      field("endpoints", self.endpoints, since(1), ignorable);
      field("rack", self.rack, since(2), nullable(), ignorable);
    }
  };

  BrokerId controller_id{};
  bool is_kraft_controller = false;
  ControlRequestType type{};
  ControllerEpoch controller_epoch{};
  BrokerEpoch broker_epoch = BrokerEpoch::none();
  Array<PartitionState> ungrouped_partition_states{};
  Array<TopicState> topic_states{};
  Array<LiveBroker> live_brokers{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("controller_id", self.controller_id);
    field("is_kraft_controller", self.is_kraft_controller, since(8));
    field("type", self.type, since(8), tag(0));
    field("controller_epoch", self.controller_epoch);
    field("broker_epoch", self.broker_epoch, since(5), ignorable);
    field("ungrouped_partition_states", self.ungrouped_partition_states, between(0, 4));
    field("topic_states", self.topic_states, since(5));
    field("live_brokers", self.live_brokers);
  }
};

struct UpdateMetadataResponse {
  using Request = UpdateMetadataRequest;

  ErrorCode error_code{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("error_code", self.error_code);
  }
};

}  // namespace millrace::protocol

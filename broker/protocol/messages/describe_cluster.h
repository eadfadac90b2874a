// DescribeCluster (key 60). KIP-700; KIP-919 endpoint type (v1).
#pragma once

#include <cstdint>

#include "broker/base/types.h"
#include "broker/base/uuid.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/authorized_operations.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct DescribeClusterResponse;

struct DescribeClusterRequest {
  static constexpr ApiKey api_key = ApiKey::describe_cluster;
  static constexpr Versions versions{0, 1};
  static constexpr Version flexible_since = 0;
  using Response = DescribeClusterResponse;

  bool include_cluster_authorized_operations = false;
  std::int8_t endpoint_type = 1;

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("include_cluster_authorized_operations", self.include_cluster_authorized_operations);
    field("endpoint_type", self.endpoint_type, since(1));
  }
};

struct DescribeClusterResponse {
  using Request = DescribeClusterRequest;

  struct Broker {
    BrokerId broker_id{};
    String host{};
    std::int32_t port = 0;
    NullableString rack{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("broker_id", self.broker_id);
      field("host", self.host);
      field("port", self.port);
      field("rack", self.rack, nullable());
    }
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code{};
  NullableString error_message{};
  std::int8_t endpoint_type = 1;
  String cluster_id{};
  BrokerId controller_id = BrokerId::none();
  Array<Broker> brokers{};
  std::int32_t cluster_authorized_operations = authorized_operations_omitted;

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms);
    field("error_code", self.error_code);
    field("error_message", self.error_message, nullable());
    field("endpoint_type", self.endpoint_type, since(1));
    field("cluster_id", self.cluster_id);
    field("controller_id", self.controller_id);
    field("brokers", self.brokers);
    field("cluster_authorized_operations", self.cluster_authorized_operations);
  }
};

}  // namespace millrace::protocol

// What everybody may do while no authorizer is configured, as the bit fields of KIP-430 (Kafka: AclEntry.supportedOperations).
#pragma once

#include <cstdint>

namespace millrace::server {

enum class AclOperation : std::uint8_t {
  read = 3,
  write = 4,
  create = 5,
  remove = 6,
  alter = 7,
  describe = 8,
  cluster_action = 9,
  describe_configs = 10,
  alter_configs = 11,
  idempotent_write = 12,
};

template <class... Operations>
constexpr std::int32_t bits(Operations... operations) {
  return static_cast<std::int32_t>(((1U << static_cast<unsigned>(operations)) | ...));
}

inline constexpr std::int32_t all_topic_operations =
    bits(AclOperation::read, AclOperation::write, AclOperation::create, AclOperation::describe, AclOperation::remove,
         AclOperation::alter, AclOperation::describe_configs, AclOperation::alter_configs);
inline constexpr std::int32_t all_group_operations =
    bits(AclOperation::read, AclOperation::describe, AclOperation::remove);
inline constexpr std::int32_t all_cluster_operations =
    bits(AclOperation::create, AclOperation::cluster_action, AclOperation::describe_configs,
         AclOperation::alter_configs, AclOperation::idempotent_write, AclOperation::alter, AclOperation::describe);

}  // namespace millrace::server

#include "broker/server/supported_apis.h"

#include <algorithm>
#include <string_view>

#include "broker/server/handler_list.h"

namespace millrace::server {
namespace {

using protocol::ApiKey;
using protocol::between;
using protocol::Versions;

constexpr Versions absent = protocol::no_versions;

constexpr KafkaApi apis[] = {
    {ApiKey::produce, between(0, 11), between(3, 13)},
    {ApiKey::fetch, between(0, 17), between(4, 18)},
    {ApiKey::list_offsets, between(0, 9), between(1, 11)},
    {ApiKey::metadata, between(0, 12), between(0, 13)},
    {ApiKey::leader_and_isr, between(0, 7), absent},
    {ApiKey::stop_replica, between(0, 4), absent},
    {ApiKey::update_metadata, between(0, 8), absent},
    {ApiKey::controlled_shutdown, between(0, 3), absent},
    {ApiKey::offset_commit, between(0, 9), between(2, 10)},
    {ApiKey::offset_fetch, between(0, 9), between(1, 10)},
    {ApiKey::find_coordinator, between(0, 6), between(0, 6)},
    {ApiKey::join_group, between(0, 9), between(0, 9)},
    {ApiKey::heartbeat, between(0, 4), between(0, 4)},
    {ApiKey::leave_group, between(0, 5), between(0, 5)},
    {ApiKey::sync_group, between(0, 5), between(0, 5)},
    {ApiKey::describe_groups, between(0, 5), between(0, 6)},
    {ApiKey::list_groups, between(0, 5), between(0, 5)},
    {ApiKey::sasl_handshake, between(0, 1), between(0, 1)},
    {ApiKey::api_versions, between(0, 4), between(0, 4)},
    {ApiKey::create_topics, between(0, 7), between(2, 7)},
    {ApiKey::delete_topics, between(0, 6), between(1, 6)},
    {ApiKey::delete_records, between(0, 2), between(0, 2)},
    {ApiKey::init_producer_id, between(0, 5), between(0, 6)},
    {ApiKey::offset_for_leader_epoch, between(0, 4), between(2, 4)},
    {ApiKey::add_partitions_to_txn, between(0, 5), between(0, 5)},
    {ApiKey::add_offsets_to_txn, between(0, 4), between(0, 4)},
    {ApiKey::end_txn, between(0, 4), between(0, 5)},
    {ApiKey::write_txn_markers, between(0, 1), between(1, 2)},
    {ApiKey::txn_offset_commit, between(0, 4), between(0, 5)},
    {ApiKey::describe_acls, between(0, 3), between(1, 3)},
    {ApiKey::create_acls, between(0, 3), between(1, 3)},
    {ApiKey::delete_acls, between(0, 3), between(1, 3)},
    {ApiKey::describe_configs, between(0, 4), between(1, 4)},
    {ApiKey::alter_configs, between(0, 2), between(0, 2)},
    {ApiKey::alter_replica_log_dirs, between(0, 2), between(1, 2)},
    {ApiKey::describe_log_dirs, between(0, 4), between(1, 5)},
    {ApiKey::sasl_authenticate, between(0, 2), between(0, 2)},
    {ApiKey::create_partitions, between(0, 3), between(0, 3)},
    {ApiKey::create_delegation_token, between(0, 3), between(1, 3)},
    {ApiKey::renew_delegation_token, between(0, 2), between(1, 2)},
    {ApiKey::expire_delegation_token, between(0, 2), between(1, 2)},
    {ApiKey::describe_delegation_token, between(0, 3), between(1, 3)},
    {ApiKey::delete_groups, between(0, 2), between(0, 2)},
    {ApiKey::elect_leaders, between(0, 2), between(0, 2)},
    {ApiKey::incremental_alter_configs, between(0, 1), between(0, 1)},
    {ApiKey::alter_partition_reassignments, between(0, 0), between(0, 1)},
    {ApiKey::list_partition_reassignments, between(0, 0), between(0, 0)},
    {ApiKey::offset_delete, between(0, 0), between(0, 0)},
    {ApiKey::describe_client_quotas, between(0, 1), between(0, 1)},
    {ApiKey::alter_client_quotas, between(0, 1), between(0, 1)},
    {ApiKey::describe_user_scram_credentials, between(0, 0), between(0, 0)},
    {ApiKey::alter_user_scram_credentials, between(0, 0), between(0, 0)},
    {ApiKey::describe_quorum, absent, between(0, 2)},
    {ApiKey::alter_partition, between(0, 3), absent},
    {ApiKey::update_features, between(0, 1), between(0, 2)},
    {ApiKey::envelope, between(0, 0), absent},
    {ApiKey::describe_cluster, between(0, 1), between(0, 2)},
    {ApiKey::describe_producers, between(0, 0), between(0, 0)},
    {ApiKey::unregister_broker, absent, between(0, 0)},
    {ApiKey::describe_transactions, between(0, 0), between(0, 0)},
    {ApiKey::list_transactions, between(0, 1), between(0, 2)},
    {ApiKey::allocate_producer_ids, between(0, 0), absent},
    {ApiKey::consumer_group_heartbeat, between(0, 0), between(0, 1)},
    {ApiKey::consumer_group_describe, between(0, 0), between(0, 1)},
    {ApiKey::get_telemetry_subscriptions, absent, between(0, 0)},
    {ApiKey::push_telemetry, absent, between(0, 0)},
    {ApiKey::list_client_metrics_resources, absent, between(0, 1)},
    {ApiKey::describe_topic_partitions, absent, between(0, 0)},
    {ApiKey::share_group_heartbeat, absent, between(1, 1)},
    {ApiKey::share_group_describe, absent, between(1, 1)},
    {ApiKey::share_fetch, absent, between(1, 2)},
    {ApiKey::share_acknowledge, absent, between(1, 2)},
    {ApiKey::add_raft_voter, absent, between(0, 1)},
    {ApiKey::remove_raft_voter, absent, between(0, 0)},
    {ApiKey::initialize_share_group_state, absent, between(0, 0)},
    {ApiKey::read_share_group_state, absent, between(0, 0)},
    {ApiKey::write_share_group_state, absent, between(0, 1)},
    {ApiKey::delete_share_group_state, absent, between(0, 0)},
    {ApiKey::read_share_group_state_summary, absent, between(0, 1)},
    {ApiKey::streams_group_heartbeat, absent, between(0, 0)},
    {ApiKey::streams_group_describe, absent, between(0, 0)},
    {ApiKey::describe_share_group_offsets, absent, between(0, 1)},
    {ApiKey::alter_share_group_offsets, absent, between(0, 0)},
    {ApiKey::delete_share_group_offsets, absent, between(0, 0)},
};
static_assert(std::ranges::is_sorted(apis, {}, &KafkaApi::key));

constexpr std::string_view introduction = R"(# Supported APIs

Made from the broker's own list of handlers; do not edit. A test compares. Anew:

    millrace-broker --print-supported-apis > docs/supported-apis.md

What stands under "Millrace" is what ApiVersions advertises and what is answered. A request for anything else closes its
connection and counts in `millrace_requests_refused_total`; ApiVersions alone is answered in version 0 with the error
UNSUPPORTED_VERSION, as Kafka does. "Kafka 3.9" is a broker in ZooKeeper mode.

)";

std::string range_text(Versions versions) {
  if (versions.lowest > versions.highest) return "–";
  if (versions.lowest == versions.highest) return std::to_string(versions.lowest);
  return std::to_string(versions.lowest) + "–" + std::to_string(versions.highest);
}

std::string row_text(ApiKey key, Versions served, Versions on_zookeeper, Versions later) {
  return "| " + std::to_string(static_cast<int>(key)) + " | " + std::string(protocol::to_string(key)) + " | " +
         range_text(served) + " | " + range_text(on_zookeeper) + " | " + range_text(later) + " |\n";
}

}  // namespace

std::span<const KafkaApi> kafka_apis() { return apis; }

std::string supported_apis_reference() {
  std::string page(introduction);
  page += std::to_string(handler_list().size()) + " of the " +
          std::to_string(std::ranges::count_if(apis, [](const KafkaApi& api) { return api.on_zookeeper != absent; })) +
          " APIs of Kafka 3.9 are served.\n\n";
  page += "| Key | API | Millrace | Kafka 3.9 | Kafka 4.3 |\n|---|---|---|---|---|\n";
  for (const auto& api : apis) {
    const auto* handler = find_handler(api.key);
    page += row_text(api.key, handler == nullptr ? absent : handler->versions, api.on_zookeeper, api.later);
  }
  return page;
}

}  // namespace millrace::server

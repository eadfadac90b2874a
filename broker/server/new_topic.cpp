#include "broker/server/new_topic.h"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "broker/base/random.h"
#include "broker/controller/replica_assignment.h"
#include "broker/controller/topic_name.h"
#include "broker/server/configuration/broker_configuration.h"
#include "broker/server/configuration/topic_configuration.h"
#include "broker/server/internal_topics.h"

namespace millrace::server {
namespace {

using protocol::ErrorCode;
using Wanted = protocol::CreateTopicsRequest::Topic;
using Assignment = std::vector<std::vector<BrokerId>>;

constexpr std::int32_t chosen_by_broker = -1;

tl::unexpected<TopicRefusal> refuse(ErrorCode code, std::string message) {
  return tl::unexpected<TopicRefusal>(TopicRefusal{code, std::move(message)});
}

struct Size {
  std::int32_t partitions;
  std::int32_t replication_factor;
};

// What a topic gets whose creator left it open.
Size default_size(const BrokerConfiguration& configuration) {
  return {configuration.topics.num_partitions, configuration.topics.replication_factor};
}

std::vector<BrokerId> live_brokers(const metadata::ClusterImage& image) {
  std::vector<BrokerId> brokers;
  for (const auto& [id, broker] : image.brokers()) brokers.push_back(id);
  return brokers;
}

tl::expected<Assignment, TopicRefusal> assignment_of(const Wanted& wanted, const metadata::ClusterImage& image) {
  auto invalid = [](const std::string& message) { return refuse(ErrorCode::invalid_replica_assignment, message); };
  auto size_of = [](const auto& partition) { return partition.broker_ids.size(); };
  if (std::ranges::adjacent_find(wanted.assignments, std::not_equal_to(), size_of) != wanted.assignments.end())
    return invalid("All partitions should have the same number of replicas");
  Assignment assignment(wanted.assignments.size());
  std::set<PartitionIndex> seen;
  for (const auto& partition : wanted.assignments) {
    auto index = static_cast<std::size_t>(partition.partition_index.value());
    if (partition.partition_index.value() < 0 || index >= assignment.size() ||
        !seen.insert(partition.partition_index).second) {
      return invalid("partitions should be a consecutive 0-based integer sequence");
    }
    std::set<BrokerId> replicas(partition.broker_ids.begin(), partition.broker_ids.end());
    if (replicas.size() != partition.broker_ids.size()) {
      return invalid("Duplicate replica assignment found for partition " + std::to_string(index) + ".");
    }
    if (replicas.empty()) return invalid("Partition " + std::to_string(index) + " has no replicas.");
    for (auto replica : replicas) {
      if (image.broker(replica) == nullptr) {
        return invalid("Partition " + std::to_string(index) + " is assigned to broker " +
                       std::to_string(replica.value()) + ", which is not a live broker of this cluster.");
      }
    }
    assignment[index] = partition.broker_ids;
  }
  return assignment;
}

tl::expected<Assignment, TopicRefusal> spread(BrokerServices& services, const metadata::ClusterImage& image,
                                              std::int32_t partitions, std::int32_t replication_factor) {
  if (partitions <= 0) return refuse(ErrorCode::invalid_partitions, "Number of partitions must be larger than 0.");
  if (partitions > max_partitions_of_topic) {
    return refuse(ErrorCode::invalid_partitions,
                  "Number of partitions must be at most " + std::to_string(max_partitions_of_topic) + ".");
  }
  auto assigned = controller::assign_replicas(live_brokers(image), partitions, replication_factor, services.random);
  if (!assigned) return refuse(ErrorCode::invalid_replication_factor, assigned.error().message);
  return std::move(*assigned);
}

std::optional<TopicRefusal> check_name(const metadata::ClusterImage& image, std::string_view name) {
  if (auto checked = controller::check_topic_name(name); !checked) {
    return TopicRefusal{ErrorCode::invalid_topic_exception, checked.error().message};
  }
  if (name.find_first_of("._") == std::string_view::npos) return std::nullopt;
  std::string colliding;
  image.for_each_topic([&](const auto& topic) {
    if (controller::topic_names_collide(topic->name, name)) colliding += (colliding.empty() ? "" : ", ") + topic->name;
  });
  if (colliding.empty()) return std::nullopt;
  return TopicRefusal{ErrorCode::invalid_topic_exception,
                      "Topic '" + std::string(name) + "' collides with existing topics: " + colliding};
}

tl::expected<metadata::ConfigMap, TopicRefusal> configs_of(BrokerServices& services, const Wanted& wanted) {
  metadata::ConfigMap configs;
  std::vector<std::string> null_values;
  for (const auto& config : wanted.configs) {
    if (config.value) {
      configs.insert_or_assign(std::string(config.name), std::string(*config.value));
    } else {
      null_values.emplace_back(config.name);
    }
  }
  if (!null_values.empty()) return refuse(ErrorCode::invalid_config, null_topic_configs_message(null_values));
  if (auto checked = check_topic_configs(services.configuration.values, configs); !checked) {
    return refuse(ErrorCode::invalid_config, checked.error().message);
  }
  return configs;
}

}  // namespace

tl::expected<controller::NewTopic, TopicRefusal> plan_new_topic(BrokerServices& services,
                                                                const metadata::ClusterImage& image,
                                                                const Wanted& wanted) {
  if (image.topic(wanted.name)) {
    return refuse(ErrorCode::topic_already_exists, "Topic '" + std::string(wanted.name) + "' already exists.");
  }
  const bool counted = wanted.num_partitions != chosen_by_broker || wanted.replication_factor != chosen_by_broker;
  if (counted && !wanted.assignments.empty()) {
    return refuse(ErrorCode::invalid_request,
                  "Both numPartitions or replicationFactor and replicasAssignments were set. Both cannot be used at "
                  "the same time.");
  }
  const auto defaults = default_size(services.configuration);
  auto assignment =
      wanted.assignments.empty()
          ? spread(
                services, image,
                wanted.num_partitions == chosen_by_broker ? defaults.partitions : wanted.num_partitions,
                wanted.replication_factor == chosen_by_broker ? defaults.replication_factor : wanted.replication_factor)
          : assignment_of(wanted, image);
  if (!assignment) return tl::unexpected(std::move(assignment.error()));
  if (auto refusal = check_name(image, wanted.name)) return tl::unexpected(std::move(*refusal));
  auto configs = configs_of(services, wanted);
  if (!configs) return tl::unexpected(std::move(configs.error()));
  return controller::NewTopic{std::string(wanted.name), Uuid::random(services.random), std::move(*assignment),
                              std::move(*configs)};
}

tl::expected<controller::NewTopic, TopicRefusal> plan_auto_created_topic(BrokerServices& services,
                                                                         const metadata::ClusterImage& image,
                                                                         std::string_view name) {
  if (auto refusal = check_name(image, name)) return tl::unexpected(std::move(*refusal));
  const auto defaults = default_size(services.configuration);
  auto settings = internal_topic_settings(services.configuration, name)
                      .value_or(InternalTopicSettings{defaults.partitions, defaults.replication_factor, {}});
  auto assignment = spread(services, image, settings.partitions, settings.replication_factor);
  if (!assignment) return tl::unexpected(std::move(assignment.error()));
  return controller::NewTopic{std::string(name), Uuid::random(services.random), std::move(*assignment),
                              std::move(settings.configs)};
}

}  // namespace millrace::server

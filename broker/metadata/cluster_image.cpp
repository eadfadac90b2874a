#include "broker/metadata/cluster_image.h"

#include <algorithm>
#include <array>
#include <utility>

namespace millrace::metadata {
namespace {

constexpr std::array<std::string_view, 5> entity_prefixes{"topics/", "brokers/", "clients/", "users/", "ips/"};

std::string_view prefix_of(ConfigEntity entity) { return entity_prefixes[static_cast<std::size_t>(entity)]; }

std::string config_key(ConfigEntity entity, std::string_view name) {
  return std::string(prefix_of(entity)) + std::string(name);
}

ConfigEntity entity_of(const std::string& key) {
  auto prefix = std::ranges::find_if(entity_prefixes, [&](std::string_view start) { return key.starts_with(start); });
  return static_cast<ConfigEntity>(prefix - entity_prefixes.begin());
}

const std::shared_ptr<const ConfigMap>& no_config() {
  static const auto empty = std::make_shared<const ConfigMap>();
  return empty;
}

}  // namespace

const Endpoint* BrokerImage::endpoint(std::string_view listener) const {
  auto at = std::ranges::find(endpoints, listener, &Endpoint::listener);
  return at == endpoints.end() ? nullptr : &*at;
}

const PartitionImage* TopicImage::partition(PartitionIndex index) const {
  // Without holes a partition stands at its index.
  auto position = static_cast<std::size_t>(index.value());
  if (index.value() >= 0 && position < partitions.size() && partitions[position].index == index)
    return &partitions[position];
  auto at = std::ranges::lower_bound(partitions, index, {}, &PartitionImage::index);
  return at == partitions.end() || at->index != index ? nullptr : &*at;
}

const BrokerImage* ClusterImage::broker(BrokerId id) const {
  auto at = brokers_.find(id);
  return at == brokers_.end() ? nullptr : at->second.get();
}

const BrokerImage* ClusterImage::kafka_broker() const {
  auto at = std::ranges::find_if(brokers_, [](const auto& broker) { return !broker.second->is_millrace; });
  return at == brokers_.end() ? nullptr : at->second.get();
}

std::shared_ptr<const TopicImage> ClusterImage::topic(std::string_view name) const {
  const auto* found = topics_.find(name);
  return found == nullptr ? nullptr : *found;
}

std::shared_ptr<const TopicImage> ClusterImage::topic(const TopicId& id) const {
  const auto* found = topics_by_id_.find(id);
  return found == nullptr ? nullptr : *found;
}

const PartitionImage* ClusterImage::partition(std::string_view topic, PartitionIndex index) const {
  const auto* found = topics_.find(topic);
  return found == nullptr ? nullptr : (*found)->partition(index);
}

std::shared_ptr<const ConfigMap> ClusterImage::config(ConfigEntity entity, std::string_view name) const {
  const auto* found = configs_.find(config_key(entity, name));
  return found == nullptr ? no_config() : *found;
}

void ClusterImage::for_each_config(const std::function<void(ConfigEntity, const std::string&)>& visit) const {
  configs_.for_each([&](const std::string& key, const auto&) {
    auto entity = entity_of(key);
    visit(entity, key.substr(prefix_of(entity).size()));
  });
}

void ClusterImage::for_each_changed_config(
    const ClusterImage& before, const ClusterImage& after,
    const std::function<void(ConfigEntity, const std::string&, const ConfigMap&, const ConfigMap&)>& visit) {
  decltype(configs_)::for_each_difference(
      before.configs_, after.configs_, [&](const std::string& key, const auto& old, const auto& now) {
        auto entity = entity_of(key);
        visit(entity, key.substr(prefix_of(entity).size()), old ? *old : *no_config(), now ? *now : *no_config());
      });
}

ClusterImageBuilder::ClusterImageBuilder() = default;
ClusterImageBuilder::ClusterImageBuilder(const ClusterImage& base) : image_(base) {}

void ClusterImageBuilder::set_cluster_id(std::string cluster_id) {
  if (image_.cluster_id_ == cluster_id) return;
  image_.cluster_id_ = std::move(cluster_id);
  changed_ = true;
}

void ClusterImageBuilder::set_controller(std::optional<BrokerId> controller) {
  if (image_.controller_ == controller) return;
  image_.controller_ = controller;
  changed_ = true;
}

void ClusterImageBuilder::set_broker(BrokerImage broker) {
  const auto* now = image_.broker(broker.id);
  if (now != nullptr && *now == broker) return;
  auto id = broker.id;
  image_.brokers_[id] = std::make_shared<const BrokerImage>(std::move(broker));
  changed_ = true;
}

void ClusterImageBuilder::remove_broker(BrokerId id) {
  if (image_.brokers_.erase(id) != 0) changed_ = true;
}

void ClusterImageBuilder::set_topic(TopicImage topic) {
  std::ranges::sort(topic.partitions, {}, &PartitionImage::index);
  auto now = image_.topic(topic.name);
  if (now && *now == topic) return;
  remove_topic(topic.name);
  auto pointer = std::make_shared<const TopicImage>(std::move(topic));
  image_.partition_count_ += pointer->partitions.size();
  image_.topics_.set(pointer->name, pointer);
  if (!pointer->id.is_zero()) image_.topics_by_id_.set(pointer->id, pointer);
  changed_ = true;
}

void ClusterImageBuilder::remove_topic(std::string_view name) {
  auto now = image_.topic(name);
  if (!now) return;
  image_.partition_count_ -= now->partitions.size();
  image_.topics_.erase(name);
  image_.topics_by_id_.erase(now->id);
  changed_ = true;
}

bool ClusterImageBuilder::set_partition(std::string_view topic, PartitionImage partition) {
  auto now = image_.topic(topic);
  if (!now) return false;
  const auto* old = now->partition(partition.index);
  if (old != nullptr && *old == partition) return true;
  TopicImage next = *now;
  if (old != nullptr) {
    next.partitions[static_cast<std::size_t>(old - now->partitions.data())] = std::move(partition);
  } else {
    next.partitions.push_back(std::move(partition));
  }
  set_topic(std::move(next));
  return true;
}

void ClusterImageBuilder::set_config(ConfigEntity entity, std::string_view name, ConfigMap config) {
  auto key = config_key(entity, name);
  const auto* now = image_.configs_.find(key);
  if (now == nullptr ? config.empty() : **now == config) return;
  if (config.empty()) {
    image_.configs_.erase(key);
  } else {
    image_.configs_.set(key, std::make_shared<const ConfigMap>(std::move(config)));
  }
  changed_ = true;
}

std::shared_ptr<const ClusterImage> ClusterImageBuilder::build() {
  ++image_.sequence_;
  changed_ = false;
  return std::make_shared<const ClusterImage>(image_);
}

}  // namespace millrace::metadata

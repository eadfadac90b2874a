// What a broker knows of its cluster at one instant: brokers, topics, partitions, configurations, controller.
// Immutable, so that every shard reads its own pointer to it without a lock; the next image shares every topic that did
// not change.
//
// Who learns the facts is somebody else: metadata_loader.h reads them from the store, an UpdateMetadata request brings
// them. Source: kafka.server.metadata.ZkMetadataCache and its MetadataSnapshot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/base/types.h"
#include "broker/base/uuid.h"
#include "broker/metadata/config_entity.h"
#include "broker/metadata/shared_map.h"

namespace millrace::metadata {

struct Endpoint {
  std::string listener;           // its name, such as INTERNAL
  std::string security_protocol;  // PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL
  std::string host;
  std::int32_t port = 0;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

struct BrokerImage {
  BrokerId id;
  BrokerEpoch epoch;
  std::optional<std::string> rack;
  std::vector<Endpoint> endpoints;
  bool is_millrace =
      false;  // else Apache Kafka, which knows less: what it cannot read is not to be stored while it is there

  // Null when the broker does not listen there.
  [[nodiscard]] const Endpoint* endpoint(std::string_view listener) const;
  friend bool operator==(const BrokerImage&, const BrokerImage&) = default;
};

struct PartitionImage {
  PartitionIndex index;
  BrokerId leader = BrokerId::none();  // none: nobody leads, or its state is not there yet
  LeaderEpoch leader_epoch = LeaderEpoch::none();
  ControllerEpoch controller_epoch = ControllerEpoch::none();
  std::int32_t partition_epoch = -1;  // the version of its state's znode
  bool recovering = false;            // after an unclean election, until the leader says that it recovered
  std::vector<BrokerId> replicas;     // in order of preference
  std::vector<BrokerId> isr;
  std::vector<BrokerId> adding_replicas;
  std::vector<BrokerId> removing_replicas;
  std::vector<BrokerId>
      offline_replicas;  // on failed directories; replicas on dead brokers come from ClusterImage::broker

  friend bool operator==(const PartitionImage&, const PartitionImage&) = default;
};

struct TopicImage {
  std::string name;
  TopicId id;                              // zero for a topic from before topic ids
  std::vector<PartitionImage> partitions;  // by ascending index; without holes in any cluster that is not damaged

  // Null when there is none.
  [[nodiscard]] const PartitionImage* partition(PartitionIndex index) const;
  friend bool operator==(const TopicImage&, const TopicImage&) = default;
};

// Kafka's keys to what was set for one entity; defaults are not in it.
using ConfigMap = std::map<std::string, std::string, std::less<>>;

struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};

class ClusterImage {
 public:
  using BrokerMap = std::map<BrokerId, std::shared_ptr<const BrokerImage>>;

  // Of the cache's process: every published image has a higher one.
  [[nodiscard]] std::uint64_t sequence() const { return sequence_; }
  // Empty until it is known.
  [[nodiscard]] const std::string& cluster_id() const { return cluster_id_; }
  [[nodiscard]] std::optional<BrokerId> controller() const { return controller_; }

  // The brokers that are alive, by id.
  [[nodiscard]] const BrokerMap& brokers() const { return brokers_; }
  [[nodiscard]] const BrokerImage* broker(BrokerId id) const;
  // One that is Apache Kafka; null when all are Millrace.
  [[nodiscard]] const BrokerImage* kafka_broker() const;

  // Null when there is none. The topic lives as long as any image that has it: keep the pointer to outlive this image.
  [[nodiscard]] std::shared_ptr<const TopicImage> topic(std::string_view name) const;
  [[nodiscard]] std::shared_ptr<const TopicImage> topic(const TopicId& id) const;
  [[nodiscard]] const PartitionImage* partition(std::string_view topic,
                                                PartitionIndex index) const;  // lives as long as this image
  [[nodiscard]] std::size_t topic_count() const { return topics_.size(); }
  [[nodiscard]] std::size_t partition_count() const { return partition_count_; }
  // visit(const std::shared_ptr<const TopicImage>&), in no particular order.
  template <class Visit>
  void for_each_topic(Visit&& visit) const {
    topics_.for_each([&](const std::string&, const auto& topic) { visit(topic); });
  }
  // visit(before, after): topics that were made (before is null), deleted (after is null) or changed. Costs what
  // changed.
  template <class Visit>
  static void for_each_changed_topic(const ClusterImage& before, const ClusterImage& after, Visit&& visit) {
    decltype(topics_)::for_each_difference(
        before.topics_, after.topics_, [&](const std::string&, const auto& old, const auto& now) { visit(old, now); });
  }

  // What was set for the entity; never null, empty when nothing was. The stored name is that of config_entity.h.
  [[nodiscard]] std::shared_ptr<const ConfigMap> config(ConfigEntity entity, std::string_view stored_name) const;
  [[nodiscard]] std::shared_ptr<const ConfigMap> config(const ConfigOwner& owner) const {
    return config(owner.entity, stored_name(owner));
  }
  [[nodiscard]] std::shared_ptr<const ConfigMap> topic_config(std::string_view topic) const {
    return config(ConfigEntity::topics, topic);
  }
  [[nodiscard]] std::shared_ptr<const ConfigMap> broker_config(BrokerId id) const {
    return config(ConfigOwner::broker(id));
  }
  [[nodiscard]] std::shared_ptr<const ConfigMap> all_brokers_config() const {
    return config(ConfigOwner::all_brokers());
  }
  // Every entity for which something is set, in no particular order; parse_stored_name makes an owner of it.
  void for_each_config(const std::function<void(ConfigEntity, const std::string& stored_name)>& visit) const;
  // visit(entity, stored name, before, after): configurations that differ; empty maps where there was or is none.
  static void for_each_changed_config(
      const ClusterImage& before, const ClusterImage& after,
      const std::function<void(ConfigEntity, const std::string&, const ConfigMap&, const ConfigMap&)>& visit);

 private:
  friend class ClusterImageBuilder;

  struct IdHash {
    std::size_t operator()(const TopicId& id) const noexcept { return std::hash<TopicId>{}(id); }
  };

  std::uint64_t sequence_ = 0;
  std::string cluster_id_;
  std::optional<BrokerId> controller_;
  BrokerMap brokers_;
  SharedMap<std::string, TopicImage, StringHash> topics_;
  SharedMap<TopicId, TopicImage, IdHash> topics_by_id_;
  SharedMap<std::string, ConfigMap, StringHash> configs_;  // by "topics/<name>"
  std::size_t partition_count_ = 0;
};

// The next image, made from the last one by naming what is different. Owned by one thread.
class ClusterImageBuilder {
 public:
  ClusterImageBuilder();  // from nothing
  explicit ClusterImageBuilder(const ClusterImage& base);

  void set_cluster_id(std::string cluster_id);
  void set_controller(std::optional<BrokerId> controller);
  void set_broker(BrokerImage broker);
  void remove_broker(BrokerId id);
  // A topic of the same name is replaced, whatever its id was. Partitions may come in any order. An equal topic keeps
  // its pointer.
  void set_topic(TopicImage topic);
  void remove_topic(std::string_view name);
  // Adds or replaces one partition of a topic that is there; false when it is not.
  bool set_partition(std::string_view topic, PartitionImage partition);
  // An empty map removes the entry.
  void set_config(ConfigEntity entity, std::string_view stored_name, ConfigMap config);
  void set_config(const ConfigOwner& owner, ConfigMap config) {
    set_config(owner.entity, stored_name(owner), std::move(config));
  }

  // What was built so far, before it is an image.
  [[nodiscard]] const ClusterImage& draft() const { return image_; }
  // Whether it differs from the base.
  [[nodiscard]] bool changed() const { return changed_; }
  // The image, its sequence one above the base's. The builder goes on from it, unchanged.
  [[nodiscard]] std::shared_ptr<const ClusterImage> build();

 private:
  ClusterImage image_;
  bool changed_ = false;
};

}  // namespace millrace::metadata

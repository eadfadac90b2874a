#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/base/logging.h"
#include "broker/replication/replica_manager.h"

namespace millrace::replication {
namespace {

constexpr Logger logger{"replication"};
constexpr Duration retry_delay = std::chrono::seconds(5);

struct PartitionKeyView {
  std::string_view topic;
  PartitionIndex partition;
};
struct PartitionHash {
  using is_transparent = void;
  std::size_t operator()(PartitionKeyView key) const noexcept {
    return std::hash<std::string_view>{}(key.topic) * 31 + static_cast<std::size_t>(key.partition.value());
  }
  std::size_t operator()(const TopicPartition& key) const noexcept {
    return (*this)(PartitionKeyView{key.topic, key.partition});
  }
};
struct PartitionEqual {
  using is_transparent = void;
  template <class Left, class Right>
  bool operator()(const Left& left, const Right& right) const noexcept {
    return left.partition == right.partition && std::string_view(left.topic) == std::string_view(right.topic);
  }
};

// An image or a directory from before topic ids has a zero.
bool may_be_same(const TopicId& left, const TopicId& right) {
  return left == right || left.is_zero() || right.is_zero();
}

std::string name_of(const TopicPartition& key) { return key.topic + "-" + std::to_string(key.partition.value()); }

}  // namespace

ShardId owner_of(std::string_view topic, PartitionIndex partition, std::size_t shard_count) {
  // Neighbouring partitions of a topic go to neighbouring shards: a topic with as many partitions as shards uses all of them.
  return static_cast<ShardId>((std::hash<std::string_view>{}(topic) + static_cast<std::size_t>(partition.value())) %
                              shard_count);
}

class PartitionTable::State : public std::enable_shared_from_this<PartitionTable::State> {
 public:
  State(Shard& shard, std::size_t shard_count, Environment environment)
      : shard_(shard), shard_count_(shard_count), environment_(std::move(environment)) {}

  // What the image wants of a partition.
  struct Wanted {
    TopicId topic_id;
    BrokerId leader;
    LeaderEpoch leader_epoch;
    std::vector<BrokerId> isr;
    std::size_t replica_count;
    bool is_new;  // came while this broker ran: no directory has it yet
    PartitionConfig config;

    // A partition cannot have more replicas in sync than it has replicas (Kafka: Partition.effectiveMinIsr).
    void set_config(const PartitionConfig& wanted) {
      config = wanted;
      config.min_in_sync_replicas = std::min(config.min_in_sync_replicas, replica_count);
    }
  };

  // For a partition of an image that has not been applied here yet.
  struct Unheard {
    std::uint64_t image_sequence;
    TopicPartition key;
    Job done;
  };

  // One step at a time: while a log is being made or removed the slot is busy, and what the image says meanwhile is done after.
  struct Slot {
    std::optional<Wanted> wanted;
    std::shared_ptr<Partition> partition;
    TopicId topic_id;  // of the partition
    bool busy = false;
    LeaderEpoch told = LeaderEpoch::none();  // the term that the observer knows of
    bool offline = false;
    bool retrying = false;     // a timer is set
    std::vector<Job> waiting;  // until it is not busy any more
  };

  using Slots = std::unordered_map<TopicPartition, Slot, PartitionHash, PartitionEqual>;

  [[nodiscard]] bool owns(std::string_view topic, PartitionIndex partition) const {
    return owner_of(topic, partition, shard_count_) == shard_.id();
  }

  void want(const metadata::TopicImage& topic, const metadata::PartitionImage& image,
            const metadata::ConfigMap& overrides, bool is_new_to_broker) {
    TopicPartition key{topic.name, image.index};
    auto& slot = slots_[key];
    const bool is_new = !slot.partition && (slot.wanted ? slot.wanted->is_new : is_new_to_broker);
    slot.wanted = Wanted{topic.id, image.leader, image.leader_epoch, image.isr, image.replicas.size(), is_new, {}};
    slot.wanted->set_config(environment_.partition_config(shard_.id(), overrides));
    step(key);
  }

  void drop(const std::string& topic, PartitionIndex partition) {
    auto slot = slots_.find(PartitionKeyView{topic, partition});
    if (slot == slots_.end()) return;
    slot->second.wanted.reset();
    step(TopicPartition{topic, partition});
  }

  void set_config(const std::string& topic, const metadata::ConfigMap& overrides) {
    auto config = environment_.partition_config(shard_.id(), overrides);
    for (auto& [key, slot] : slots_) {
      if (key.topic != topic || !slot.wanted) continue;
      slot.wanted->set_config(config);
      if (slot.partition) slot.partition->set_config(slot.wanted->config);
    }
  }

  // The broker's values changed: every topic's are made anew.
  void reconfigure(const metadata::ClusterImage& image) {
    std::unordered_map<std::string_view, PartitionConfig> by_topic;
    for (auto& [key, slot] : slots_) {
      if (!slot.wanted) continue;
      auto known = by_topic.find(key.topic);
      if (known == by_topic.end()) {
        const auto config = environment_.partition_config(shard_.id(), *image.topic_config(key.topic));
        known = by_topic.emplace(key.topic, config).first;
      }
      slot.wanted->set_config(known->second);
      if (slot.partition) slot.partition->set_config(slot.wanted->config);
    }
  }

  // Takes the next step towards what is wanted; called again when it is done.
  void step(const TopicPartition& key) {
    auto found = slots_.find(key);
    if (found == slots_.end() || found->second.busy) return;
    auto& slot = found->second;
    bool stale = slot.partition && (!slot.wanted || !may_be_same(slot.wanted->topic_id, slot.topic_id));
    if (stale || (!slot.wanted && slot.offline)) return remove_log(key, slot);
    if (slot.wanted && !slot.partition) return open_log(key, slot);
    if (slot.wanted) update_leadership(key, slot);
    settle(found);
  }

  void update_leadership(const TopicPartition& key, Slot& slot) {
    if (slot.topic_id.is_zero()) slot.topic_id = slot.wanted->topic_id;
    slot.partition->set_config(slot.wanted->config);
    if (slot.wanted->leader != environment_.self) {
      if (slot.partition->is_leader()) slot.partition->resign();
    } else if (auto led = slot.partition->lead(slot.wanted->leader_epoch, slot.wanted->isr); !led) {
      logger.error("cannot lead " + name_of(key) + ": " + led.error().message);
    }
    tell_observer(key, slot);
  }

  void tell_observer(const TopicPartition& key, Slot& slot) {
    const auto term = slot.partition ? slot.partition->leader_epoch() : LeaderEpoch::none();
    if (std::exchange(slot.told, term) == term || environment_.leadership == nullptr) return;
    if (term == LeaderEpoch::none()) return environment_.leadership->on_resigned(shard_.id(), key);
    environment_.leadership->on_leading(shard_.id(), key, slot.partition);
  }

  void open_log(const TopicPartition& key, Slot& slot) {
    slot.busy = true;
    slot.topic_id = slot.wanted->topic_id;
    environment_.logs->get_or_create(
        key, slot.wanted->topic_id, slot.wanted->config.log,
        [weak = weak_from_this(), key](Result<std::shared_ptr<log::PartitionLog>> opened) {
          if (auto self = weak.lock()) self->on_opened(key, std::move(opened));
        },
        slot.wanted->is_new);
  }

  void on_opened(const TopicPartition& key, Result<std::shared_ptr<log::PartitionLog>> opened) {
    auto& slot = slots_.at(key);
    slot.busy = false;
    if (slot.wanted) slot.wanted->is_new = false;
    if (opened && (*opened)->is_offline()) opened = fail(ErrorKind::unavailable, "its disk has failed");
    if (opened) {
      if (!(*opened)->topic_id().is_zero()) slot.topic_id = (*opened)->topic_id();
      slot.partition = std::make_shared<Partition>(environment_.self, std::move(*opened),
                                                   slot.wanted ? slot.wanted->config : PartitionConfig{});
      slot.offline = false;
      return step(key);
    }
    if (opened.error().kind == ErrorKind::conflict && slot.wanted) {
      // The directory of a topic that was deleted and made again under its name while this broker was away.
      logger.warning("the log of " + name_of(key) +
                     " belongs to a deleted topic and is removed: " + opened.error().message);
      return remove_log(key, slot);
    }
    slot.offline = true;
    // It was said once, for the directory; until the next start nothing changes.
    if (opened.error().kind == ErrorKind::unavailable) return settle(slots_.find(key));
    logger.error("the log of " + name_of(key) + " cannot be opened: " + opened.error().message);
    if (!slot.wanted) return step(key);
    retry_later(key);
    settle(slots_.find(key));
  }

  void remove_log(const TopicPartition& key, Slot& slot) {
    slot.busy = true;
    slot.offline = false;
    if (slot.partition) {
      slot.partition->resign();
      slot.partition->log()->stop();
      slot.partition.reset();
      tell_observer(key, slot);
    }
    environment_.logs->remove(key, [weak = weak_from_this(), key](const Status& removed) {
      auto self = weak.lock();
      if (!self) return;
      auto& finished = self->slots_.at(key);
      finished.busy = false;
      if (!removed && removed.error().kind != ErrorKind::not_found) {
        logger.error("the log of " + name_of(key) + " cannot be removed: " + removed.error().message);
        finished.offline = true;
        if (removed.error().kind != ErrorKind::unavailable) self->retry_later(key);
        return self->settle(self->slots_.find(key));
      }
      self->step(key);
    });
  }

  // The disk under these logs has failed.
  void go_offline(const std::vector<TopicPartition>& keys) {
    for (const auto& key : keys) {
      auto found = slots_.find(key);
      // Who waits for a log learns it from the answer.
      if (found == slots_.end() || found->second.busy) continue;
      auto& slot = found->second;
      slot.offline = true;
      if (auto partition = std::exchange(slot.partition, nullptr)) partition->go_offline();
      tell_observer(key, slot);
    }
  }

  void retry_later(const TopicPartition& key) {
    if (std::exchange(slots_.at(key).retrying, true)) return;
    shard_.after(retry_delay, [weak = weak_from_this(), key] {
      auto self = weak.lock();
      if (!self) return;
      if (auto slot = self->slots_.find(key); slot != self->slots_.end()) slot->second.retrying = false;
      self->step(key);
    });
  }

  void settle(Slots::iterator found) {
    auto& slot = found->second;
    auto ready = std::exchange(slot.waiting, {});
    if (!slot.wanted && !slot.partition && !slot.offline) slots_.erase(found);
    for (auto& job : ready) job();
  }

  void when_settled(TopicPartition key, std::uint64_t image_sequence, Job done) {
    if (image_sequence > applied_sequence_) {
      unheard_.push_back({image_sequence, std::move(key), std::move(done)});
      return;
    }
    auto slot = slots_.find(key);
    if (slot == slots_.end() || !slot->second.busy) return done();
    slot->second.waiting.push_back(std::move(done));
  }

  void note_applied(std::uint64_t image_sequence) {
    applied_sequence_ = image_sequence;
    for (auto& wait : std::exchange(unheard_, {})) {
      when_settled(std::move(wait.key), wait.image_sequence, std::move(wait.done));
    }
  }

  Shard& shard_;
  const std::size_t shard_count_;
  const Environment environment_;
  Slots slots_;
  bool follows_ = false;                // an image has been applied
  std::uint64_t applied_sequence_ = 0;  // of the last image
  std::vector<Unheard> unheard_;
};

PartitionTable::PartitionTable(Shard& shard, std::size_t shard_count, Environment environment)
    : state_(std::make_shared<State>(shard, shard_count, std::move(environment))) {}
PartitionTable::~PartitionTable() = default;

std::shared_ptr<Partition> PartitionTable::find(std::string_view topic, PartitionIndex partition) const {
  auto slot = state_->slots_.find(PartitionKeyView{topic, partition});
  return slot == state_->slots_.end() ? nullptr : slot->second.partition;
}

bool PartitionTable::is_offline(std::string_view topic, PartitionIndex partition) const {
  auto slot = state_->slots_.find(PartitionKeyView{topic, partition});
  return slot != state_->slots_.end() && slot->second.offline;
}

std::size_t PartitionTable::size() const { return state_->slots_.size(); }

void PartitionTable::apply(const metadata::ClusterImage& before, const metadata::ClusterImage& after) {
  auto& state = *state_;
  const bool is_first = !std::exchange(state.follows_, true);
  metadata::ClusterImage::for_each_changed_topic(before, after, [&](const auto& old, const auto& now) {
    if (old) {
      for (const auto& partition : old->partitions) {
        const auto* still = now ? now->partition(partition.index) : nullptr;
        bool hosted =
            still != nullptr && std::ranges::find(still->replicas, state.environment_.self) != still->replicas.end();
        if (!hosted && state.owns(old->name, partition.index)) state.drop(old->name, partition.index);
      }
    }
    if (!now) return;
    auto overrides = after.topic_config(now->name);
    for (const auto& partition : now->partitions) {
      bool hosted = std::ranges::find(partition.replicas, state.environment_.self) != partition.replicas.end();
      if (hosted && state.owns(now->name, partition.index)) state.want(*now, partition, *overrides, !is_first);
    }
  });
  metadata::ClusterImage::for_each_changed_config(
      before, after, [&](metadata::ConfigEntity entity, const std::string& name, const auto& /*old*/, const auto& now) {
        if (entity == metadata::ConfigEntity::topics) state.set_config(name, now);
      });
  state.note_applied(after.sequence());
}

void PartitionTable::go_offline(const std::vector<TopicPartition>& partitions) { state_->go_offline(partitions); }

void PartitionTable::reconfigure(const metadata::ClusterImage& image) { state_->reconfigure(image); }

void PartitionTable::when_settled(std::string_view topic, PartitionIndex partition, std::uint64_t image_sequence,
                                  Job done) {
  state_->when_settled({std::string(topic), partition}, image_sequence, std::move(done));
}

}  // namespace millrace::replication

// Topics and the states of their partitions.
#include <algorithm>

#include "broker/metadata/metadata_loader_state.h"
#include "broker/metadata/znodes/partition_state.h"
#include "broker/metadata/znodes/topic_assignment.h"
#include "broker/metadata/znodes/znode_paths.h"

namespace millrace::metadata {

namespace paths = znodes::paths;

void MetadataLoader::State::read_topics() {
  std::string path(paths::topics);
  store_->children(path, Watch::yes, answer<Children>(&State::read_topics, path, [](State& state, Children& children) {
                     std::set<std::string> there(children.names.begin(), children.names.end());
                     std::vector<std::string> gone;
                     state.image_.draft().for_each_topic([&](const auto& topic) {
                       if (!there.contains(topic->name)) gone.push_back(topic->name);
                     });
                     for (const auto& [name, draft] : state.drafts_) {
                       if (!there.contains(name)) gone.push_back(name);
                     }
                     for (const auto& name : gone) state.remove_topic(name);
                     for (const auto& name : there) {
                       if (state.topics_.contains(name)) continue;
                       // A new topic's configuration has no notification. It is read first, so that the topic appears
                       // with it.
                       if (!state.reading_everything_) {
                         state.enqueue([name](State& later) { later.read_config(ConfigEntity::topics, name); });
                       }
                       state.enqueue([name](State& later) { later.read_topic(name); });
                     }
                     state.topics_ = std::move(there);
                   }));
}

void MetadataLoader::State::remove_topic(const std::string& name) {
  topics_.erase(name);
  drafts_.erase(name);
  image_.remove_topic(name);
  image_.set_config(ConfigEntity::topics, name, {});  // its znode goes with the topic, without a notification
}

void MetadataLoader::State::read_topic(const std::string& name) {
  auto path = znodes::topic_path(name);
  store_->get(path, Watch::yes,
              answer<Znode>([name](State& state) { state.read_topic(name); }, path,
                            [name](State& state, Znode& znode) { state.apply_topic(name, znode); },
                            [name](State& state) { state.remove_topic(name); }));
}

void MetadataLoader::State::apply_topic(const std::string& name, const Znode& znode) {
  auto assignment = znodes::decode_topic_assignment(znode.data);
  if (!assignment) return loader_logger.error("znode " + znodes::topic_path(name) + ": " + assignment.error().message);
  const auto* known = draft_of(name);
  bool is_same_topic = known != nullptr && known->id == assignment->id;
  TopicImage topic{name, assignment->id, {}};
  topic.partitions.reserve(assignment->partitions.size());
  std::vector<PartitionIndex> without_state;
  for (auto& assigned : assignment->partitions) {
    const auto* old = is_same_topic ? known->partition(assigned.index) : nullptr;
    PartitionImage partition = old != nullptr ? *old : PartitionImage();
    partition.index = assigned.index;
    partition.replicas = std::move(assigned.replicas);
    partition.adding_replicas = std::move(assigned.adding);
    partition.removing_replicas = std::move(assigned.removing);
    topic.partitions.push_back(std::move(partition));
    // During a full read the watches of the states are to be left again.
    if (old == nullptr || reading_everything_) without_state.push_back(assigned.index);
  }
  drafts_[name] = std::move(topic);
  for (auto index : without_state) {
    enqueue([name, index](State& state) { state.read_partition(name, index); });
  }
}

void MetadataLoader::State::read_partition(const std::string& topic, PartitionIndex index) {
  auto path = znodes::partition_state_path(topic, index);
  Read again = [topic, index](State& state) { state.read_partition(topic, index); };
  store_->get(
      path, Watch::yes,
      answer<Znode>(
          again, path, [topic, index](State& state, Znode& znode) { state.apply_partition(topic, index, znode); },
          [topic, path, again](State& state) {
            if (!state.topics_.contains(topic)) return;
            state.enqueue([path, again](State& later) { later.await_creation(path, again); });
          }));
}

void MetadataLoader::State::apply_partition(const std::string& topic, PartitionIndex index, const Znode& znode) {
  auto state = znodes::decode_partition_state(znode.data);
  if (!state)
    return loader_logger.error("znode " + znodes::partition_state_path(topic, index) + ": " + state.error().message);
  auto* draft = draft_of(topic);
  if (draft == nullptr) return;
  auto at = std::ranges::lower_bound(draft->partitions, index, {}, &PartitionImage::index);
  if (at == draft->partitions.end() || at->index != index) return;
  at->leader = state->leader;
  at->leader_epoch = state->leader_epoch;
  at->controller_epoch = state->controller_epoch;
  at->partition_epoch = znode.stat.version.value();
  at->recovering = state->recovering;
  at->isr = std::move(state->isr);
}

// The topic as it will be published, to be changed; null when it is not known.
TopicImage* MetadataLoader::State::draft_of(const std::string& name) {
  if (auto draft = drafts_.find(name); draft != drafts_.end()) return &draft->second;
  auto published = image_.draft().topic(name);
  if (!published) return nullptr;
  return &drafts_.emplace(name, *published).first->second;
}

}  // namespace millrace::metadata

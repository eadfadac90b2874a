#include "broker/metadata/metadata_loader.h"

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/metadata/metadata_cache.h"
#include "broker/metadata/metadata_loader_state.h"
#include "broker/metadata/znode_path.h"
#include "broker/metadata/znodes/znode_paths.h"

namespace millrace::metadata {
namespace {

namespace paths = znodes::paths;

constexpr std::size_t reads_in_flight_max = 256;
constexpr Duration retry_delay = std::chrono::milliseconds(100);
// The longest that a change waits for others to be published with it.
constexpr Duration publish_delay_max = std::chrono::milliseconds(50);

// "/brokers/ids/7" below "/brokers/ids" -> "7"; nothing for another folder or something deeper.
std::optional<std::string> name_below(std::string_view folder, const std::string& path) {
  return parent_path(path) == folder ? std::optional<std::string>(base_name(path)) : std::nullopt;
}

struct StatePath {
  std::string topic;
  PartitionIndex index;
};

// "/brokers/topics/<topic>/partitions/<index>/state"
std::optional<StatePath> parse_state_path(const std::string& path) {
  auto partition = parent_path(path);
  auto partitions = parent_path(partition);
  auto topic = parent_path(partitions);
  if (parent_path(topic) != paths::topics || base_name(partitions) != "partitions" || base_name(path) != "state")
    return std::nullopt;
  auto index = parse_number<std::int32_t>(base_name(partition));
  if (!index) return std::nullopt;
  return StatePath{std::string(base_name(topic)), PartitionIndex(*index)};
}

}  // namespace

void MetadataLoader::State::on_session_event(SessionEvent event) {
  if (event == SessionEvent::expired || event == SessionEvent::closed) {
    ++generation_;
    waiting_.clear();
    in_flight_ = 0;
    retrying_ = 0;
    reload_ = true;
  } else if (event == SessionEvent::connected && reload_) {
    read_everything();
  }
}

void MetadataLoader::State::read_everything() {
  reload_ = false;
  reading_everything_ = true;
  brokers_.clear();
  topics_.clear();
  configs_seen_.clear();
  enqueue(&State::read_cluster_id);
  enqueue(&State::read_controller);
  enqueue(&State::read_brokers);
  enqueue(&State::read_topics);
  // The notifications first: what changes while the configurations are read is then told again.
  enqueue([](State& state) { state.read_config_changes(true); });
  for (auto entity : config_entities) {
    enqueue([entity](State& state) { state.read_all_configs(entity); });
  }
}

void MetadataLoader::State::enqueue(Read read) {
  waiting_.push_back(std::move(read));
  launch();
}

void MetadataLoader::State::launch() {
  while (store_ != nullptr && !waiting_.empty() && in_flight_ < reads_in_flight_max) {
    auto read = std::move(waiting_.front());
    waiting_.pop_front();
    ++in_flight_;
    read(*this);
  }
}

void MetadataLoader::State::on_failure(const Error& error, const std::string& path, Read again) {
  if (error.kind == ErrorKind::session_expired || error.kind == ErrorKind::unavailable) {
    reload_ = true;  // its event follows, or the next `connected`
    return;
  }
  if (error.kind != ErrorKind::connection_loss)
    loader_logger.warning("znode " + path + " could not be read: " + error.message);
  ++retrying_;
  shard_.after(retry_delay, [self = shared_from_this(), generation = generation_, again = std::move(again)]() mutable {
    if (self->store_ == nullptr || generation != self->generation_) return;
    --self->retrying_;
    self->enqueue(std::move(again));
  });
}

void MetadataLoader::State::settle() {
  if (reload_ || store_ == nullptr) return;
  if (in_flight_ == 0 && waiting_.empty() && retrying_ == 0) {
    publish();
    return;
  }
  if (reading_everything_ || publish_timer_) return;
  if (!image_.changed() && drafts_.empty()) return;
  publish_timer_ = true;
  shard_.after(publish_delay_max, [self = shared_from_this()] {
    self->publish_timer_ = false;
    if (self->store_ != nullptr && !self->reading_everything_) self->publish();
  });
}

void MetadataLoader::State::publish() {
  if (std::exchange(reading_everything_, false)) {
    // What a former session left in the image and this one did not find is gone.
    std::vector<std::pair<ConfigEntity, std::string>> gone;
    image_.draft().for_each_config([&](ConfigEntity entity, const std::string& name) {
      if (!configs_seen_.contains(znodes::entity_path(entity, name))) gone.emplace_back(entity, name);
    });
    for (const auto& [entity, name] : gone) image_.set_config(entity, name, {});
    configs_seen_.clear();
  }
  for (auto& [name, topic] : std::exchange(drafts_, {})) image_.set_topic(std::move(topic));
  if (!image_.changed() && !loaded_) return;
  UniqueFunction<void()> delivered;
  if (loaded_) {
    delivered = [loaded = std::exchange(loaded_, nullptr)]() mutable { loaded(Status()); };
  }
  publish_(image_.build(), std::move(delivered));
}

void MetadataLoader::State::on_watch_event(const WatchEvent& event) {
  if (reload_) return;
  using Type = WatchEvent::Type;
  const auto& path = event.path;
  if (event.type == Type::children_changed) {
    if (path == paths::broker_ids) enqueue(&State::read_brokers);
    if (path == paths::topics) enqueue(&State::read_topics);
    if (path == paths::config_changes) enqueue([](State& state) { state.read_config_changes(false); });
    return;
  }
  if (path == paths::controller) {
    if (event.type == Type::deleted) image_.set_controller(std::nullopt);
    enqueue(&State::read_controller);
  } else if (auto name = name_below(paths::broker_ids, path)) {
    auto id = parse_number<std::int32_t>(*name);
    if (!id || !brokers_.contains(BrokerId(*id))) return;
    if (event.type == Type::deleted) {
      // A broker that registers again at once shows as one more change of the folder.
      brokers_.erase(BrokerId(*id));
      image_.remove_broker(BrokerId(*id));
    } else {
      enqueue([id = BrokerId(*id)](State& state) { state.read_broker(id); });
    }
  } else if (auto topic = name_below(paths::topics, path)) {
    if (!topics_.contains(*topic)) return;
    if (event.type == Type::deleted) {
      remove_topic(*topic);
    } else {
      enqueue([name = *topic](State& state) { state.read_topic(name); });
    }
  } else if (auto partition = parse_state_path(path)) {
    // A state is deleted only with its topic, whose own event follows.
    if (!topics_.contains(partition->topic) || event.type == Type::deleted) return;
    enqueue([at = *partition](State& state) { state.read_partition(at.topic, at.index); });
  }
  settle();
}

MetadataLoader::MetadataLoader(MetadataStore& store, MetadataCache& cache)
    : MetadataLoader(store,
                     [&cache, &shard = store.shard()](const std::shared_ptr<const ClusterImage>& image, Job delivered) {
                       cache.publish(image, shard, std::move(delivered));
                     }) {}
MetadataLoader::MetadataLoader(MetadataStore& store, Publish publish)
    : state_(std::make_shared<State>(store, std::move(publish))) {}
MetadataLoader::~MetadataLoader() { state_->stop(); }

void MetadataLoader::start(Reply<void> loaded) { state_->start(std::move(loaded)); }

}  // namespace millrace::metadata

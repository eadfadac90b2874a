#include "broker/metadata/metadata_loader.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/logging.h"
#include "broker/base/shard.h"
#include "broker/metadata/metadata_cache.h"
#include "broker/metadata/znode_path.h"
#include "broker/metadata/znodes/broker_registration.h"
#include "broker/metadata/znodes/cluster_identity.h"
#include "broker/metadata/znodes/controller_registration.h"
#include "broker/metadata/znodes/entity_config.h"
#include "broker/metadata/znodes/partition_state.h"
#include "broker/metadata/znodes/topic_assignment.h"
#include "broker/metadata/znodes/znode_paths.h"

namespace millrace::metadata {
namespace {

namespace paths = znodes::paths;

constexpr Logger logger{"metadata"};
constexpr std::size_t reads_in_flight_max = 256;
constexpr Duration retry_delay = std::chrono::milliseconds(100);
// The longest that a change waits for others to be published with it.
constexpr Duration publish_delay_max = std::chrono::milliseconds(50);

constexpr std::array all_entities{ConfigEntity::topics, ConfigEntity::brokers, ConfigEntity::clients,
                                  ConfigEntity::users, ConfigEntity::ips};

// "/brokers/ids/7" below "/brokers/ids" -> "7"; nothing for another folder or something deeper.
std::optional<std::string> name_below(std::string_view folder, const std::string& path) {
  return parent_path(path) == folder ? std::optional<std::string>(base_name(path)) : std::nullopt;
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
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

struct EntityName {
  ConfigEntity entity;
  std::string name;
};

// "topics/t", "users/u/clients/c"
std::optional<EntityName> parse_entity_path(std::string_view path) {
  auto slash = path.find('/');
  for (auto entity : all_entities) {
    if (slash != std::string_view::npos && path.substr(0, slash) == znodes::folder_of(entity)) {
      return EntityName{entity, std::string(path.substr(slash + 1))};
    }
  }
  return std::nullopt;
}

}  // namespace

class MetadataLoader::State final : public MetadataListener, public std::enable_shared_from_this<State> {
 public:
  State(MetadataStore& store, Publish publish) : store_(&store), shard_(store.shard()), publish_(std::move(publish)) {}
  ~State() = default;

  void start(Reply<void> loaded) {
    loaded_ = std::move(loaded);
    store_->add_listener(*this);
    read_everything();
  }
  void stop() {
    store_->remove_listener(*this);
    store_ = nullptr;
    ++generation_;
    waiting_.clear();
    if (loaded_) std::exchange(loaded_, nullptr)(fail(ErrorKind::unavailable, "the broker is stopping"));
  }

  void on_session_event(SessionEvent event) override;
  void on_watch_event(const WatchEvent& event) override;

 private:
  // A read: asks the store, and applies what it answers.
  using Read = std::function<void(State&)>;

  void read_everything();
  void enqueue(Read read);
  void launch();
  // The reply of a read: applies the answer, or does the read again where that may help. `absent` is for not_found.
  template <class T>
  Reply<T> answer(Read again, const std::string& path, std::function<void(State&, T&)> apply,
                  std::function<void(State&)> absent = {});
  void on_failure(const Error& error, const std::string& path, Read again);
  void settle();
  void publish();

  void read_cluster_id();
  void read_controller();
  void await_creation(const std::string& path, const Read& then);
  void read_brokers();
  void read_broker(BrokerId id);
  void read_topics();
  void read_topic(const std::string& name);
  void apply_topic(const std::string& name, const Znode& znode);
  void read_partition(const std::string& topic, PartitionIndex index);
  void apply_partition(const std::string& topic, PartitionIndex index, const Znode& znode);
  void remove_topic(const std::string& name);
  TopicImage* draft_of(const std::string& name);
  void read_all_configs(ConfigEntity entity);
  void read_user_clients(const std::string& user);
  void read_config(ConfigEntity entity, const std::string& name);
  // `known`: what is told so far is being read anyhow.
  void read_config_changes(bool known);
  void read_config_change(const std::string& name);
  void read_entity(ConfigEntity entity, const std::string& name);

  MetadataStore* store_;  // null after stop
  Shard& shard_;
  Publish publish_;
  Reply<void> loaded_;

  std::uint64_t generation_ = 0;  // of the session: what an older one still answers is ignored
  bool reload_ = false;           // the session is over: with the next one everything is read again
  std::deque<Read> waiting_;
  std::size_t in_flight_ = 0;
  std::size_t retrying_ = 0;

  ClusterImageBuilder image_;
  std::map<std::string, TopicImage> drafts_;  // topics that changed since the last image
  std::set<BrokerId> brokers_;                // whose registrations are read or being read
  std::set<std::string> topics_;
  std::int64_t last_config_change_ = -1;
  std::set<std::string> configs_seen_;  // by entity path, during a full read
  bool reading_everything_ = false;
  bool publish_timer_ = false;
};

// --- the flow of reads -----------------------------------------------------------------------------------------------

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
  for (auto entity : all_entities) {
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

template <class T>
Reply<T> MetadataLoader::State::answer(Read again, const std::string& path, std::function<void(State&, T&)> apply,
                                       std::function<void(State&)> absent) {
  return [self = shared_from_this(), generation = generation_, again = std::move(again), path, apply = std::move(apply),
          absent = std::move(absent)](Result<T> result) mutable {
    if (self->store_ == nullptr || generation != self->generation_) return;
    if (result) {
      apply(*self, *result);
    } else if (result.error().kind == ErrorKind::not_found) {
      if (absent) absent(*self);
    } else {
      self->on_failure(result.error(), path, std::move(again));
    }
    --self->in_flight_;
    self->launch();
    self->settle();
  };
}

void MetadataLoader::State::on_failure(const Error& error, const std::string& path, Read again) {
  if (error.kind == ErrorKind::session_expired || error.kind == ErrorKind::unavailable) {
    reload_ = true;  // its event follows, or the next `connected`
    return;
  }
  if (error.kind != ErrorKind::connection_loss)
    logger.warning("znode " + path + " could not be read: " + error.message);
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
    std::vector<std::string> gone;
    image_.draft().for_each_config([&](ConfigEntity entity, const std::string& name) {
      if (!configs_seen_.contains(znodes::entity_path(entity, name))) gone.push_back(znodes::entity_path(entity, name));
    });
    for (const auto& path : gone) {
      auto entity = parse_entity_path(path);
      image_.set_config(entity->entity, entity->name, {});
    }
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

// --- cluster, controller, brokers --------------------------------------------------------------------------------------

void MetadataLoader::State::read_cluster_id() {
  std::string path(paths::cluster_id);
  store_->get(path, Watch::no, answer<Znode>(&State::read_cluster_id, path, [path](State& state, Znode& znode) {
                auto id = znodes::decode_cluster_id(znode.data);
                if (!id) return logger.error("znode " + path + ": " + id.error().message);
                state.image_.set_cluster_id(std::move(*id));
              }));
}

void MetadataLoader::State::read_controller() {
  std::string path(paths::controller);
  store_->get(path, Watch::yes,
              answer<Znode>(
                  &State::read_controller, path,
                  [path](State& state, Znode& znode) {
                    auto controller = znodes::decode_controller_registration(znode.data);
                    if (!controller) return logger.error("znode " + path + ": " + controller.error().message);
                    state.image_.set_controller(controller->broker);
                  },
                  [path](State& state) {
                    state.image_.set_controller(std::nullopt);
                    state.enqueue([path](State& later) { later.await_creation(path, &State::read_controller); });
                  }));
}

// Leaves a watch for the creation of what was not there, and reads it when it is there by now.
void MetadataLoader::State::await_creation(const std::string& path, const Read& then) {
  store_->exists(path, Watch::yes,
                 answer<std::optional<Stat>>([path, then](State& state) { state.await_creation(path, then); }, path,
                                             [then](State& state, std::optional<Stat>& stat) {
                                               if (stat) state.enqueue(then);
                                             }));
}

void MetadataLoader::State::read_brokers() {
  std::string path(paths::broker_ids);
  store_->children(path, Watch::yes, answer<Children>(&State::read_brokers, path, [](State& state, Children& children) {
                     std::set<BrokerId> there;
                     for (const auto& name : children.names) {
                       if (auto id = parse_number<std::int32_t>(name)) there.insert(BrokerId(*id));
                     }
                     std::vector<BrokerId> gone;
                     for (const auto& [id, broker] : state.image_.draft().brokers()) {
                       if (!there.contains(id)) gone.push_back(id);
                     }
                     for (auto id : gone) state.image_.remove_broker(id);
                     for (auto id : there) {
                       if (!state.brokers_.contains(id)) state.enqueue([id](State& later) { later.read_broker(id); });
                     }
                     state.brokers_ = std::move(there);
                   }));
}

void MetadataLoader::State::read_broker(BrokerId id) {
  auto path = znodes::broker_path(id);
  store_->get(
      path, Watch::yes,
      answer<Znode>([id](State& state) { state.read_broker(id); }, path,
                    [id, path](State& state, Znode& znode) {
                      auto registration = znodes::decode_broker_registration(znode.data);
                      if (!registration) return logger.error("znode " + path + ": " + registration.error().message);
                      state.image_.set_broker({id, BrokerEpoch(znode.stat.czxid.value()), std::move(registration->rack),
                                               std::move(registration->endpoints)});
                    },
                    [id](State& state) {
                      state.brokers_.erase(id);
                      state.image_.remove_broker(id);
                    }));
}

// --- topics ------------------------------------------------------------------------------------------------------------

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
                       // A new topic's configuration has no notification. It is read first, so that the topic appears with it.
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
  if (!assignment) return logger.error("znode " + znodes::topic_path(name) + ": " + assignment.error().message);
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
  if (!state) return logger.error("znode " + znodes::partition_state_path(topic, index) + ": " + state.error().message);
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

// --- configurations ----------------------------------------------------------------------------------------------------

void MetadataLoader::State::read_all_configs(ConfigEntity entity) {
  auto path = znodes::config_folder_path(entity);
  store_->children(path, Watch::no,
                   answer<Children>([entity](State& state) { state.read_all_configs(entity); }, path,
                                    [entity](State& state, Children& children) {
                                      for (const auto& name : children.names) state.read_entity(entity, name);
                                    }));
}

// What is set for a user and, below it, for the user's clients.
void MetadataLoader::State::read_entity(ConfigEntity entity, const std::string& name) {
  enqueue([entity, name](State& state) { state.read_config(entity, name); });
  if (entity == ConfigEntity::users) {
    enqueue([name](State& state) { state.read_user_clients(name); });
  }
}

void MetadataLoader::State::read_user_clients(const std::string& user) {
  auto path = znodes::config_path(ConfigEntity::users, user) + "/clients";
  store_->children(
      path, Watch::no,
      answer<Children>([user](State& state) { state.read_user_clients(user); }, path,
                       [user](State& state, Children& children) {
                         for (const auto& client : children.names) {
                           std::string name = user;
                           name.append("/clients/").append(client);
                           state.enqueue([name](State& later) { later.read_config(ConfigEntity::users, name); });
                         }
                       }));
}

void MetadataLoader::State::read_config(ConfigEntity entity, const std::string& name) {
  auto path = znodes::config_path(entity, name);
  store_->get(path, Watch::no,
              answer<Znode>([entity, name](State& state) { state.read_config(entity, name); }, path,
                            [entity, name, path](State& state, Znode& znode) {
                              state.configs_seen_.insert(znodes::entity_path(entity, name));
                              auto config = znodes::decode_config(znode.data);
                              if (!config) return logger.error("znode " + path + ": " + config.error().message);
                              state.image_.set_config(entity, name, std::move(*config));
                            },
                            [entity, name](State& state) { state.image_.set_config(entity, name, {}); }));
}

void MetadataLoader::State::read_config_changes(bool known) {
  std::string path(paths::config_changes);
  Read again = [known](State& state) { state.read_config_changes(known); };
  store_->children(path, Watch::yes, answer<Children>(again, path, [known](State& state, Children& children) {
                     constexpr std::string_view prefix = "config_change_";
                     std::map<std::int64_t, std::string> changes;
                     for (auto& name : children.names) {
                       if (!name.starts_with(prefix)) continue;
                       auto number = parse_number<std::int64_t>(std::string_view(name).substr(prefix.size()));
                       if (number && *number > state.last_config_change_) changes.emplace(*number, std::move(name));
                     }
                     if (changes.empty()) return;
                     state.last_config_change_ = changes.rbegin()->first;
                     if (known) return;
                     for (const auto& change : changes) {
                       state.enqueue([name = change.second](State& later) { later.read_config_change(name); });
                     }
                   }));
}

void MetadataLoader::State::read_config_change(const std::string& name) {
  auto path = std::string(paths::config_changes) + "/" + name;
  store_->get(path, Watch::no,
              answer<Znode>(
                  [name](State& state) { state.read_config_change(name); }, path,
                  [path](State& state, Znode& znode) {
                    auto entity_path = znodes::decode_config_change(znode.data);
                    if (!entity_path) return logger.error("znode " + path + ": " + entity_path.error().message);
                    auto entity = parse_entity_path(*entity_path);
                    if (!entity)
                      return logger.warning("a configuration changed that is not known here: " + *entity_path);
                    state.enqueue([entity = *entity](State& later) { later.read_config(entity.entity, entity.name); });
                  }));
}

// --- the object --------------------------------------------------------------------------------------------------------

MetadataLoader::MetadataLoader(MetadataStore& store, MetadataCache& cache)
    : MetadataLoader(store, [&cache, &shard = store.shard()](std::shared_ptr<const ClusterImage> image, Job delivered) {
        cache.publish(std::move(image), shard, std::move(delivered));
      }) {}
MetadataLoader::MetadataLoader(MetadataStore& store, Publish publish)
    : state_(std::make_shared<State>(store, std::move(publish))) {}
MetadataLoader::~MetadataLoader() { state_->stop(); }

void MetadataLoader::start(Reply<void> loaded) { state_->start(std::move(loaded)); }

}  // namespace millrace::metadata

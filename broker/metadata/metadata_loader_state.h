// The work of a MetadataLoader (metadata_loader.h): reads that wait, are in flight or are asked again, and what they
// bring. Its members are written in several files, by what they load: metadata_loader_cluster.cpp, _topics.cpp and
// _configs.cpp; the flow is in metadata_loader.cpp. Belongs to the store's shard.
#pragma once

#include <charconv>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "broker/base/logging.h"
#include "broker/base/shard.h"
#include "broker/metadata/metadata_loader.h"

namespace millrace::metadata {

inline constexpr Logger loader_logger{"metadata"};

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

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
  // What the registration does not say.
  void read_broker_mark(const BrokerImage& broker);
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

}  // namespace millrace::metadata

#include "broker/server/live_configuration.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

#include "broker/base/logging.h"
#include "broker/network/network_server.h"
#include "broker/replication/replica_manager.h"
#include "broker/server/configuration/listener_changes.h"
#include "broker/server/configuration/network_settings.h"

namespace millrace::server {
namespace {

constexpr Logger logger{"server"};

const network::ListenerConfig* find(const std::vector<network::ListenerConfig>& listeners, const std::string& name) {
  auto at = std::ranges::find(listeners, name, &network::ListenerConfig::name);
  return at == listeners.end() ? nullptr : &*at;
}

}  // namespace

class LiveConfiguration::State : public std::enable_shared_from_this<State> {
 public:
  State(CurrentConfiguration& current, network::NetworkServer& network, ShardGroup& shards, Shard& metadata_shard)
      : current_(current), network_(network), shards_(shards), metadata_shard_(metadata_shard) {}

  Status bind(const BrokerConfigLayers& layers) {
    auto bounds = network_settings(layers.values());
    if (!bounds) return tl::unexpected(bounds.error());
    bounds->connection_rates.listeners = listener_connection_rates(layers.unlisted());
    network_.set_bounds(*bounds);
    auto wanted = listeners_of(layers);
    if (!wanted) return tl::unexpected(wanted.error());
    std::scoped_lock lock(work_, wish_);
    remove_listeners(*wanted, true);
    auto added = add_listeners(*wanted);
    newest_wish_ = *wanted;
    listeners_ = std::move(*wanted);
    return added;
  }

  [[nodiscard]] std::vector<metadata::Endpoint> endpoints() const {
    std::scoped_lock lock(work_);
    std::vector<metadata::Endpoint> endpoints;
    for (const auto& listener : listeners_.advertised) {
      auto bound = bound_.find(listener.name);
      if (bound == bound_.end()) continue;
      const std::int32_t port = listener.port != 0 ? listener.port : bound->second.port;
      endpoints.push_back({listener.name, std::string(to_string(listener.protocol)), listener.host, port});
    }
    return endpoints;
  }

  void start(replication::ReplicaManager& replicas, Advertise advertise) {
    advertise_ = std::move(advertise);
    serves_ = true;
    for (ShardId id = 0; id < shards_.size(); ++id) {
      shards_.at(id).post([self = shared_from_this(), id, &replicas] {
        self->current_.subscribe(
            id, [&replicas, id](const auto& /*before*/, const auto& /*after*/, const metadata::ClusterImage& image) {
              replicas.table(id).reconfigure(image);
            });
      });
    }
    metadata_shard_.post([self = shared_from_this()] {
      self->current_.subscribe(self->metadata_shard_.id(), [self](const auto& /*before*/, const auto& after,
                                                                  const auto&) { self->change(*after); });
      self->change(*self->current_.of(self->metadata_shard_.id()));
    });
  }

  void stop() {
    {
      std::scoped_lock lock(wish_);
      stopped_ = true;
    }
    std::scoped_lock until_it_is_done(work_);
  }

 private:
  // On the metadata shard.
  void change(const BrokerConfigLayers& layers) {
    for (const auto& rejected : layers.rejected()) logger.error("a dynamic configuration is ignored: " + rejected);
    if (auto bounds = network_settings(layers.values())) {
      bounds->connection_rates.listeners = listener_connection_rates(layers.unlisted());
      network_.set_bounds(*bounds);
    } else {
      logger.error("the network keeps its bounds: " + bounds.error().message);
    }
    auto wanted = listeners_of(layers);
    if (!wanted) return logger.error("the listeners stay as they are: " + wanted.error().message);
    std::scoped_lock lock(wish_);
    if (*wanted == newest_wish_) return;
    newest_wish_ = std::move(*wanted);
    metadata_shard_.pool().submit([self = shared_from_this()] { self->carry_out(); });
  }

  // On the pool. The newest wish counts, whatever the order of the jobs is.
  void carry_out() {
    {
      std::scoped_lock lock(work_);
      auto wanted = wish();
      if (!wanted) return;
      remove_listeners(*wanted, false);
      if (auto added = add_listeners(*wanted); !added) logger.error(added.error().message);
      listeners_ = std::move(*wanted);
    }
    metadata_shard_.post([self = shared_from_this(), endpoints = endpoints()]() mutable {
      if (self->wish()) self->advertise_(std::move(endpoints));
    });
  }

  // Nothing after the stop.
  std::optional<ListenerConfiguration> wish() {
    std::scoped_lock lock(wish_);
    return stopped_ ? std::nullopt : std::optional(newest_wish_);
  }

  // `rebinds`: also those that stay under their name with another address.
  void remove_listeners(const ListenerConfiguration& wanted, bool rebinds) {
    const auto configs = network_listeners(wanted);
    std::erase_if(bound_, [&](const auto& pair) {
      const auto& [name, bound] = pair;
      const auto* still = find(configs, name);
      const bool moved = still != nullptr && (still->host != bound.config.host || still->port != bound.config.port);
      const bool changed = moved || (still != nullptr && still->reserved != bound.config.reserved);
      if (still != nullptr && !(changed && rebinds)) {
        if (moved) logger.warning("listener " + name + " keeps its address until the next start");
        return false;
      }
      if (auto removed = network_.remove_listener(name); !removed) logger.error(removed.error().message);
      logger.info("listener " + name + " is closed");
      return true;
    });
  }

  // As many as can be; the error is that of the last that cannot.
  Status add_listeners(const ListenerConfiguration& wanted) {
    Status outcome;
    for (const auto& config : network_listeners(wanted)) {
      if (bound_.contains(config.name)) continue;
      auto port = network_.add_listener(config);
      if (!port) {
        outcome = tl::unexpected(port.error());
        continue;
      }
      bound_.emplace(config.name, Bound{config, *port});
      // What the start binds is said when it serves.
      if (serves_) logger.info("listener " + config.name + " is bound to port " + std::to_string(*port));
    }
    return outcome;
  }

  struct Bound {
    network::ListenerConfig config;
    std::uint16_t port;
  };

  CurrentConfiguration& current_;
  network::NetworkServer& network_;
  ShardGroup& shards_;
  Shard& metadata_shard_;
  bool serves_ = false;  // set before there can be changes
  Advertise advertise_;  // set by start, before the first change
  // Held while sockets are opened and closed, which waits for shards: no shard may wait for it.
  mutable std::mutex work_;
  ListenerConfiguration listeners_;
  std::map<std::string, Bound> bound_;
  std::mutex wish_;
  ListenerConfiguration newest_wish_;
  bool stopped_ = false;
};

LiveConfiguration::LiveConfiguration(CurrentConfiguration& current, network::NetworkServer& network, ShardGroup& shards,
                                     Shard& metadata_shard)
    : state_(std::make_shared<State>(current, network, shards, metadata_shard)) {}
LiveConfiguration::~LiveConfiguration() { stop(); }

Status LiveConfiguration::bind(const BrokerConfigLayers& layers) { return state_->bind(layers); }
std::vector<metadata::Endpoint> LiveConfiguration::endpoints() const { return state_->endpoints(); }
void LiveConfiguration::start(replication::ReplicaManager& replicas, Advertise advertise) {
  state_->start(replicas, std::move(advertise));
}
void LiveConfiguration::stop() { state_->stop(); }

}  // namespace millrace::server

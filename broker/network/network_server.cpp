#include "broker/network/network_server.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "broker/base/logging.h"
#include "broker/network/acceptor.h"
#include "broker/network/connection_set.h"
#include "broker/network/network_context.h"
#include "broker/network/socket_address.h"

namespace millrace::network {
namespace {

constexpr Duration shard_answer_max = std::chrono::seconds(5);

// Waits until all holders of the token have let go of it: jobs that ran as well as jobs that were destroyed.
class Gate {
 public:
  std::shared_ptr<void> token() {
    auto held = std::make_shared<Held>();
    held->gate = shared_;
    std::scoped_lock lock(shared_->mutex);
    ++shared_->open;
    return held;
  }
  bool wait(Duration patience) {
    std::unique_lock lock(shared_->mutex);
    return shared_->closed.wait_for(lock, patience, [this] { return shared_->open == 0; });
  }

 private:
  struct Shared {
    std::mutex mutex;
    std::condition_variable closed;
    std::size_t open = 0;
  };
  struct Held {
    std::shared_ptr<Shared> gate;
    ~Held() {
      std::scoped_lock lock(gate->mutex);
      if (--gate->open == 0) gate->closed.notify_all();
    }
  };
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

std::atomic<std::uint64_t> last_connection_id{0};

}  // namespace

struct NetworkServer::State {
  struct Listener {
    ListenerConfig config;
    std::uint16_t port;
    ShardId shard;
    UniqueFd bound;  // until it is started
    std::shared_ptr<Acceptor> acceptor;
  };

  State(ShardRuntime& shard_runtime, std::shared_ptr<NetworkContext> network_context)
      : runtime(shard_runtime), context(std::move(network_context)), sets(std::make_shared<Sets>()) {}

  using Sets = std::vector<std::shared_ptr<ConnectionSet>>;

  Status start(Listener& listener);
  void close(Listener& listener, Gate& gate);
  static void refuse(NetworkContext& context, const SocketAddress& peer, const std::string& listener,
                     std::string_view reason);
  Acceptor::Accepted accepted_by(const ListenerConfig& config, Shard& shard);

  ShardRuntime& runtime;
  std::shared_ptr<NetworkContext> context;
  std::shared_ptr<Sets> sets;  // one per shard
  std::vector<Listener> listeners;
  ShardId next_shard = 0;
  bool started = false;
  bool stopped = false;
  bool stopped_cleanly = true;
};

namespace {

// The shard with the fewest connections; among equals the next in turn.
std::size_t choose_shard(const std::vector<std::shared_ptr<ConnectionSet>>& sets, std::size_t first) {
  std::size_t best = first % sets.size();
  for (std::size_t step = 1; step < sets.size(); ++step) {
    auto candidate = (first + step) % sets.size();
    if (sets[candidate]->connections() < sets[best]->connections()) best = candidate;
  }
  return best;
}

std::string small_letters(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

}  // namespace

void NetworkServer::State::refuse(NetworkContext& context, const SocketAddress& peer, const std::string& listener,
                                  std::string_view reason) {
  context.metrics
      .counter("millrace_connections_refused_total", "Connections closed at once, by the limit that was met",
               {{"reason", std::string(reason)}})
      .add();
  context.log.warning("refused a connection of " + to_string(peer) + " on " + listener + ": " + std::string(reason) +
                      " is reached");
}

Acceptor::Accepted NetworkServer::State::accepted_by(const ListenerConfig& config, Shard& shard) {
  auto connections = context->metrics.counter("millrace_connections_accepted_total",
                                              "Connections accepted, by listener", {{"listener", config.name}});
  return [shared_context = context, shared_sets = sets, &shards = runtime, config, connections, turn = std::size_t{0},
          &shard, held = std::make_shared<std::size_t>(0),
          key = small_letters(config.name)](UniqueFd socket, SocketAddress peer) mutable -> Duration {
    const auto now = shard.clock().now();
    const auto pause = shared_context->rates.accept(key, config.reserved, now);
    if (const auto wait = shared_context->rates.admit(peer.host, now); wait > Duration::zero()) {
      refuse(*shared_context, peer, config.name, "connection_creation_rate");
      // It is not told at once, so that it does not come back at once.
      if (*held < shared_context->config.max_held_connections) {
        ++*held;
        shard.after(wait, [held, socket = std::move(socket)] { --*held; });
      }
      return pause;
    }
    std::string_view refusal;
    auto admission = shared_context->limits->admit(peer.host, config.reserved, refusal);
    if (!admission) {
      refuse(*shared_context, peer, config.name, refusal);
      return pause;
    }
    connections.add();
    auto local = local_address(socket.get());
    ConnectionInfo info;
    info.id = ++last_connection_id;
    info.listener = config.name;
    info.peer_host = std::move(peer.host);
    info.peer_port = peer.port;
    info.local_host = std::move(local.host);
    info.local_port = local.port;
    info.reserved = config.reserved;
    info.authenticated = !config.authenticates;
    auto chosen = choose_shard(*shared_sets, turn++);
    auto& set = (*shared_sets)[chosen];
    set->expect_one();
    shards.at(static_cast<ShardId>(chosen))
        .post([set, socket = std::move(socket), info = std::move(info), admission = std::move(*admission)]() mutable {
          set->adopt(std::move(socket), std::move(info), std::move(admission));
        });
    return pause;
  };
}

Status NetworkServer::State::start(Listener& listener) {
  if (auto listening = listen_on(listener.bound.get(), listener.config, context->config); !listening) return listening;
  listener.acceptor =
      std::make_shared<Acceptor>(runtime.loop(listener.shard), context, listener.config.name, std::move(listener.bound),
                                 accepted_by(listener.config, runtime.at(listener.shard)));
  runtime.at(listener.shard).post([acceptor = listener.acceptor] { acceptor->start(); });
  return {};
}

void NetworkServer::State::close(Listener& listener, Gate& gate) {
  if (listener.acceptor == nullptr) return;
  runtime.at(listener.shard).post([acceptor = std::move(listener.acceptor), token = gate.token()] {
    acceptor->close();
  });
}

Result<std::unique_ptr<NetworkServer>> NetworkServer::create(ShardRuntime& runtime, const NetworkConfig& config,
                                                             RequestHandler& handler, MetricsRegistry& metrics) {
  if (auto checked = check(config); !checked) return tl::unexpected(checked.error());
  auto context = std::make_shared<NetworkContext>(config, handler, metrics);
  auto state = std::make_unique<State>(runtime, std::move(context));
  for (ShardId id = 0; id < runtime.size(); ++id) {
    state->sets->push_back(std::make_shared<ConnectionSet>(runtime.loop(id), state->context));
  }
  return std::unique_ptr<NetworkServer>(new NetworkServer(std::move(state)));
}

NetworkServer::NetworkServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

NetworkServer::~NetworkServer() { stop(Duration::zero()); }

Result<std::uint16_t> NetworkServer::add_listener(const ListenerConfig& config) {
  if (state_->stopped) return fail(ErrorKind::unavailable, "the network server has stopped");
  for (const auto& listener : state_->listeners) {
    if (listener.config.name == config.name)
      return fail(ErrorKind::already_exists, "there are two listeners named " + config.name);
  }
  auto bound = bind_listener(config, state_->context->config);
  if (!bound) return tl::unexpected(bound.error());
  auto port = local_address(bound->get()).port;
  auto shard = state_->next_shard++ % static_cast<ShardId>(state_->runtime.size());
  State::Listener listener{config, port, shard, std::move(*bound), nullptr};
  if (state_->started) {
    if (auto serving = state_->start(listener); !serving) return tl::unexpected(serving.error());
  }
  state_->listeners.push_back(std::move(listener));
  return port;
}

Status NetworkServer::remove_listener(std::string_view name) {
  auto found = std::find_if(state_->listeners.begin(), state_->listeners.end(),
                            [&](const State::Listener& listener) { return listener.config.name == name; });
  if (found == state_->listeners.end())
    return fail(ErrorKind::not_found, "there is no listener named " + std::string(name));
  Gate closed;
  state_->close(*found, closed);
  state_->listeners.erase(found);
  closed.wait(shard_answer_max);
  return {};
}

void NetworkServer::set_bounds(const NetworkConfig& config) {
  state_->context->limits->set(config);
  state_->context->rates.set_rates(config.connection_rates.broker, config.connection_rates.listeners);
}

security::ConnectionRates& NetworkServer::connection_rates() { return state_->context->rates; }

Status NetworkServer::start() {
  if (state_->started || state_->stopped) return {};
  for (auto& listener : state_->listeners) {
    if (auto serving = state_->start(listener); !serving) return serving;
  }
  state_->started = true;
  return {};
}

std::vector<NetworkServer::BoundListener> NetworkServer::listeners() const {
  std::vector<BoundListener> bound;
  for (const auto& listener : state_->listeners)
    bound.push_back({listener.config.name, listener.config.host, listener.port});
  return bound;
}

std::size_t NetworkServer::connections() const {
  std::size_t all = 0;
  for (const auto& set : *state_->sets) all += set->connections();
  return all;
}

bool NetworkServer::stop(Duration patience) {
  if (std::exchange(state_->stopped, true)) return state_->stopped_cleanly;
  Gate listeners_closed;
  for (auto& listener : state_->listeners) state_->close(listener, listeners_closed);
  state_->listeners.clear();
  listeners_closed.wait(shard_answer_max);

  Gate drained;
  for (auto& set : *state_->sets) {
    state_->runtime.at(static_cast<ShardId>(&set - state_->sets->data()))
        .post([set, token = drained.token()]() mutable { set->drain(std::move(token)); });
  }
  if (drained.wait(patience)) return true;

  Gate closed;
  auto cut_off = std::make_shared<std::atomic<std::size_t>>(0);
  for (auto& set : *state_->sets) {
    state_->runtime.at(static_cast<ShardId>(&set - state_->sets->data())).post([set, cut_off, token = closed.token()] {
      *cut_off += set->close_all();
    });
  }
  state_->stopped_cleanly = closed.wait(shard_answer_max) && *cut_off == 0;
  if (*cut_off > 0) Logger{"network"}.warning(std::to_string(*cut_off) + " requests were cut off by the stop");
  return state_->stopped_cleanly;
}

}  // namespace millrace::network

#include "broker/server/broker.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <future>
#include <mutex>
#include <thread>
#include <utility>

#include "broker/base/file.h"
#include "broker/base/logging.h"
#include "broker/base/random.h"
#include "broker/base/task.h"
#include "broker/controller/controller_election.h"
#include "broker/controller/topic_commands.h"
#include "broker/log/log_manager.h"
#include "broker/metadata/embedded_store.h"
#include "broker/metadata/metadata_cache.h"
#include "broker/metadata/metadata_loader.h"
#include "broker/metadata/producer_id_blocks.h"
#include "broker/network/network_server.h"
#include "broker/network/shard_runtime.h"
#include "broker/replication/replica_manager.h"
#include "broker/server/broker_registration.h"
#include "broker/server/broker_services.h"
#include "broker/server/configuration/broker_config_layers.h"
#include "broker/server/configuration/broker_configuration.h"
#include "broker/server/configuration/topic_configuration.h"
#include "broker/server/image_waits.h"
#include "broker/server/request_dispatcher.h"
#include "broker/server/waiting_fetches.h"

namespace millrace::server {
namespace {

constexpr Logger logger{"broker"};
constexpr Duration stuck_loop = std::chrono::seconds(30);
constexpr Duration stop_patience = std::chrono::seconds(30);

// Runs `task()` on `shard` and waits for its value. Not from a shard.
template <class MakeTask>
auto run_and_wait(Shard& shard, MakeTask make_task) {
  using T = decltype(make_task().operator co_await().await_resume());
  std::promise<T> promise;
  auto future = promise.get_future();
  shard.post([&] { spawn(make_task(), [&](T value) { promise.set_value(std::move(value)); }); });
  return future.get();
}

std::string host_and_port(const metadata::Endpoint& endpoint) {
  const bool is_ipv6 = endpoint.host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + endpoint.host + "]" : endpoint.host) + ":" + std::to_string(endpoint.port);
}

class Health final : public BrokerHealth {
 public:
  [[nodiscard]] bool is_alive() const override {
    std::lock_guard lock(mutex_);
    return runtime_ == nullptr || runtime_->longest_silence() < stuck_loop;
  }
  [[nodiscard]] Status readiness() const override {
    std::lock_guard lock(mutex_);
    if (reason_.empty()) return {};
    return fail(ErrorKind::unavailable, reason_);
  }
  void watch(const network::ShardRuntime* runtime) {
    std::lock_guard lock(mutex_);
    runtime_ = runtime;
  }
  // Empty: ready.
  void set_reason(std::string reason) {
    std::lock_guard lock(mutex_);
    reason_ = std::move(reason);
  }

 private:
  mutable std::mutex mutex_;
  const network::ShardRuntime* runtime_ = nullptr;
  std::string reason_ = "starting";
};

}  // namespace

class Broker::State {
 public:
  State(const BrokerConfiguration& configuration, MetricsRegistry& metrics)
      : configuration_(configuration), metrics_(metrics) {}

  Status start() {
    return open_network()
        .and_then([&] { return open_logs(); })
        .and_then([&] { return open_metadata(); })
        .and_then([&] { return load_logs(); })
        .and_then([&] { return serve(); });
  }

  Status stop() {
    if (stopped_) return {};
    stopped_ = true;
    health_.set_reason("stopping");
    if (waiting_fetches_) wake_waiting_fetches();
    if (network_ && !network_->stop(stop_patience))
      logger.warning("requests in work were cut off: they took too long to end");
    if (store_) leave_cluster();
    if (runtime_) runtime_->stop();
    Status closed;
    if (logs_loaded_) closed = logs_->close(registration_.epoch);
    health_.watch(nullptr);
    dispatcher_.reset();
    return closed;
  }

  const BrokerConfiguration& configuration_;
  MetricsRegistry& metrics_;
  Health health_;
  Registration registration_;
  std::string cluster_id_;
  std::vector<ServingListener> serving_;

 private:
  Shard& metadata_shard() { return runtime_->at(0); }

  Status open_network() {
    network::ShardRuntimeConfig runtime;
    runtime.shards = configuration_.shards > 0 ? configuration_.shards
                                               : std::max<std::size_t>(1, std::thread::hardware_concurrency());
    auto started = network::ShardRuntime::start(runtime, metrics_);
    if (!started) return tl::unexpected(started.error());
    runtime_ = std::move(*started);
    health_.watch(runtime_.get());

    auto created = network::NetworkServer::create(*runtime_, configuration_.network, forwarder_, metrics_);
    if (!created) return tl::unexpected(created.error());
    network_ = std::move(*created);
    for (const auto& listener : configuration_.network_listeners()) {
      auto port = network_->add_listener(listener);
      if (!port) return tl::unexpected(port.error());
      bound_ports_.emplace(listener.name, *port);
    }
    return {};
  }

  Status open_logs() {
    logs_ = std::make_unique<log::LogManager>(
        configuration_.log, posix_file_system(), clock_, runtime_->pool(), random_,
        [this](const TopicPartition& partition) -> Shard& {
          return runtime_->at(replication::owner_of(partition.topic, partition.partition, runtime_->size()));
        });
    return logs_->open_directories();
  }

  Status open_metadata() {
    auto opened = metadata::EmbeddedStore::open({configuration_.metadata_store.directory}, clock_, random_);
    if (!opened) return tl::unexpected(opened.error());
    embedded_ = std::move(*opened);
    cache_ = std::make_unique<metadata::MetadataCache>(*runtime_);
    image_waits_ = std::make_unique<ImageWaits>(*cache_, *runtime_);
    store_ = embedded_->connect(metadata_shard());
    return run_and_wait(metadata_shard(), [this] { return join_cluster(); });
  }

  Task<Status> join_cluster() {
    store_->open_session(std::nullopt);
    JoinRequest request;
    request.stored_cluster_id = logs_->cluster_id();
    request.wanted_cluster_id = configuration_.cluster_id;
    request.stored_broker_id = logs_->broker_id();
    request.wanted_broker_id = configuration_.broker_id;
    request.first_generated_broker_id = BrokerId(configuration_.max_reserved_broker_id + 1);
    request.endpoints = advertised_endpoints();
    if (!configuration_.rack.empty()) request.rack = configuration_.rack;
    request.now = clock_.wall_clock();
    auto joined = co_await server::join_cluster(*store_, random_, std::move(request));
    if (!joined) co_return tl::unexpected(joined.error());
    registration_ = std::move(joined->registration);
    cluster_id_ = joined->cluster_id;
    auto term = co_await completion<Result<std::optional<controller::ControllerTerm>>>([&](auto done) {
      controller::elect_controller(*store_, registration_.id, clock_.wall_clock(), std::move(done));
    });
    if (!term) co_return tl::unexpected(term.error());
    if (!*term) co_return fail(ErrorKind::conflict, "another broker is the controller of this embedded store");
    topic_commands_ = std::make_unique<controller::TopicCommands>(*store_, **term);
    producer_ids_ = std::make_unique<metadata::ProducerIdBlocks>(*store_, registration_.id);
    auto resumed = co_await completion<Status>([&](auto done) { topic_commands_->resume(std::move(done)); });
    if (!resumed) co_return resumed;
    loader_ = std::make_unique<metadata::MetadataLoader>(*store_, *cache_);
    co_return co_await completion<Status>([&](auto done) { loader_->start(std::move(done)); });
  }

  Status load_logs() {
    if (auto set = logs_->set_identity(registration_.id, cluster_id_); !set) return set;
    // The pointer is read on its own shard; the loader has delivered it before it answered.
    auto image = run_and_wait(metadata_shard(), [this]() -> Task<std::shared_ptr<const metadata::ClusterImage>> {
      co_return cache_->image(metadata_shard().id());
    });
    health_.set_reason("recovering the logs");
    auto loaded = logs_->load([this, image](const std::string& topic) {
      return topic_settings(configuration_.values, *image->topic_config(topic)).log;
    });
    if (!loaded) return loaded;
    logs_loaded_ = true;
    metadata_shard().post([this] { logs_->start(metadata_shard()); });
    return {};
  }

  Status serve() {
    replication::PartitionTable::Environment environment{
        registration_.id, logs_.get(), [this](const metadata::ConfigMap& overrides) {
          auto settings = topic_settings(configuration_.values, overrides);
          return replication::PartitionConfig{settings.log, static_cast<std::size_t>(settings.min_insync_replicas)};
        }};
    replicas_ = std::make_unique<replication::ReplicaManager>(*runtime_, std::move(environment));
    waiting_fetches_ = std::make_unique<WaitingFetches>(runtime_->size());
    services_.emplace(BrokerServices{configuration_, configuration_layers_, registration_.id, cluster_id_, *runtime_,
                                     *cache_, *image_waits_, *replicas_, metadata_shard(), *topic_commands_,
                                     *producer_ids_, random_, *waiting_fetches_});
    dispatcher_ = std::make_unique<RequestDispatcher>(*services_, metrics_);
    forwarder_.target = dispatcher_.get();
    run_and_wait(metadata_shard(), [this] { return take_over_partitions(); });
    if (auto started = network_->start(); !started) return started;
    for (const auto& endpoint : registration_.endpoints) {
      serving_.push_back({endpoint.listener, host_and_port(endpoint)});
    }
    health_.set_reason("");
    logger.info("broker " + std::to_string(registration_.id.value()) + " of cluster " + cluster_id_ + " serves");
    return {};
  }

  // A stop answers the requests in work, and is not to wait for those that wait.
  void wake_waiting_fetches() {
    for (ShardId id = 0; id < runtime_->size(); ++id) {
      runtime_->at(id).post([this, id] { waiting_fetches_->wake_all(id); });
    }
  }

  // Every shard opens what the image gives it, and all of it is led before the first request comes.
  Task<bool> take_over_partitions() {
    auto& home = metadata_shard();
    auto image = cache_->image(home.id());
    std::vector<std::string> topics;
    image->for_each_topic([&](const auto& topic) { topics.push_back(topic->name); });
    co_await completion<bool>([&](UniqueFunction<void(bool)> done) {
      auto finish = std::make_shared<UniqueFunction<void(bool)>>(std::move(done));
      replicas_->follow(*cache_, home, [finish] { (*finish)(true); });
    });
    for (const auto& topic : topics) {
      co_await completion<bool>([&](UniqueFunction<void(bool)> done) {
        replicas_->when_settled(home, *image, topic, [done = std::move(done)]() mutable { done(true); });
      });
    }
    co_return true;
  }

  // A port that the system chose is advertised as what it is.
  [[nodiscard]] std::vector<metadata::Endpoint> advertised_endpoints() const {
    std::vector<metadata::Endpoint> endpoints;
    for (const auto& listener : configuration_.listeners.advertised) {
      const std::int32_t port = listener.port != 0 ? listener.port : bound_ports_.at(listener.name);
      endpoints.push_back({listener.name, std::string(to_string(listener.protocol)), listener.host, port});
    }
    return endpoints;
  }

  void leave_cluster() {
    std::promise<void> closed;
    metadata_shard().post([&] {
      loader_.reset();
      store_->close_session([&](const Status&) { closed.set_value(); });
    });
    closed.get_future().wait();
    std::promise<void> gone;
    metadata_shard().post([&] {
      topic_commands_.reset();
      producer_ids_.reset();
      store_.reset();
      gone.set_value();
    });
    gone.get_future().wait();
  }

  // The network is opened before there is anybody to answer; nothing is accepted until there is.
  struct Forwarder final : network::RequestHandler {
    void handle(network::Request request, network::Responder responder) override {
      target->handle(std::move(request), std::move(responder));
    }
    void closed(network::ConnectionInfo& connection) override { target->closed(connection); }
    network::RequestHandler* target = nullptr;
  };

  const BrokerConfigLayers configuration_layers_{configuration_};
  SystemClock clock_;
  SystemRandom random_;
  Forwarder forwarder_;
  std::map<std::string, std::uint16_t> bound_ports_;
  bool logs_loaded_ = false;
  bool stopped_ = false;
  // Destroyed in the opposite order: whoever uses comes below what it uses.
  std::unique_ptr<network::ShardRuntime> runtime_;
  std::unique_ptr<log::LogManager> logs_;
  std::unique_ptr<metadata::EmbeddedStore> embedded_;
  std::unique_ptr<metadata::MetadataCache> cache_;
  std::unique_ptr<ImageWaits> image_waits_;
  std::unique_ptr<metadata::MetadataStore> store_;
  std::unique_ptr<controller::TopicCommands> topic_commands_;
  std::unique_ptr<metadata::ProducerIdBlocks> producer_ids_;
  std::unique_ptr<metadata::MetadataLoader> loader_;
  std::unique_ptr<replication::ReplicaManager> replicas_;
  std::unique_ptr<WaitingFetches> waiting_fetches_;
  std::optional<BrokerServices> services_;
  std::unique_ptr<RequestDispatcher> dispatcher_;
  std::unique_ptr<network::NetworkServer> network_;
};

Broker::Broker(const BrokerConfiguration& configuration, MetricsRegistry& metrics)
    : state_(std::make_unique<State>(configuration, metrics)) {}
Broker::~Broker() { stop(); }

Status Broker::start() {
  auto started = state_->start();
  if (!started) state_->stop();
  return started;
}
Status Broker::stop() { return state_->stop(); }
const BrokerHealth& Broker::health() const { return state_->health_; }
BrokerId Broker::broker_id() const { return state_->registration_.id; }
const std::string& Broker::cluster_id() const { return state_->cluster_id_; }
const std::vector<ServingListener>& Broker::listeners() const { return state_->serving_; }

}  // namespace millrace::server

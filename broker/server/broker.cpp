#include "broker/server/broker.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <functional>
#include <future>
#include <mutex>
#include <thread>
#include <utility>

#include "broker/base/cpu_quota.h"
#include "broker/base/file.h"
#include "broker/base/logging.h"
#include "broker/base/random.h"
#include "broker/base/task.h"
#include "broker/controller/config_commands.h"
#include "broker/controller/controller_election.h"
#include "broker/controller/topic_commands.h"
#include "broker/log/log_manager.h"
#include "broker/metadata/embedded_store.h"
#include "broker/metadata/metadata_cache.h"
#include "broker/metadata/metadata_loader.h"
#include "broker/metadata/producer_id_blocks.h"
#include "broker/metadata/znode_offsets.h"
#include "broker/network/blocking_threads.h"
#include "broker/network/network_server.h"
#include "broker/network/shard_runtime.h"
#include "broker/replication/replica_manager.h"
#include "broker/security/client_quotas.h"
#include "broker/server/broker_registration.h"
#include "broker/server/broker_services.h"
#include "broker/server/configuration/broker_configuration.h"
#include "broker/server/configuration/cleaner_settings.h"
#include "broker/server/configuration/current_configuration.h"
#include "broker/server/configuration/move_settings.h"
#include "broker/server/configuration/topic_configuration.h"
#include "broker/server/coordinators.h"
#include "broker/server/fetch_sessions.h"
#include "broker/server/image_waits.h"
#include "broker/server/live_configuration.h"
#include "broker/server/quota_configuration.h"
#include "broker/server/request_dispatcher.h"
#include "broker/server/waiting_fetches.h"

namespace millrace::server {
namespace {

constexpr Logger logger{"broker"};
constexpr Duration stuck_loop = std::chrono::seconds(30);
constexpr Duration conversion_patience = std::chrono::minutes(5);
constexpr Duration stop_patience = std::chrono::seconds(30);
constexpr Duration compaction_end_max = std::chrono::seconds(10);  // of a step, or of a segment's way into its log
constexpr Duration request_end_max = std::chrono::seconds(2);      // of one that nobody waits for any more

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
    return fail(ErrorKind::unavailable, details_ ? reason_ + ": " + details_() : reason_);
  }
  void watch(const network::ShardRuntime* runtime) {
    std::lock_guard lock(mutex_);
    runtime_ = runtime;
  }
  // Empty: ready. `details` is asked for more each time, until the reason is another one.
  void set_reason(std::string reason, std::function<std::string()> details = nullptr) {
    std::lock_guard lock(mutex_);
    reason_ = std::move(reason);
    details_ = std::move(details);
  }

 private:
  mutable std::mutex mutex_;
  const network::ShardRuntime* runtime_ = nullptr;
  std::string reason_ = "starting";
  std::function<std::string()> details_;
};

// Started on demand: log.cleaner.threads may grow while the broker runs.
constexpr std::size_t most_cleaner_threads = 64;

// An id of zero is from before topic ids.
bool is_hosted(const metadata::ClusterImage& image, const TopicPartition& partition, const TopicId& topic_id,
               BrokerId self) {
  const auto topic = image.topic(partition.topic);
  if (topic == nullptr) return false;
  if (!topic_id.is_zero() && !topic->id.is_zero() && topic->id != topic_id) return false;
  const auto* found = topic->partition(partition.partition);
  return found != nullptr && std::ranges::find(found->replicas, self) != found->replicas.end();
}

}  // namespace

class Broker::State {
 public:
  State(const BrokerConfiguration& configuration, MetricsRegistry& metrics)
      : configuration_(configuration), metrics_(metrics) {}

  Status start(const std::function<void()>& about_to_serve) {
    return open_network()
        .and_then([&] { return open_logs(); })
        .and_then([&] { return open_metadata(); })
        .and_then([&] { return load_logs(); })
        .and_then([&] { return lead(); })
        .and_then([&] { return serve(about_to_serve); });
  }

  Result<std::size_t> convert_groups_to_classic() {
    auto led = open_network()
                   .and_then([&] { return open_logs(); })
                   .and_then([&] { return open_metadata(); })
                   .and_then([&] { return load_logs(); })
                   .and_then([&] { return lead(); });
    if (!led) return tl::unexpected(led.error());
    auto answer = std::make_shared<std::promise<coordinator::ClassicConversion>>();
    auto ended = answer->get_future();
    coordinators_->convert_groups_to_classic([answer](const auto& converted) { answer->set_value(converted); });
    if (ended.wait_for(conversion_patience) != std::future_status::ready)
      return fail(ErrorKind::timed_out, "not all partitions of __consumer_offsets could be read, see the log");
    const auto converted = ended.get();
    if (converted.error == protocol::ErrorCode::none) return converted.groups;
    return fail(ErrorKind::io, "not all groups could be converted: " + std::string(to_string(converted.error)));
  }

  Status stop() {
    if (stopped_) return {};
    stopped_ = true;
    health_.set_reason("stopping");
    if (waiting_fetches_) wake_waiting_fetches();
    if (coordinators_) coordinators_->unload();
    if (live_) live_->stop();
    if (network_ && !network_->stop(stop_patience))
      logger.warning("requests in work were cut off: they took too long to end");
    if (store_) leave_cluster();
    if (dispatcher_) end_requests_without_clients();
    if (logs_loaded_) stop_cleaner();
    if (runtime_) runtime_->stop();
    if (cleaner_threads_) cleaner_threads_->stop();
    if (journal_threads_) journal_threads_->stop();
    // Not before: requests whose clients have gone may still be in work, and nobody waits long for those.
    topic_commands_.reset();
    config_commands_.reset();
    producer_ids_.reset();
    store_.reset();
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
  Identity identity_;
  std::vector<ServingListener> serving_;
  std::function<void(const std::string&)> all_directories_offline_;

 private:
  Shard& metadata_shard() { return runtime_->at(0); }

  Status open_network() {
    network::ShardRuntimeConfig runtime;
    runtime.shards = configuration_.shards > 0 ? configuration_.shards : usable_cores();
    runtime.worker_threads_max = configuration_.worker_threads;
    runtime.loop.slice = configuration_.request_slice;
    runtime.sharing.enabled = configuration_.shards_share_thread;
    auto started = network::ShardRuntime::start(runtime, metrics_);
    if (!started) return tl::unexpected(started.error());
    runtime_ = std::move(*started);
    health_.watch(runtime_.get());

    auto created = network::NetworkServer::create(*runtime_, configuration_.network, forwarder_, metrics_);
    if (!created) return tl::unexpected(created.error());
    network_ = std::move(*created);
    current_ = std::make_unique<CurrentConfiguration>(configuration_, *runtime_);
    live_ = std::make_unique<LiveConfiguration>(*current_, *network_, *runtime_, metadata_shard());
    // A port in use is known before anything else begins.
    return live_->bind(BrokerConfigLayers(configuration_));
  }

  Status open_logs() {
    conversions_ = std::make_shared<protocol::ConversionBounds>(configuration_.conversion, &metrics_);
    auto options = configuration_.log;
    options.conversions = conversions_;
    logs_ = std::make_unique<log::LogManager>(
        options, posix_file_system(), clock_, runtime_->pool(), random_,
        [this](const TopicPartition& partition) -> Shard& {
          return runtime_->at(replication::owner_of(partition.topic, partition.partition, runtime_->size()));
        });
    logs_->show_in(metrics_);
    journal_threads_ = std::make_unique<network::BlockingThreads>(
        "journal", options.directories.size(),
        metrics_.gauge("millrace_journal_queued", "Groups of appends that wait for a thread"));
    logs_->use_journal_threads(*journal_threads_);
    cleaner_threads_ = std::make_unique<network::BlockingThreads>(
        "cleaner", most_cleaner_threads,
        metrics_.gauge("millrace_cleaner_queued", "Pieces of compaction that wait for a thread"));
    logs_->on_all_directories_offline(all_directories_offline_);
    return logs_->open_directories();
  }

  Status open_metadata() {
    auto opened = metadata::EmbeddedStore::open({configuration_.metadata_store.directory}, clock_, random_);
    if (!opened) return tl::unexpected(opened.error());
    embedded_ = std::move(*opened);
    cache_ = std::make_unique<metadata::MetadataCache>(*runtime_);
    quotas_ = std::make_unique<security::ClientQuotas>(client_quota_settings(configuration_.values), metrics_);
    follow_quotas(*cache_, metadata_shard(), *quotas_, network_->connection_rates());
    store_ = embedded_->connect(metadata_shard());
    auto found = run_and_wait(metadata_shard(), [this] { return find_identity(); });
    if (!found) return found;
    if (auto bound = live_->bind(*current_->of(metadata_shard().id())); !bound) return bound;
    // Before anybody else hears of images: who hears them reads the configuration as it is then.
    current_->follow(*cache_, identity_.broker_id);
    image_waits_ = std::make_unique<ImageWaits>(*cache_, *runtime_);
    return run_and_wait(metadata_shard(), [this] { return join_cluster(); });
  }

  Task<Status> find_identity() {
    store_->open_session(std::nullopt);
    JoinRequest request;
    request.stored_cluster_id = logs_->cluster_id();
    request.wanted_cluster_id = configuration_.cluster_id;
    request.stored_broker_id = logs_->broker_id();
    request.wanted_broker_id = configuration_.broker_id;
    request.first_generated_broker_id = BrokerId(configuration_.max_reserved_broker_id + 1);
    auto identity = co_await identify(*store_, random_, std::move(request));
    if (!identity) co_return tl::unexpected(identity.error());
    identity_ = std::move(*identity);
    auto stored = co_await read_broker_configs(*store_, identity_.broker_id);
    if (!stored) co_return tl::unexpected(stored.error());
    current_->begin_with(std::make_shared<const BrokerConfigLayers>(configuration_, std::move(stored->all_brokers),
                                                                    std::move(stored->of_broker)));
    co_return Status{};
  }

  Task<Status> join_cluster() {
    registration_znode_.endpoints = live_->endpoints();
    if (!configuration_.rack.empty()) registration_znode_.rack = configuration_.rack;
    registration_znode_.timestamp = clock_.wall_clock();
    auto registered = co_await register_broker(*store_, identity_.broker_id, registration_znode_);
    if (!registered) co_return tl::unexpected(registered.error());
    registration_ = std::move(*registered);
    auto term = co_await completion<Result<std::optional<controller::ControllerTerm>>>([&](auto done) {
      controller::elect_controller(*store_, registration_.id, clock_.wall_clock(), std::move(done));
    });
    if (!term) co_return tl::unexpected(term.error());
    if (!*term) co_return fail(ErrorKind::conflict, "another broker is the controller of this embedded store");
    topic_commands_ = std::make_unique<controller::TopicCommands>(*store_, **term);
    config_commands_ = std::make_unique<controller::ConfigCommands>(*store_);
    producer_ids_ = std::make_unique<metadata::ProducerIdBlocks>(*store_, registration_.id);
    znode_offsets_ = std::make_unique<metadata::ZnodeOffsets>(*store_);
    auto resumed = co_await completion<Status>([&](auto done) { topic_commands_->resume(std::move(done)); });
    if (!resumed) co_return resumed;
    loader_ = std::make_unique<metadata::MetadataLoader>(*store_, *cache_);
    co_return co_await completion<Status>([&](auto done) { loader_->start(std::move(done)); });
  }

  Status load_logs() {
    if (auto set = logs_->set_identity(identity_.broker_id, identity_.cluster_id); !set) return set;
    // The pointers are read on their own shard; the loader has delivered the image before it answered.
    struct Known {
      std::shared_ptr<const metadata::ClusterImage> image;
      CurrentConfiguration::Layers configuration;
    };
    auto known = run_and_wait(metadata_shard(), [this]() -> Task<Known> {
      const auto shard = metadata_shard().id();
      co_return Known{cache_->image(shard), current_->of(shard)};
    });
    const auto& values = known.configuration->values();
    logs_->set_load_options(static_cast<std::size_t>(values.integer("num.recovery.threads.per.data.dir")),
                            values.integer("producer.id.expiration.ms"));
    health_.set_reason("recovering the logs", [this] { return log::describe_progress(logs_->directories()); });
    logs_->set_concurrent_moves(concurrent_moves(values, configuration_.log.directories.size()));
    auto config = [&](const std::string& topic) {
      return topic_settings(values, *known.image->topic_config(topic)).log;
    };
    auto knows = [&, self = registration_.id](const TopicPartition& partition, const TopicId& topic_id) {
      return is_hosted(*known.image, partition, topic_id, self);
    };
    auto loaded = logs_->load(config, knows);
    if (!loaded) return loaded;
    health_.set_reason("starting");
    logs_loaded_ = true;
    metadata_shard().post([this] { start_logs(); });
    return {};
  }

  // On the metadata shard.
  void start_logs() {
    logs_->start(metadata_shard(), *cleaner_threads_);
    auto reconfigure = [this](const BrokerConfigLayers& layers) {
      logs_->reconfigure_cleaner(cleaner_options(layers.values()));
      logs_->reconfigure_scrubber(scrub_options(layers.values()));
      logs_->set_move_rate(move_rate(layers));
    };
    reconfigure(*current_->of(metadata_shard().id()));
    current_->subscribe(metadata_shard().id(),
                        [reconfigure](const auto&, const auto& after, const auto&) { reconfigure(*after); });
  }

  // A segment that is being swapped in would make the stop an unclean one.
  void stop_cleaner() {
    auto stopped = std::make_shared<std::promise<void>>();
    auto ended = stopped->get_future();
    metadata_shard().post([this, stopped] { logs_->stop_cleaner([stopped] { stopped->set_value(); }); });
    if (ended.wait_for(compaction_end_max) != std::future_status::ready)
      logger.warning("compaction was cut off: its disk takes long");
  }

  // Everything that requests need, and every partition led.
  Status lead() {
    replication::PartitionTable::Environment environment{
        registration_.id, logs_.get(), [this](ShardId shard, const metadata::ConfigMap& overrides) {
          auto settings = topic_settings(current_->of(shard)->values(), overrides);
          return replication::PartitionConfig{settings.log, static_cast<std::size_t>(settings.min_insync_replicas)};
        }};
    coordinators_ = std::make_unique<Coordinators>(*runtime_, configuration_, random_);
    coordinators_->follow(*cache_);
    environment.leadership = coordinators_.get();
    replicas_ = std::make_unique<replication::ReplicaManager>(*runtime_, std::move(environment));
    coordinators_->coordinate_transactions({registration_.id, *cache_, metadata_shard(), *producer_ids_, *replicas_});
    waiting_fetches_ = std::make_unique<WaitingFetches>(runtime_->size());
    FetchSessions::Settings sessions;
    sessions.slots = configuration_.fetch_session_slots;
    sessions.max_partitions = configuration_.fetch_session_max_partitions;
    fetch_sessions_ = std::make_unique<FetchSessions>(sessions, random_, metrics_);
    services_.emplace(BrokerServices{configuration_,   *current_,        registration_.id,  identity_.cluster_id,
                                     *runtime_,        *cache_,          *image_waits_,     *replicas_,
                                     metadata_shard(), *topic_commands_, *config_commands_, *producer_ids_,
                                     *znode_offsets_,  random_,          *waiting_fetches_, *logs_,
                                     *quotas_,         *fetch_sessions_, conversions_,      *coordinators_});
    dispatcher_ = std::make_unique<RequestDispatcher>(*services_, metrics_);
    forwarder_.target = dispatcher_.get();
    run_and_wait(metadata_shard(), [this] { return take_over_partitions(); });
    return {};
  }

  Status serve(const std::function<void()>& about_to_serve) {
    about_to_serve();
    if (auto started = network_->start(); !started) return started;
    live_->start(*replicas_, [this](auto endpoints) { advertise(std::move(endpoints)); });
    for (const auto& endpoint : registration_.endpoints) {
      serving_.push_back({endpoint.listener, host_and_port(endpoint)});
    }
    health_.set_reason("");
    logger.info("broker " + std::to_string(registration_.id.value()) + " of cluster " + identity_.cluster_id +
                " serves");
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

  // On the metadata shard.
  void advertise(std::vector<metadata::Endpoint> endpoints) {
    registration_znode_.endpoints = std::move(endpoints);
    spawn(update_registration(*store_, registration_.id, registration_znode_), [](const Status& updated) {
      if (!updated) logger.error("the broker's registration keeps its listeners: " + updated.error().message);
    });
  }

  void leave_cluster() {
    std::promise<void> closed;
    metadata_shard().post([&] {
      loader_.reset();
      store_->close_session([&](const Status&) { closed.set_value(); });
    });
    closed.get_future().wait();
  }

  // Requests of connections that are closed: the network does not wait for them. What they ask of the metadata store fails
  // by now.
  void end_requests_without_clients() {
    std::vector<std::future<void>> idle;
    for (ShardId id = 0; id < runtime_->size(); ++id) {
      auto ended = std::make_shared<std::promise<void>>();
      idle.push_back(ended->get_future());
      auto& shard = runtime_->at(id);
      shard.post([this, &shard, ended = std::move(ended)] {
        image_waits_->end(shard);
        dispatcher_->when_idle(shard, [ended] { ended->set_value(); });
      });
    }
    const auto end = std::chrono::steady_clock::now() + request_end_max;
    for (auto& shard : idle) {
      if (shard.wait_until(end) != std::future_status::ready)
        return logger.warning("requests of closed connections were cut off");
    }
  }

  // The network is opened before there is anybody to answer; nothing is accepted until there is.
  struct Forwarder final : network::RequestHandler {
    void handle(network::Request request, network::Responder responder) override {
      target->handle(std::move(request), std::move(responder));
    }
    void closed(network::ConnectionInfo& connection) override { target->closed(connection); }
    network::RequestHandler* target = nullptr;
  };

  SystemClock clock_;
  SystemRandom random_;
  Forwarder forwarder_;
  metadata::znodes::BrokerRegistration registration_znode_;
  bool logs_loaded_ = false;
  bool stopped_ = false;
  // Destroyed in the opposite order: whoever uses comes below what it uses.
  std::unique_ptr<network::ShardRuntime> runtime_;
  std::unique_ptr<CurrentConfiguration> current_;
  protocol::ConversionBoundsPointer conversions_;
  std::unique_ptr<network::BlockingThreads> cleaner_threads_;
  std::unique_ptr<network::BlockingThreads> journal_threads_;
  std::unique_ptr<log::LogManager> logs_;
  std::unique_ptr<metadata::EmbeddedStore> embedded_;
  std::unique_ptr<security::ClientQuotas> quotas_;
  std::unique_ptr<metadata::MetadataCache> cache_;
  std::unique_ptr<ImageWaits> image_waits_;
  std::unique_ptr<metadata::MetadataStore> store_;
  std::unique_ptr<controller::TopicCommands> topic_commands_;
  std::unique_ptr<controller::ConfigCommands> config_commands_;
  std::unique_ptr<metadata::ProducerIdBlocks> producer_ids_;
  std::unique_ptr<metadata::ZnodeOffsets> znode_offsets_;
  std::unique_ptr<metadata::MetadataLoader> loader_;
  std::unique_ptr<Coordinators> coordinators_;
  std::unique_ptr<replication::ReplicaManager> replicas_;
  std::unique_ptr<FetchSessions> fetch_sessions_;
  std::unique_ptr<WaitingFetches> waiting_fetches_;
  std::optional<BrokerServices> services_;
  std::unique_ptr<RequestDispatcher> dispatcher_;
  std::unique_ptr<network::NetworkServer> network_;
  std::unique_ptr<LiveConfiguration> live_;
};

Broker::Broker(const BrokerConfiguration& configuration, MetricsRegistry& metrics)
    : state_(std::make_unique<State>(configuration, metrics)) {}
Broker::~Broker() { stop(); }

void Broker::on_all_directories_offline(std::function<void(const std::string& why)> end) {
  state_->all_directories_offline_ = std::move(end);
}

Status Broker::start(const std::function<void()>& about_to_serve) {
  auto started = state_->start(about_to_serve);
  if (!started) state_->stop();
  return started;
}
Result<std::size_t> Broker::convert_groups_to_classic() { return state_->convert_groups_to_classic(); }
Status Broker::stop() { return state_->stop(); }
const BrokerHealth& Broker::health() const { return state_->health_; }
BrokerId Broker::broker_id() const { return state_->registration_.id; }
const std::string& Broker::cluster_id() const { return state_->identity_.cluster_id; }
const std::vector<ServingListener>& Broker::listeners() const { return state_->serving_; }

}  // namespace millrace::server

#include "operator/kubernetes/informer.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <thread>

#include "broker/base/logging.h"
#include "broker/base/random.h"
#include "operator/kubernetes/api.h"
#include "operator/kubernetes/backoff.h"

namespace millrace::kubernetes {

namespace {

constexpr Logger logger{"informer"};

// Spread, so that the watches of all informers do not end together.
constexpr std::uint64_t watch_seconds_min = 300;
constexpr std::uint64_t watch_seconds_spread = 300;
// A watch that lived this long was a good one: the next failure counts as the first.
constexpr std::chrono::seconds good_watch{10};

std::string metadata_text(const Json& object, const char* key) {
  auto metadata = object.find("metadata");
  if (metadata == object.end() || !metadata->is_object()) return {};
  auto found = metadata->find(key);
  return found != metadata->end() && found->is_string() ? found->get<std::string>() : std::string();
}

ObjectKey key_of(const Json& object) {
  return ObjectKey{metadata_text(object, "namespace"), metadata_text(object, "name")};
}

}  // namespace

class InformerCore::State {
 public:
  struct Item {
    std::string resource_version;
    Value value;
  };
  using Items = std::map<ObjectKey, Item>;

  State(KubernetesApi& api, const Clock& clock, Random& random, InformerOptions options, Projection projection)
      : api_(api),
        clock_(clock),
        random_(random),
        options_(std::move(options)),
        projection_(std::move(projection)),
        backoff_(options_.backoff_min, options_.backoff_max, random) {}

  void add_handler(Handler handler) { handlers_.push_back(std::move(handler)); }

  void start() {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }

  void stop() {
    thread_.request_stop();
    {
      std::lock_guard lock(mutex_);
      stopped_ = true;
      changed_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
  }

  bool has_synced() const {
    std::lock_guard lock(mutex_);
    return synced_;
  }

  bool wait_until_synced(Duration timeout) const {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, timeout, [this] { return synced_ || stopped_; });
    return synced_;
  }

  Value get(const ObjectKey& key) const {
    std::lock_guard lock(mutex_);
    auto found = items_.find(key);
    return found == items_.end() ? nullptr : found->second.value;
  }

  void visit(const Visitor& visitor) const {
    std::lock_guard lock(mutex_);
    for (const auto& [key, item] : items_) visitor(key, item.value);
  }

  std::size_t size() const {
    std::lock_guard lock(mutex_);
    return items_.size();
  }

  std::string last_error() const {
    std::lock_guard lock(mutex_);
    return last_error_;
  }

 private:
  enum class Next { list, watch };

  void run(const std::stop_token& stop) {
    Next next = Next::list;
    while (!stop.stop_requested()) {
      MonotonicTime began = clock_.now();
      Status done = next == Next::list ? list(stop) : watch(stop);
      if (stop.stop_requested()) return;
      if (done) {
        note_error({});
        if (next == Next::list) {
          next = Next::watch;
        } else if (clock_.now() - began >= good_watch) {
          backoff_.reset();
        } else {
          rest(stop);  // a server that ends every watch at once
        }
        continue;
      }
      if (done.error().kind == ErrorKind::cancelled) {  // the client was stopped, and so will this be
        rest(stop);
        continue;
      }
      next = after_failure(next, done.error());
      if (next == Next::watch && clock_.now() - began >= good_watch) backoff_.reset();
      rest(stop);
    }
  }

  Next after_failure(Next failed, const Error& error) {
    if (error.kind == ErrorKind::session_expired) {
      // Normal after a long absence. The version that this server does not know is of no use any more.
      version_ = {};
      list_newest_ = true;
      logger.debug(error.message + "; listing again");
      return Next::list;
    }
    note_error(error.message);
    bool resumable = error.kind == ErrorKind::connection_loss || error.kind == ErrorKind::unavailable ||
                     error.kind == ErrorKind::timed_out;
    return failed == Next::watch && resumable ? Next::watch : Next::list;
  }

  void note_error(const std::string& message) {
    std::lock_guard lock(mutex_);
    // Said once, not at every retry.
    if (!message.empty() && message != last_error_) logger.warning(message);
    if (message.empty() && !last_error_.empty()) logger.info("current again: " + std::string(options_.type.plural));
    last_error_ = message;
  }

  void rest(const std::stop_token& stop) {
    Duration delay = backoff_.next();
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, delay, [this, &stop] { return stopped_ || stop.stop_requested(); });
  }

  Status list(const std::stop_token& stop) {
    ListOptions options{.namespace_name = options_.namespace_name,
                        .label_selector = options_.label_selector,
                        .field_selector = options_.field_selector,
                        .stop = stop};
    // Never older than what was seen; at the first time whatever the server has at hand.
    if (!list_newest_) options.resource_version = version_.empty() ? "0" : version_;
    Items listed;
    auto take = [this, &listed](Json&& object) {
      ObjectKey key = key_of(object);
      std::string version = metadata_text(object, "resourceVersion");
      Value value = known_value(key, version);
      if (!value) value = project(key, object);
      if (value) listed.insert_or_assign(std::move(key), Item{std::move(version), std::move(value)});
    };
    Result<std::string> version = api_.list(options_.type, options, take);
    if (!version) return tl::unexpected<Error>(version.error());
    version_ = std::move(*version);  // the list's own, not its last item's
    list_newest_ = false;
    replace_all(std::move(listed));
    return {};
  }

  Value known_value(const ObjectKey& key, const std::string& version) const {
    std::lock_guard lock(mutex_);
    auto found = items_.find(key);
    return found != items_.end() && !version.empty() && found->second.resource_version == version ? found->second.value
                                                                                                  : nullptr;
  }

  void replace_all(const Items& listed) {
    Items before;
    {
      std::lock_guard lock(mutex_);
      before = std::exchange(items_, listed);
    }
    for (const auto& [key, item] : before) {
      if (!listed.contains(key)) tell(Change::removed, key, item.value.get(), nullptr);
    }
    for (const auto& [key, item] : listed) {
      auto old = before.find(key);
      if (old == before.end()) {
        tell(Change::added, key, nullptr, item.value.get());
      } else if (old->second.value != item.value) {
        tell(Change::updated, key, old->second.value.get(), item.value.get());
      }
    }
    std::lock_guard lock(mutex_);
    synced_ = true;
    changed_.notify_all();
  }

  Status watch(const std::stop_token& stop) {
    WatchOptions options{
        .namespace_name = options_.namespace_name,
        .label_selector = options_.label_selector,
        .field_selector = options_.field_selector,
        .resource_version = version_,
        .server_timeout = std::chrono::seconds(watch_seconds_min + random_.below(watch_seconds_spread))};
    auto take = [this](WatchEventType type, Json&& object) {
      // The connection is good, even if the next one fails at once.
      note_error({});
      take_event(type, object);
    };
    return api_.watch(options_.type, options, take, stop);
  }

  void take_event(WatchEventType type, const Json& object) {
    std::string version = metadata_text(object, "resourceVersion");
    if (type != WatchEventType::bookmark) {
      ObjectKey key = key_of(object);
      if (type == WatchEventType::deleted) {
        drop(key);
      } else if (!known_value(key, version)) {
        Value value = project(key, object);
        value ? put(key, Item{version, std::move(value)}) : drop(key);
      }
    }
    if (!version.empty()) version_ = std::move(version);
  }

  Value project(const ObjectKey& key, const Json& object) {
    try {
      if (Value value = projection_(object)) return value;
    } catch (const Json::exception& exception) {
      logger.warning(ObjectReference{options_.type, key.namespace_name, key.name}.text() +
                     " is left out: " + exception.what());
    }
    return nullptr;
  }

  void put(const ObjectKey& key, Item item) {
    Value after = item.value;
    Value before;
    {
      std::lock_guard lock(mutex_);
      Item& stored = items_[key];
      before = std::move(stored.value);
      stored = std::move(item);
    }
    tell(before ? Change::updated : Change::added, key, before.get(), after.get());
  }

  void drop(const ObjectKey& key) {
    Value before;
    {
      std::lock_guard lock(mutex_);
      auto found = items_.find(key);
      if (found == items_.end()) return;
      before = std::move(found->second.value);
      items_.erase(found);
    }
    tell(Change::removed, key, before.get(), nullptr);
  }

  void tell(Change change, const ObjectKey& key, const void* before, const void* after) const {
    for (const Handler& handler : handlers_) handler(change, key, before, after);
  }

  KubernetesApi& api_;
  const Clock& clock_;
  Random& random_;
  const InformerOptions options_;
  const Projection projection_;
  std::vector<Handler> handlers_;

  // Of the informer's thread.
  Backoff backoff_;
  std::string version_;
  bool list_newest_ = false;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  Items items_;
  std::string last_error_;
  bool synced_ = false;
  bool stopped_ = false;

  std::jthread thread_;
};

InformerCore::InformerCore(KubernetesApi& api, const Clock& clock, Random& random, InformerOptions options,
                           Projection projection)
    : state_(std::make_unique<State>(api, clock, random, std::move(options), std::move(projection))) {}
InformerCore::~InformerCore() { state_->stop(); }

void InformerCore::on_change(Handler handler) { state_->add_handler(std::move(handler)); }
void InformerCore::start() { state_->start(); }
void InformerCore::stop() { state_->stop(); }
bool InformerCore::has_synced() const { return state_->has_synced(); }
bool InformerCore::wait_until_synced(Duration timeout) const { return state_->wait_until_synced(timeout); }
InformerCore::Value InformerCore::get(const ObjectKey& key) const { return state_->get(key); }
void InformerCore::visit(const Visitor& visitor) const { state_->visit(visitor); }
std::size_t InformerCore::size() const { return state_->size(); }
std::string InformerCore::last_error() const { return state_->last_error(); }

}  // namespace millrace::kubernetes

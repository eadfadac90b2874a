// A client of a metadata store for tests: calls that wait for their answer, and a record of everything heard, in order.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "broker/base/manual_shard.h"
#include "broker/metadata/metadata_store.h"
#include "broker/metadata/store_tasks.h"

namespace millrace::metadata::test {

inline std::string to_text(const WatchEvent& event) {
  switch (event.type) {
    case WatchEvent::Type::created:
      return "created " + event.path;
    case WatchEvent::Type::deleted:
      return "deleted " + event.path;
    case WatchEvent::Type::data_changed:
      return "data_changed " + event.path;
    case WatchEvent::Type::children_changed:
      return "children_changed " + event.path;
  }
  return "?";
}

inline std::string to_text(SessionEvent event) {
  switch (event) {
    case SessionEvent::connected:
      return "connected";
    case SessionEvent::disconnected:
      return "disconnected";
    case SessionEvent::expired:
      return "expired";
    case SessionEvent::closed:
      return "closed";
  }
  return "?";
}

// Lets the shard, its timers (as fast as real time goes) and the store's own thread work until `done`; false after half a minute.
template <class Done>
bool wait_until(ManualShard& shard, Done done) {
  SystemClock real;
  auto last = real.now();
  auto deadline = last + std::chrono::seconds(30);
  while (true) {
    shard.run();
    if (done()) return true;
    auto now = real.now();
    if (now > deadline) return false;
    shard.advance(now - last);
    last = now;
    std::this_thread::yield();
  }
}

class StoreClient final : public MetadataListener {
 public:
  StoreClient(ManualShard& shard, std::unique_ptr<MetadataStore> store) : shard_(shard), store_(std::move(store)) {
    store_->add_listener(*this);
  }
  StoreClient(const StoreClient&) = delete;
  StoreClient& operator=(const StoreClient&) = delete;
  ~StoreClient() {
    if (store_) store_->remove_listener(*this);
  }

  [[nodiscard]] MetadataStore& store() { return *store_; }
  [[nodiscard]] ManualShard& shard() { return shard_; }
  // What was heard and, by note(), answered.
  std::vector<std::string> take_heard() { return std::exchange(heard_, {}); }
  [[nodiscard]] const std::vector<std::string>& heard() const { return heard_; }
  void note(std::string what) { heard_.push_back(std::move(what)); }
  [[nodiscard]] bool hears(const std::string& what) {
    return wait_until(shard_, [&] { return std::ranges::find(heard_, what) != heard_.end(); });
  }

  void on_session_event(SessionEvent event) override { note(to_text(event)); }
  void on_watch_event(const WatchEvent& event) override { note(to_text(event)); }

  // Waits for a session.
  bool open(std::optional<SessionIdentity> take_over = std::nullopt) {
    store_->open_session(take_over);
    return hears("connected");
  }
  void destroy() {
    store_->remove_listener(*this);
    store_.reset();
  }

  template <class T>
  Result<T> wait(const std::function<void(Reply<T>)>& start) {
    auto answer = std::make_shared<std::optional<Result<T>>>();
    start([answer](Result<T> result) { answer->emplace(std::move(result)); });
    if (!wait_until(shard_, [&] { return answer->has_value(); })) {
      return fail(ErrorKind::timed_out, "the test waited for half a minute");
    }
    return std::move(**answer);
  }

  Result<Created> create(std::string path, std::string data = {}, CreateMode mode = CreateMode::persistent) {
    return wait<Created>([&](auto reply) { store_->create(path, data, mode, std::move(reply)); });
  }
  Result<void> remove(std::string path, ZnodeVersion expected = any_version) {
    return wait<void>([&](auto reply) { store_->remove(path, expected, std::move(reply)); });
  }
  Result<Stat> set(std::string path, std::string data, ZnodeVersion expected = any_version) {
    return wait<Stat>([&](auto reply) { store_->set(path, data, expected, std::move(reply)); });
  }
  Result<MultiResult> multi(std::vector<Operation> operations) {
    return wait<MultiResult>([&](auto reply) { store_->multi(operations, std::move(reply)); });
  }
  Result<Znode> get(std::string path, Watch watch = Watch::no) {
    return wait<Znode>([&](auto reply) { store_->get(path, watch, std::move(reply)); });
  }
  Result<std::optional<Stat>> exists(std::string path, Watch watch = Watch::no) {
    return wait<std::optional<Stat>>([&](auto reply) { store_->exists(path, watch, std::move(reply)); });
  }
  Result<Children> children(std::string path, Watch watch = Watch::no) {
    return wait<Children>([&](auto reply) { store_->children(path, watch, std::move(reply)); });
  }
  Result<void> sync(std::string path) {
    return wait<void>([&](auto reply) { store_->sync(path, std::move(reply)); });
  }
  Result<void> close() {
    return wait<void>([&](auto reply) { store_->close_session(std::move(reply)); });
  }

 private:
  ManualShard& shard_;
  std::unique_ptr<MetadataStore> store_;
  std::vector<std::string> heard_;
};

// The kind of a failure, or none for a success: what most expectations are about.
template <class T>
std::optional<ErrorKind> kind_of(const Result<T>& result) {
  return result ? std::nullopt : std::optional(result.error().kind);
}

}  // namespace millrace::metadata::test

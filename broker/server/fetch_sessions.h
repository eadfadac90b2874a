// The fetch sessions of all clients (KIP-227): who may have one, whose goes when there is no room (Kafka: FetchManager,
// FetchSessionCache). A client may come back on another connection, and so on another shard: hence one cache for all,
// with a lock that is held for a few look-ups, and one lock for each session.
//
// A new session takes the place of another one that
//   1. has not been used for eviction_ms, or
//   2. is a consumer's while the new one is a follower's, or
//   3. has at most as many partitions, is of the same kind and was begun more than eviction_ms ago.
// Without room the client gets session 0: it fetches as before sessions were there.
//
// Bounded by the number of sessions and of all their partitions. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/base/metrics.h"
#include "broker/protocol/error_code.h"
#include "broker/server/fetch_session.h"

namespace millrace {
class Random;
}

namespace millrace::server {

// What a request is within its session, and the partitions that are to be read for it, in order.
struct FetchContext {
  enum class Kind : std::uint8_t { refused, sessionless, full, incremental };
  Kind kind = Kind::sessionless;
  protocol::ErrorCode error = protocol::ErrorCode::none;  // of a refused one
  std::vector<FetchTarget> targets;

 private:
  friend class FetchSessions;
  struct Shared;
  std::shared_ptr<Shared> session_;  // of an incremental one
  std::int32_t request_epoch_ = 0;
  bool by_ids_ = false;
  bool is_follower_ = false;
};

class FetchSessions {
 public:
  struct Settings {
    std::size_t slots = 1000;              // max.incremental.fetch.session.cache.slots
    std::size_t max_partitions = 1000000;  // millrace.fetch.session.max.partitions
    std::int64_t eviction_ms = 120'000;    // Kafka: MIN_INCREMENTAL_FETCH_SESSION_EVICTION_MS
  };

  FetchSessions(const Settings& settings, Random& random, MetricsRegistry& metrics);
  ~FetchSessions();
  FetchSessions(const FetchSessions&) = delete;
  FetchSessions& operator=(const FetchSessions&) = delete;

  struct Request {
    std::int32_t session_id = 0;
    std::int32_t session_epoch = FetchSession::final_epoch;
    bool by_ids = false;  // version 13 and later
    bool is_follower = false;
    std::vector<FetchTarget> targets;
    const protocol::Array<protocol::FetchRequest::ForgottenTopic>& forgotten;
  };

  // `name_of(TopicId)` gives a shared name, or null. `now_ms` is of a clock that never goes back.
  template <class NameOf>
  FetchContext begin(Request request, std::int64_t now_ms, const NameOf& name_of) {
    auto context = begin(std::move(request), now_ms);
    if (context.session_) context.targets = targets_of(*context.session_, name_of);
    return context;
  }

  struct Outcome {
    protocol::ErrorCode error = protocol::ErrorCode::none;
    std::int32_t session_id = 0;
    std::vector<bool> told;  // for each target, whether it is part of the answer; empty: none is
  };
  // `answers` are those for the context's targets.
  Outcome finish(const FetchContext& context, std::span<const FetchAnswerSummary> answers, std::int64_t now_ms);

  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] std::size_t partitions() const;

 private:
  using Shared = FetchContext::Shared;
  using LastUsed = std::pair<std::int64_t, std::int32_t>;         // when, id
  using Evictable = std::tuple<bool, std::size_t, std::int32_t>;  // is a follower's, size, id
  struct Entry {
    std::shared_ptr<Shared> shared;
    std::int32_t id = 0;
    bool is_follower = false;
    std::int64_t created_ms = 0;
    std::int64_t last_used_ms = 0;
    std::size_t size = 0;  // when it was used last

    [[nodiscard]] LastUsed last_used() const { return {last_used_ms, id}; }
    [[nodiscard]] Evictable evictable() const { return {is_follower, size, id}; }
  };
  using NameOfPointer = std::shared_ptr<const std::string> (*)(const void*, const TopicId&);

  FetchContext begin(Request request, std::int64_t now_ms);
  FetchContext begin_incremental(Request& request, std::int64_t now_ms);
  template <class NameOf>
  static std::vector<FetchTarget> targets_of(Shared& session, const NameOf& name_of) {
    return targets_of(
        session, [](const void* of, const TopicId& id) { return (*static_cast<const NameOf*>(of))(id); }, &name_of);
  }
  static std::vector<FetchTarget> targets_of(Shared& session, NameOfPointer name_of, const void* of);
  Outcome finish_full(const FetchContext& context, std::span<const FetchAnswerSummary> answers, std::int64_t now_ms);

  // The rest with the lock held.
  bool make_room(bool is_follower, std::size_t size, std::int64_t now_ms);
  void touch(Entry& entry, std::size_t size, std::int64_t now_ms);
  void unlist(const Entry& entry);
  bool remove(std::int32_t id);
  void publish();

  const Settings settings_;
  Random& random_;
  MetricsRegistry::Gauge sessions_gauge_;
  MetricsRegistry::Gauge partitions_gauge_;
  MetricsRegistry::Counter evictions_;
  MetricsRegistry::Counter refusals_;

  mutable std::mutex mutex_;
  std::unordered_map<std::int32_t, Entry> sessions_;
  std::set<LastUsed> last_used_;
  std::set<Evictable> evictable_by_all_;
  std::set<Evictable> evictable_by_followers_;
  std::size_t partitions_ = 0;
};

}  // namespace millrace::server

// What clients may use of a broker, and for how long one that used more has to wait: bytes produced and fetched, time
// of the shards, changes of topics and partitions (Kafka: ClientQuotaManager, ClientRequestQuotaManager,
// ControllerMutationQuotaManager; KIP-13, 55, 124, 219, 599).
//
// A limit holds for a client over all its connections on all shards: what it used is counted in one place, under a
// lock that is held for a few arithmetic operations and never over I/O. Where no limit of a kind is set, that kind
// costs one relaxed load. Clients that have been silent for an hour are forgotten, and there is room for a bounded
// number of them: beyond it the longest silent goes. Any thread may call everything.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/base/clock.h"
#include "broker/base/metrics.h"
#include "broker/security/quota_table.h"
#include "broker/security/sampled_rate.h"
#include "broker/security/token_bucket.h"

namespace millrace::security {

struct ClientQuotaSettings {
  RateWindow window{};                // quota.window.num, quota.window.size.seconds
  RateWindow controller_window{};     // controller.quota.window.num, controller.quota.window.size.seconds
  std::size_t max_clients = 100'000;  // counted at once, of all kinds together
  Duration idle_max = std::chrono::hours(1);
};

// Who asks: the principal's name without its type, and the client id ("" for none).
struct QuotaClient {
  std::string_view user;
  std::string_view client_id;
};

class ClientQuotas {
 public:
  ClientQuotas(const ClientQuotaSettings& settings, MetricsRegistry& metrics);
  ClientQuotas(const ClientQuotas&) = delete;
  ClientQuotas& operator=(const ClientQuotas&) = delete;

  // Replaces the owner's limits; it holds for the next request.
  void set(const QuotaOwner& owner, const QuotaLimits& limits);

  // False: nobody has a limit of this kind, and nothing needs to be counted.
  [[nodiscard]] bool is_enabled(QuotaKind kind) const {
    return enabled_[static_cast<std::size_t>(kind)].load(std::memory_order_relaxed);
  }

  // False: nobody has any limit.
  [[nodiscard]] bool is_any_enabled() const { return any_enabled_.load(std::memory_order_relaxed); }

  // Counts `amount` and says for how long the client has to wait; zero while it is within its limit, or has none. Not
  // for controller_mutation. A wait for request time is never longer than one sample.
  Duration use(QuotaKind kind, const QuotaClient& client, double amount, MonotonicTime now);
  // Counts without asking: what was used after the answer was on its way, or, below zero, what was not used after all.
  void count(QuotaKind kind, const QuotaClient& client, double amount, MonotonicTime now);
  // How much a client may use in one window: an answer that is larger could never be given. Nothing without a limit.
  [[nodiscard]] std::optional<double> most_in_window(QuotaKind kind, const QuotaClient& client) const;

  // Changes of topics and partitions. Strictly: nothing is taken when the client is in debt. The wait is zero while
  // there is no debt.
  struct Mutation {
    bool allowed = true;
    Duration wait = Duration::zero();
  };
  Mutation mutate(const QuotaClient& client, double partitions, bool strictly, MonotonicTime now);

  // An answer that carries this wait was given.
  void count_throttled(QuotaKind kind, Duration wait);

  // Clients that are remembered.
  [[nodiscard]] std::size_t clients() const;

 private:
  struct Key {
    QuotaKind kind;
    std::string user;
    std::string client_id;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyView {
    QuotaKind kind;
    std::string_view user;
    std::string_view client_id;
  };
  struct KeyHash {
    using is_transparent = void;
    template <class AnyKey>
    std::size_t operator()(const AnyKey& key) const noexcept {
      const auto hash = std::hash<std::string_view>{};
      return (hash(key.user) * 31 + hash(key.client_id)) * 31 + static_cast<std::size_t>(key.kind);
    }
  };
  struct KeyEqual {
    using is_transparent = void;
    template <class Left, class Right>
    bool operator()(const Left& left, const Right& right) const noexcept {
      return left.kind == right.kind && left.user == right.user && left.client_id == right.client_id;
    }
  };
  // What a client used.
  struct Usage {
    SampledRate rate;
    TokenBucket bucket;  // of controller_mutation
    MonotonicTime last_used{};
    std::list<const Key*>::iterator order{};
  };
  // Some of the clients, so that shards seldom meet.
  struct Stripe {
    std::mutex mutex;
    std::unordered_map<Key, Usage, KeyHash, KeyEqual> usages;
    std::list<const Key*> order;  // longest silent first
  };
  static constexpr std::size_t stripes = 16;

  [[nodiscard]] std::optional<QuotaTable::Match> find(QuotaKind kind, const QuotaClient& client) const;
  // Calls work(usage) under the lock of the client that shares the limit.
  template <class Work>
  auto with_usage(QuotaKind kind, const QuotaClient& client, const QuotaTable::Match& match, MonotonicTime now,
                  Work work);
  Usage& usage_of(Stripe& stripe, const KeyView& key, MonotonicTime now);

  const ClientQuotaSettings settings_;
  std::array<std::atomic<bool>, quota_kinds> enabled_{};
  std::atomic<bool> any_enabled_{false};
  mutable std::shared_mutex table_mutex_;
  QuotaTable table_;
  mutable std::array<Stripe, stripes> stripes_;
  struct Metrics {
    MetricsRegistry::Counter throttled;
    MetricsRegistry::Counter throttle_seconds;
  };
  std::array<Metrics, quota_kinds> metrics_;
};

}  // namespace millrace::security

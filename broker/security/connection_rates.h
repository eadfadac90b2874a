// How often connections may be made: on the whole broker, on a listener, by an address (Kafka: ConnectionQuotas,
// KIP-612).
//
// Broker and listener: whoever accepts waits before it goes on. Address: the connection is refused, after a while in
// which it is held, so that who is refused does not come back at once. A wait is never longer than one sample. The
// brokers' own listener is no part of the broker's rate. Where no rate is set nothing is counted. Any thread may call
// everything.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "broker/base/clock.h"
#include "broker/base/metrics.h"
#include "broker/security/sampled_rate.h"

namespace millrace::security {

struct ConnectionRateSettings {
  RateWindow window{};                                     // quota.window.num, quota.window.size.seconds
  std::optional<double> broker{};                          // max.connection.creation.rate
  std::map<std::string, double, std::less<>> listeners{};  // by name in small letters
  std::size_t max_addresses = 100'000;                     // counted at once
};

class ConnectionRates {
 public:
  ConnectionRates(const ConnectionRateSettings& settings, MetricsRegistry& metrics);
  ConnectionRates(const ConnectionRates&) = delete;
  ConnectionRates& operator=(const ConnectionRates&) = delete;

  // Of all connections of the broker, nothing: no limit; and of listeners, others have none.
  void set_rates(std::optional<double> broker, const std::map<std::string, double, std::less<>>& listeners);
  // Of one address, such as "10.0.0.1"; nothing: that of all others. And of all that have none of their own.
  void set_address_rate(const std::string& address, std::optional<double> connections_per_second);
  void set_default_address_rate(std::optional<double> connections_per_second);

  // Counts a connection; for how long the listener accepts no other one. `exempt`: of the brokers' own listener.
  Duration accept(std::string_view listener, bool exempt, MonotonicTime now);
  // Counts a connection of the address; a wait above zero: refuse it after that long. Then it does not count.
  Duration admit(const std::string& address, MonotonicTime now);

 private:
  struct Limited {
    std::optional<double> limit;
    SampledRate rate;
  };
  struct Address {
    SampledRate rate;
    MonotonicTime last_used{};
  };

  [[nodiscard]] std::int64_t use(SampledRate& rate, double limit, std::int64_t now_ms) const;
  void update_enabled();
  void forget_silent_addresses(MonotonicTime now);

  const RateWindow window_;
  const std::size_t max_addresses_;
  std::atomic<bool> limits_accepts_{false};
  std::atomic<bool> limits_addresses_{false};
  std::mutex mutex_;
  Limited broker_;
  std::map<std::string, Limited, std::less<>> listeners_;
  std::optional<double> default_address_limit_;
  std::unordered_map<std::string, double> address_limits_;
  std::unordered_map<std::string, Address> addresses_;
  MetricsRegistry::Counter accepts_delayed_;
  MetricsRegistry::Counter accept_delay_seconds_;
};

}  // namespace millrace::security

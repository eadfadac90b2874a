#include "broker/security/connection_rates.h"

#include <algorithm>
#include <chrono>

namespace millrace::security {
namespace {

std::int64_t milliseconds(MonotonicTime time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

}  // namespace

ConnectionRates::ConnectionRates(const ConnectionRateSettings& settings, MetricsRegistry& metrics)
    : window_(settings.window),
      max_addresses_(std::max<std::size_t>(settings.max_addresses, 1)),
      accepts_delayed_(metrics.counter("millrace_connection_accepts_delayed_total",
                                       "Connections after which a listener paused because of a rate")),
      accept_delay_seconds_(metrics.counter("millrace_connection_accept_delay_seconds_total",
                                            "Time that listeners paused because of a rate")) {
  set_rates(settings.broker, settings.listeners);
}

void ConnectionRates::update_enabled() {
  limits_accepts_ = broker_.limit || std::ranges::any_of(listeners_, [](const auto& listener) {
                      return listener.second.limit.has_value();
                    });
  limits_addresses_ = default_address_limit_ || !address_limits_.empty();
  if (!limits_addresses_) addresses_.clear();
}

void ConnectionRates::set_rates(std::optional<double> broker,
                                const std::map<std::string, double, std::less<>>& listeners) {
  std::scoped_lock lock(mutex_);
  broker_.limit = broker;
  // One that stays keeps what it has counted.
  std::erase_if(listeners_, [&](const auto& listener) { return !listeners.contains(listener.first); });
  for (const auto& [listener, limit] : listeners) listeners_[listener].limit = limit;
  update_enabled();
}

void ConnectionRates::set_address_rate(const std::string& address, std::optional<double> connections_per_second) {
  std::scoped_lock lock(mutex_);
  if (connections_per_second) {
    address_limits_[address] = *connections_per_second;
  } else {
    address_limits_.erase(address);
  }
  update_enabled();
}

void ConnectionRates::set_default_address_rate(std::optional<double> connections_per_second) {
  std::scoped_lock lock(mutex_);
  default_address_limit_ = connections_per_second;
  update_enabled();
}

std::int64_t ConnectionRates::use(SampledRate& rate, double limit, std::int64_t now_ms) const {
  rate.record(window_, 1, now_ms);
  return std::min(rate.throttle_ms(window_, limit, now_ms), window_.sample_ms);
}

Duration ConnectionRates::accept(std::string_view listener, bool exempt, MonotonicTime now) {
  if (!limits_accepts_.load(std::memory_order_relaxed)) return Duration::zero();
  std::int64_t wait_ms = 0;
  {
    std::scoped_lock lock(mutex_);
    if (broker_.limit && !exempt) wait_ms = use(broker_.rate, *broker_.limit, milliseconds(now));
    if (auto found = listeners_.find(listener); found != listeners_.end() && found->second.limit) {
      wait_ms = std::max(wait_ms, use(found->second.rate, *found->second.limit, milliseconds(now)));
    }
  }
  if (wait_ms > 0) {
    accepts_delayed_.add();
    accept_delay_seconds_.add(static_cast<double>(wait_ms) / 1000);
  }
  return std::chrono::milliseconds(wait_ms);
}

void ConnectionRates::forget_silent_addresses(MonotonicTime now) {
  const auto window = std::chrono::milliseconds(window_.length_ms());
  std::erase_if(addresses_, [&](const auto& address) { return now - address.second.last_used >= window; });
  // All of them are busy: whoever comes next begins anew, which is the smaller evil.
  if (addresses_.size() >= max_addresses_) addresses_.erase(addresses_.begin());
}

Duration ConnectionRates::admit(const std::string& address, MonotonicTime now) {
  if (!limits_addresses_.load(std::memory_order_relaxed)) return Duration::zero();
  std::scoped_lock lock(mutex_);
  auto limit = default_address_limit_;
  if (auto own = address_limits_.find(address); own != address_limits_.end()) limit = own->second;
  if (!limit) return Duration::zero();
  if (addresses_.size() >= max_addresses_ && !addresses_.contains(address)) forget_silent_addresses(now);
  auto& used = addresses_[address];
  used.last_used = now;
  const auto wait_ms = use(used.rate, *limit, milliseconds(now));
  if (wait_ms > 0) used.rate.record(window_, -1, milliseconds(now));
  return std::chrono::milliseconds(wait_ms);
}

}  // namespace millrace::security

#include "broker/security/client_quotas.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace millrace::security {
namespace {

std::int64_t milliseconds(MonotonicTime time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

}  // namespace

ClientQuotas::ClientQuotas(const ClientQuotaSettings& settings, MetricsRegistry& metrics) : settings_(settings) {
  for (std::size_t at = 0; at < quota_kinds; ++at) {
    const MetricLabels labels{{"quota", std::string(to_string(static_cast<QuotaKind>(at)))}};
    metrics_[at] = {
        metrics.counter("millrace_quota_throttled_requests_total",
                        "Requests whose clients were told to wait, by the quota that they exceeded", labels),
        metrics.counter("millrace_quota_throttle_seconds_total",
                        "Time that clients were told to wait, by the quota that they exceeded", labels)};
  }
}

void ClientQuotas::set(const QuotaOwner& owner, const QuotaLimits& limits) {
  std::unique_lock lock(table_mutex_);
  table_.set(owner, limits);
  bool any = false;
  for (std::size_t at = 0; at < quota_kinds; ++at) {
    enabled_[at] = table_.count(static_cast<QuotaKind>(at)) > 0;
    any = any || enabled_[at];
  }
  any_enabled_ = any;
}

std::optional<QuotaTable::Match> ClientQuotas::find(QuotaKind kind, const QuotaClient& client) const {
  if (!is_enabled(kind)) return std::nullopt;
  std::shared_lock lock(table_mutex_);
  return table_.find(kind, client.user, client.client_id);
}

ClientQuotas::Usage& ClientQuotas::usage_of(Stripe& stripe, const KeyView& key, MonotonicTime now) {
  auto forget_oldest = [&stripe] {
    const auto oldest = stripe.usages.find(*stripe.order.front());
    stripe.order.pop_front();
    stripe.usages.erase(oldest);
  };
  auto found = stripe.usages.find(key);
  if (found == stripe.usages.end()) {
    if (stripe.usages.size() >= std::max<std::size_t>(settings_.max_clients / stripes, 1)) forget_oldest();
    found = stripe.usages.emplace(Key{key.kind, std::string(key.user), std::string(key.client_id)}, Usage{}).first;
    stripe.order.push_back(&found->first);
    found->second.order = std::prev(stripe.order.end());
  } else {
    stripe.order.splice(stripe.order.end(), stripe.order, found->second.order);
  }
  found->second.last_used = now;
  if (const auto& oldest = stripe.usages.find(*stripe.order.front())->second;
      now - oldest.last_used > settings_.idle_max)
    forget_oldest();
  return found->second;
}

template <class Work>
auto ClientQuotas::with_usage(QuotaKind kind, const QuotaClient& client, const QuotaTable::Match& match,
                              MonotonicTime now, Work work) {
  const KeyView key{kind, match.by_user ? client.user : std::string_view(),
                    match.by_client_id ? client.client_id : std::string_view()};
  auto& stripe = stripes_[KeyHash{}(key) % stripes];
  std::scoped_lock lock(stripe.mutex);
  return work(usage_of(stripe, key, now));
}

Duration ClientQuotas::use(QuotaKind kind, const QuotaClient& client, double amount, MonotonicTime now) {
  const auto match = find(kind, client);
  if (!match) return Duration::zero();
  auto wait_ms = with_usage(kind, client, *match, now, [&](Usage& usage) {
    usage.rate.record(settings_.window, amount, milliseconds(now));
    return usage.rate.throttle_ms(settings_.window, match->limit, milliseconds(now));
  });
  if (kind == QuotaKind::request) wait_ms = std::min(wait_ms, settings_.window.sample_ms);
  return std::chrono::milliseconds(wait_ms);
}

void ClientQuotas::count(QuotaKind kind, const QuotaClient& client, double amount, MonotonicTime now) {
  const auto match = find(kind, client);
  if (!match) return;
  with_usage(kind, client, *match, now, [&](Usage& usage) {
    usage.rate.record(settings_.window, amount, milliseconds(now));
    return true;
  });
}

std::optional<double> ClientQuotas::most_in_window(QuotaKind kind, const QuotaClient& client) const {
  const auto match = find(kind, client);
  if (!match) return std::nullopt;
  const auto& window = settings_.window;
  return match->limit * static_cast<double>(window.samples - 1) * static_cast<double>(window.sample_ms) / 1000;
}

ClientQuotas::Mutation ClientQuotas::mutate(const QuotaClient& client, double partitions, bool strictly,
                                            MonotonicTime now) {
  constexpr auto kind = QuotaKind::controller_mutation;
  const auto match = find(kind, client);
  if (!match) return {};
  return with_usage(kind, client, *match, now, [&](Usage& usage) {
    const auto& window = settings_.controller_window;
    const auto now_ms = milliseconds(now);
    const auto debt_ms = usage.bucket.throttle_ms(window, match->limit, now_ms);
    if (strictly && debt_ms > 0) return Mutation{false, std::chrono::milliseconds(debt_ms)};
    usage.bucket.take(window, match->limit, partitions, now_ms);
    if (strictly) return Mutation{};
    return Mutation{true, std::chrono::milliseconds(usage.bucket.throttle_ms(window, match->limit, now_ms))};
  });
}

void ClientQuotas::count_throttled(QuotaKind kind, Duration wait) {
  auto& metrics = metrics_[static_cast<std::size_t>(kind)];
  metrics.throttled.add();
  metrics.throttle_seconds.add(std::chrono::duration<double>(wait).count());
}

std::size_t ClientQuotas::clients() const {
  std::size_t all = 0;
  for (auto& stripe : stripes_) {
    std::scoped_lock lock(stripe.mutex);
    all += stripe.usages.size();
  }
  return all;
}

}  // namespace millrace::security

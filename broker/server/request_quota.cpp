#include "broker/server/request_quota.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace millrace::server {
namespace {

using protocol::ApiKey;
using security::QuotaKind;

// From this version on a client understands THROTTLING_QUOTA_EXCEEDED; older ones are let through and wait afterwards.
protocol::Version first_strict_version(ApiKey api) {
  switch (api) {
    case ApiKey::create_topics:
      return 6;
    case ApiKey::delete_topics:
      return 5;
    default:
      return 3;  // CreatePartitions
  }
}

// "alice" of "User:alice".
std::string_view name_of(std::string_view principal) { return principal.substr(principal.find(':') + 1); }

}  // namespace

RequestQuota::RequestQuota(security::ClientQuotas& quotas, const protocol::RequestHeader& header,
                           const network::ConnectionInfo& connection, const Clock& clock, std::size_t size_bytes)
    : quotas_(quotas),
      clock_(clock),
      api_(header.api_key),
      version_(header.api_version),
      is_active_(quotas.is_any_enabled()),
      user_(is_active_ ? name_of(connection.principal) : std::string_view()),
      client_id_(is_active_ ? header.client_id.value_or("") : std::string_view()),
      size_bytes_(size_bytes),
      // What brokers ask of each other is not counted.
      counts_time_(quotas.is_enabled(QuotaKind::request) && !connection.reserved) {
  if (counts_time_) account_ = std::make_shared<WorkAccount>();
}

std::uint64_t RequestQuota::fetch_max_bytes() const {
  constexpr auto unlimited = std::numeric_limits<std::int32_t>::max();
  if (!is_active_) return unlimited;
  const auto most = quotas_.most_in_window(QuotaKind::fetch, client());
  return most && *most < unlimited ? static_cast<std::uint64_t>(std::max(*most, 0.0)) : unlimited;
}

void RequestQuota::wait_for(QuotaKind kind, Duration wait) {
  if (wait <= wait_) return;
  wait_ = wait;
  waits_for_ = kind;
}

Duration RequestQuota::used_so_far() const {
  return WorkScope::current() == account_ ? WorkScope::used_so_far() : account_->total();
}

void RequestQuota::use_time() {
  if (!counts_time_ || std::exchange(time_used_, true)) return;
  counted_time_ = used_so_far();
  const auto percent = std::chrono::duration<double>(counted_time_).count() * 100;
  wait_for(QuotaKind::request, quotas_.use(QuotaKind::request, client(), percent, clock_.now()));
}

bool RequestQuota::throttles_fetch(std::uint64_t found_bytes) {
  if (!is_active_) return false;
  use_time();
  if (quotas_.is_enabled(QuotaKind::fetch)) {
    const auto now = clock_.now();
    const auto bytes = static_cast<double>(found_bytes);
    wait_for(QuotaKind::fetch, quotas_.use(QuotaKind::fetch, client(), bytes, now));
    // The client gets nothing, whichever quota it is for.
    if (wait_ > Duration::zero()) quotas_.count(QuotaKind::fetch, client(), -bytes, now);
  }
  return wait_ > Duration::zero();
}

bool RequestQuota::may_change(std::size_t partitions) {
  if (!is_active_) return true;
  const bool strictly = version_ >= first_strict_version(api_);
  const auto now = clock_.now();
  const auto mutation = quotas_.mutate(client(), static_cast<double>(partitions), strictly, now);
  if (mutation.wait > Duration::zero()) {
    change_wait_ = mutation.wait;
    change_time_ = now;
  }
  return mutation.allowed;
}

Duration RequestQuota::settle() {
  if (!is_active_) return Duration::zero();
  if (api_ == ApiKey::produce && quotas_.is_enabled(QuotaKind::produce)) {
    wait_for(QuotaKind::produce,
             quotas_.use(QuotaKind::produce, client(), static_cast<double>(size_bytes_), clock_.now()));
  }
  // What has passed since then, while the change was made, counts.
  if (change_wait_ > Duration::zero()) {
    wait_for(QuotaKind::controller_mutation, change_wait_ - (clock_.now() - change_time_));
  }
  use_time();
  wait_ = std::chrono::floor<std::chrono::milliseconds>(wait_);
  if (wait_ > Duration::zero()) quotas_.count_throttled(waits_for_, wait_);
  return wait_;
}

void RequestQuota::finish() {
  if (!counts_time_ || account_ == nullptr) return;
  const auto percent = std::chrono::duration<double>(used_so_far() - counted_time_).count() * 100;
  quotas_.count(QuotaKind::request, client(), percent, clock_.now());
}

}  // namespace millrace::server

#include "broker/network/connection_limits.h"

namespace millrace::network {

Admission& Admission::operator=(Admission&& other) noexcept {
  if (this != &other) {
    give_back();
    limits_ = std::move(other.limits_);
    host_ = std::move(other.host_);
    reserved_ = other.reserved_;
  }
  return *this;
}

void Admission::give_back() {
  if (auto limits = std::move(limits_)) limits->give_back(host_, reserved_);
}

ConnectionLimits::ConnectionLimits(const NetworkConfig& config)
    : max_connections_(config.max_connections),
      max_reserved_connections_(config.max_reserved_connections),
      max_per_ip_(config.max_connections_per_ip),
      max_per_ip_overrides_(config.max_connections_per_ip_overrides) {}

void ConnectionLimits::set(const NetworkConfig& config) {
  std::scoped_lock lock(mutex_);
  max_connections_ = config.max_connections;
  max_reserved_connections_ = config.max_reserved_connections;
  max_per_ip_ = config.max_connections_per_ip;
  max_per_ip_overrides_ = config.max_connections_per_ip_overrides;
}

std::optional<Admission> ConnectionLimits::admit(const std::string& host, bool reserved, std::string_view& refusal) {
  std::scoped_lock lock(mutex_);
  auto exception = max_per_ip_overrides_.find(host);
  auto max_per_ip = exception == max_per_ip_overrides_.end() ? max_per_ip_ : exception->second;
  if (reserved) {
    if (reserved_connections_ >= max_reserved_connections_) {
      refusal = "max_reserved_connections";
      return std::nullopt;
    }
    ++reserved_connections_;
    return Admission(shared_from_this(), host, reserved);
  }
  if (connections_ >= max_connections_) {
    refusal = "max_connections";
    return std::nullopt;
  }
  auto known = by_host_.find(host);
  if ((known == by_host_.end() ? 0 : known->second) >= max_per_ip) {
    refusal = "max_connections_per_ip";
    return std::nullopt;
  }
  ++by_host_[host];
  ++connections_;
  return Admission(shared_from_this(), host, reserved);
}

std::size_t ConnectionLimits::connections() const {
  std::scoped_lock lock(mutex_);
  return connections_ + reserved_connections_;
}

void ConnectionLimits::give_back(const std::string& host, bool reserved) {
  std::scoped_lock lock(mutex_);
  if (reserved) {
    --reserved_connections_;
    return;
  }
  --connections_;
  auto known = by_host_.find(host);
  if (--known->second == 0) by_host_.erase(known);
}

}  // namespace millrace::network

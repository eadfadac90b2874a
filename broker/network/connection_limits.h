// How many connections may exist: of all clients, of reserved listeners (counted apart, so that clients cannot take their
// places), and of one address (Kafka: max.connections, max.connections.per.ip, its overrides).
//
// Any thread.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "broker/network/network_config.h"

namespace millrace::network {

class ConnectionLimits;

// The right to one connection; given back when it dies.
class Admission {
 public:
  Admission() = default;
  Admission(Admission&&) noexcept = default;
  Admission& operator=(Admission&& other) noexcept;
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;
  ~Admission() { give_back(); }
  void give_back();

 private:
  friend class ConnectionLimits;
  Admission(std::shared_ptr<ConnectionLimits> limits, std::string host, bool reserved)
      : limits_(std::move(limits)), host_(std::move(host)), reserved_(reserved) {}

  std::shared_ptr<ConnectionLimits> limits_;
  std::string host_;
  bool reserved_ = false;
};

class ConnectionLimits : public std::enable_shared_from_this<ConnectionLimits> {
 public:
  explicit ConnectionLimits(const NetworkConfig& config);

  // The limits from now on; connections that are there stay.
  void set(const NetworkConfig& config);
  // Nothing where a limit is met; `refusal` then names it.
  std::optional<Admission> admit(const std::string& host, bool reserved, std::string_view& refusal);
  [[nodiscard]] std::size_t connections() const;

 private:
  friend class Admission;
  void give_back(const std::string& host, bool reserved);

  mutable std::mutex mutex_;
  std::size_t max_connections_;
  std::size_t max_reserved_connections_;
  std::size_t max_per_ip_;
  std::map<std::string, std::size_t, std::less<>> max_per_ip_overrides_;
  std::size_t connections_ = 0;
  std::size_t reserved_connections_ = 0;
  std::unordered_map<std::string, std::size_t> by_host_;
};

}  // namespace millrace::network

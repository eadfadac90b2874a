// Which limit holds for a client: what was set for users, client ids and both, and the order in which they are asked.
//
// The most specific one that has a value of the kind wins: user and client id, user and default client id, user; then
// the same of the default user; then client id, default client id. What it was set for says who shares the limit: all
// of a user's clients, all users of a client id, or each pair alone. A default's limit is each one's own.
// Source: kafka.server.ClientQuotaManager.DefaultQuotaCallback, KIP-55, KIP-257. Values; not for several threads at
// once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace millrace::security {

enum class QuotaKind : std::uint8_t { produce, fetch, request, controller_mutation };
inline constexpr std::size_t quota_kinds = 4;

// "produce", for metrics and logs.
std::string_view to_string(QuotaKind kind);

// By kind; bytes per second, percent of one shard's time, partitions per second.
using QuotaLimits = std::array<std::optional<double>, quota_kinds>;

// Who has the limit. nullopt: not named; empty: the default.
struct QuotaOwner {
  std::optional<std::string> user;
  std::optional<std::string> client_id;
};

class QuotaTable {
 public:
  struct Match {
    double limit;
    bool by_user;       // shared by one user's …
    bool by_client_id;  // … or one client id's requests; both: by those that have both
  };

  // Replaces what was set for the owner; limits without any value remove it. One that names nobody is ignored.
  void set(const QuotaOwner& owner, const QuotaLimits& limits);
  [[nodiscard]] std::optional<Match> find(QuotaKind kind, std::string_view user, std::string_view client_id) const;
  // How many limits of the kind there are.
  [[nodiscard]] std::size_t count(QuotaKind kind) const { return counts_[static_cast<std::size_t>(kind)]; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
  };
  template <class Value>
  using ByName = std::unordered_map<std::string, Value, Hash, std::equal_to<>>;

  struct OfUser {
    QuotaLimits any_client_id{};      // set for the user alone
    QuotaLimits default_client_id{};  // for each client id by itself
    ByName<QuotaLimits> client_ids;

    [[nodiscard]] bool is_empty() const;
    // Of a client id, named or default.
    [[nodiscard]] std::optional<double> find_client_id(QuotaKind kind, std::string_view client_id) const;
  };

  void replace(QuotaLimits& old, const QuotaLimits& limits);
  void set_client_id(OfUser& user, const std::string& client_id, const QuotaLimits& limits);

  ByName<OfUser> users_;
  OfUser default_user_;
  OfUser no_user_;  // limits of client ids, whoever the user is
  std::array<std::size_t, quota_kinds> counts_{};
};

}  // namespace millrace::security

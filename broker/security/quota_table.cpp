#include "broker/security/quota_table.h"

#include <algorithm>

namespace millrace::security {
namespace {

bool has_any(const QuotaLimits& limits) {
  return std::ranges::any_of(limits, [](const auto& limit) { return limit.has_value(); });
}

}  // namespace

std::string_view to_string(QuotaKind kind) {
  switch (kind) {
    case QuotaKind::produce:
      return "produce";
    case QuotaKind::fetch:
      return "fetch";
    case QuotaKind::request:
      return "request";
    case QuotaKind::controller_mutation:
      return "controller_mutation";
  }
  return "";
}

bool QuotaTable::OfUser::is_empty() const {
  return !has_any(any_client_id) && !has_any(default_client_id) && client_ids.empty();
}

std::optional<double> QuotaTable::OfUser::find_client_id(QuotaKind kind, std::string_view client_id) const {
  const auto at = static_cast<std::size_t>(kind);
  if (auto found = client_ids.find(client_id); found != client_ids.end() && found->second[at]) return found->second[at];
  return default_client_id[at];
}

void QuotaTable::replace(QuotaLimits& old, const QuotaLimits& limits) {
  for (std::size_t kind = 0; kind < quota_kinds; ++kind) {
    counts_[kind] -= old[kind] ? 1 : 0;
    counts_[kind] += limits[kind] ? 1 : 0;
  }
  old = limits;
}

void QuotaTable::set_client_id(OfUser& user, const std::string& client_id, const QuotaLimits& limits) {
  if (client_id.empty()) return replace(user.default_client_id, limits);
  replace(user.client_ids[client_id], limits);
  if (!has_any(limits)) user.client_ids.erase(client_id);
}

void QuotaTable::set(const QuotaOwner& owner, const QuotaLimits& limits) {
  if (!owner.user) {
    if (owner.client_id) set_client_id(no_user_, *owner.client_id, limits);
    return;
  }
  auto& user = owner.user->empty() ? default_user_ : users_[*owner.user];
  if (owner.client_id) {
    set_client_id(user, *owner.client_id, limits);
  } else {
    replace(user.any_client_id, limits);
  }
  if (!owner.user->empty() && user.is_empty()) users_.erase(*owner.user);
}

std::optional<QuotaTable::Match> QuotaTable::find(QuotaKind kind, std::string_view user,
                                                  std::string_view client_id) const {
  const auto at = static_cast<std::size_t>(kind);
  auto of_user = [&](const OfUser& limits) -> std::optional<Match> {
    if (auto limit = limits.find_client_id(kind, client_id)) return Match{*limit, true, true};
    if (limits.any_client_id[at]) return Match{*limits.any_client_id[at], true, false};
    return std::nullopt;
  };
  if (auto named = users_.find(user); named != users_.end()) {
    if (auto match = of_user(named->second)) return match;
  }
  if (auto match = of_user(default_user_)) return match;
  if (auto limit = no_user_.find_client_id(kind, client_id)) return Match{*limit, false, true};
  return std::nullopt;
}

}  // namespace millrace::security

#include "broker/protocol/registry.h"

#include <algorithm>
#include <array>

#include "broker/protocol/messages.h"

namespace millrace::protocol {
namespace {

template <class... Requests>
constexpr auto table_of(RequestList<Requests...> /*list*/) {
  return std::array{ApiInfo{Requests::api_key, Requests::versions, Requests::flexible_since}...};
}

constexpr auto table = table_of(AllRequests{});
static_assert(std::ranges::is_sorted(table, {}, &ApiInfo::key), "AllRequests is listed by ascending API key");

}  // namespace

const ApiInfo* find_api(ApiKey key) {
  const auto* const found = std::ranges::lower_bound(table, key, {}, &ApiInfo::key);
  return found != table.end() && found->key == key ? found : nullptr;
}

std::span<const ApiInfo> all_apis() { return table; }

}  // namespace millrace::protocol

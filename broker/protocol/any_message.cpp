#include "broker/protocol/any_message.h"

#include <algorithm>
#include <array>

#include "broker/protocol/messages.h"

namespace millrace::protocol {
namespace {

struct Makers {
  ApiKey key;
  std::unique_ptr<AnyMessage> (*request)();
  std::unique_ptr<AnyMessage> (*response)();
};

template <class... Requests>
constexpr auto table_of(RequestList<Requests...> /*list*/) {
  return std::array{
      Makers{Requests::api_key, &make_any_message<Requests>, &make_any_message<typename Requests::Response>}...};
}

constexpr auto table = table_of(AllRequests{});

}  // namespace

std::unique_ptr<AnyMessage> make_message(ApiKey key, MessageKind kind) {
  const auto* const found = std::ranges::lower_bound(table, key, {}, &Makers::key);
  if (found == table.end() || found->key != key) return nullptr;
  return kind == MessageKind::request ? found->request() : found->response();
}

}  // namespace millrace::protocol

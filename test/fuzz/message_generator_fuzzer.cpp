// Messages of every API, kind and version, filled by their declarations: encoded and decoded they are the same;
// another version takes them or refuses them; and their bytes with a few of them damaged never trouble the decoder.
//
// Input: API, kind, version, another version, how many bytes are damaged, place and value of each, and what the fields
// are filled from.
#include <array>
#include <span>
#include <utility>
#include <vector>

#include "broker/protocol/message.h"
#include "broker/protocol/messages.h"
#include "broker/protocol/registry.h"
#include "test/fuzz/fill_fields.h"
#include "test/fuzz/message_stability.h"

namespace millrace::protocol {
namespace {

using fuzz::check_stability;
using fuzz::FuzzInput;
using fuzz::require;

struct Choice {
  ApiKey key;
  MessageKind kind;
  Version version;
  Version other_version;
};

struct Damage {
  std::size_t place;
  std::uint8_t value;
};

void check_other_version(const auto& message, const Choice& choice) {
  const auto encoded = encode(message, choice.other_version);
  if (!encoded) {
    require(encoded.error().kind == ErrorKind::invalid_argument && !encoded.error().message.empty(),
            "another version refuses without a reason");
    return;
  }
  check_stability(choice.key, choice.other_version, choice.kind, *encoded);
}

template <class Message>
void check(const Choice& choice, std::span<const Damage> damages, FuzzInput& input) {
  Message message{};
  fuzz::FillFields fields(input, choice.version);
  Message::describe(message, fields);
  auto encoded = encode(message, choice.version);
  require(encoded.has_value(),
          "a message of its own version cannot be encoded: " + (encoded ? std::string() : encoded.error().message) +
              "\n" + dump(message, choice.version));
  require(encoded_size(message, choice.version).value() == encoded->size(), "the size is another than the encoding's");
  std::size_t consumed = 0;
  const auto decoded = decode<Message>(*encoded, choice.version, &consumed);
  require(decoded && consumed == encoded->size(),
          "what was encoded cannot be decoded: " + (decoded ? std::string("bytes are left") : decoded.error().message));
  // By bytes: a quota that is no number does not equal itself.
  require(encode(*decoded, choice.version).value() == *encoded, "decoded it is another message");
  require(dump(*decoded, choice.version) == dump(message, choice.version), "decoded it has other fields");
  check_other_version(message, choice);
  if (damages.empty() || encoded->empty()) return;
  for (const auto& damage : damages) (*encoded)[damage.place % encoded->size()] = damage.value;
  check_stability(choice.key, choice.version, choice.kind, *encoded);
}

using Check = void (*)(const Choice&, std::span<const Damage>, FuzzInput&);

template <class... Requests>
constexpr auto checks_of(RequestList<Requests...> /*list*/) {
  return std::array{std::pair<Check, Check>{&check<Requests>, &check<typename Requests::Response>}...};
}

constexpr auto checks = checks_of(AllRequests{});

void run(BytesView bytes) {
  FuzzInput input(bytes);
  const auto number = input.below(checks.size());
  const ApiInfo& api = all_apis()[number];
  const bool is_request = input.byte() % 2 == 0;
  const auto any_version = [&] {
    const auto count = static_cast<std::size_t>(api.versions.highest - api.versions.lowest + 1);
    return static_cast<Version>(api.versions.lowest + static_cast<Version>(input.below(count)));
  };
  const Version version = any_version();
  const Choice choice{api.key, is_request ? MessageKind::request : MessageKind::response, version, any_version()};
  std::array<Damage, 4> damages{};
  const auto damage_count = input.below(damages.size() + 1);
  for (auto& damage : std::span(damages).first(damage_count)) damage = {input.below(1 << 16), input.byte()};
  (is_request ? checks[number].first : checks[number].second)(choice, std::span(damages).first(damage_count), input);
}

}  // namespace
}  // namespace millrace::protocol

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  millrace::protocol::run({data, size});
  return 0;
}

// Any bytes as a request or response of any API and version.
//
// Input: a byte that chooses the form, then
//   0  a request frame, header and body, as a connection receives it
//   1  API key, version, and a response frame
//   2  API key, version, and a request's body
#include "broker/protocol/registry.h"
#include "broker/protocol/request_header.h"
#include "test/fuzz/message_stability.h"

namespace millrace::protocol {
namespace {

using fuzz::check_stability;

void run(BytesView input) {
  if (input.empty()) return;
  const int form = input[0] % 3;
  BytesView rest = input.subspan(1);
  if (form == 0) {
    const auto header = decode_request_header(rest);
    if (header)
      check_stability(header->header.api_key, header->header.api_version, MessageKind::request,
                      rest.subspan(header->size_bytes));
    return;
  }
  if (rest.size() < 2) return;
  // Folded into what exists, so that most inputs reach a decoder.
  const ApiInfo& api = all_apis()[rest[0] % all_apis().size()];
  const int version_count = api.versions.highest - api.versions.lowest + 1;
  const auto version = static_cast<Version>(api.versions.lowest + rest[1] % version_count);
  rest = rest.subspan(2);
  if (form == 1) {
    const auto header = decode_response_header(rest, api.key, version);
    if (header) check_stability(api.key, version, MessageKind::response, rest.subspan(header->size_bytes));
  } else {
    check_stability(api.key, version, MessageKind::request, rest);
  }
}

}  // namespace
}  // namespace millrace::protocol

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  millrace::protocol::run({data, size});
  return 0;
}

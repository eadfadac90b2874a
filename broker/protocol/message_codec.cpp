#include "broker/protocol/message_codec.h"

#include <memory>
#include <utility>

#include "broker/base/check.h"
#include "broker/protocol/request_header.h"

namespace millrace::protocol {
namespace {

constexpr std::size_t frame_limit_bytes = 0x7fffffff;
constexpr std::size_t request_header_bytes = 8;  // key, version, correlation id

std::string message_name(ApiKey key, bool is_request, Version version) {
  return std::string(to_string(key)) + (is_request ? " request" : " response") + " version " + std::to_string(version);
}

struct Plan {
  EncodeState state;
  std::size_t size_bytes = 0;
};

Result<Plan> plan(const ErasedMessage& message, Version version) {
  if (auto known = check_version(message.api_key, message.is_request, message.versions, version); !known) {
    return tl::unexpected(known.error());
  }
  Plan made;
  made.state.version = version;
  made.state.flexible = version >= message.flexible_since;
  made.size_bytes = message.size(message.message, made.state);
  if (made.state.error) {
    return fail(made.state.error->kind,
                message_name(message.api_key, message.is_request, version) + ": " + made.state.error->message);
  }
  if (made.size_bytes > frame_limit_bytes - 64 * 1024) {
    return fail(ErrorKind::resource_exhausted, message_name(message.api_key, message.is_request, version) +
                                                   " would take " + std::to_string(made.size_bytes) +
                                                   " bytes; a frame holds 2 GiB");
  }
  return made;
}

// The buffer cut at each splice, with the spliced pieces in between. All cuts share the one buffer.
OutputChain chain(std::vector<std::uint8_t> buffer, const std::vector<WireWriter::Splice>& splices) {
  OutputChain made;
  if (splices.empty()) {
    made.append(std::move(buffer));
    return made;
  }
  const auto shared = std::make_shared<const std::vector<std::uint8_t>>(std::move(buffer));
  const BytesView all(*shared);
  std::size_t done = 0;
  made.pieces().reserve(2 * splices.size() + 1);
  for (const auto& splice : splices) {
    made.append(OutputChain::Borrowed{all.subspan(done, splice.offset - done), shared});
    splice.records->splice_into(made);
    done = splice.offset;
  }
  made.append(OutputChain::Borrowed{all.subspan(done), shared});
  return made;
}

}  // namespace

Status check_version(ApiKey key, bool is_request, Versions versions, Version version) {
  if (versions.contains(version)) return {};
  return fail(ErrorKind::unsupported, message_name(key, is_request, version) + " is not known; versions " +
                                          std::to_string(versions.lowest) + " to " + std::to_string(versions.highest) +
                                          " are");
}

Error decode_error(const WireReader& reader, ApiKey key, bool is_request, Version version) {
  return Error{reader.error().kind, message_name(key, is_request, version) + ": " + reader.error().message};
}

Result<std::size_t> encoded_size(const ErasedMessage& message, Version version) {
  auto planned = plan(message, version);
  if (!planned) return tl::unexpected(planned.error());
  return planned->size_bytes;
}

Result<std::vector<std::uint8_t>> encode(const ErasedMessage& message, Version version) {
  auto planned = plan(message, version);
  if (!planned) return tl::unexpected(planned.error());
  std::vector<std::uint8_t> buffer(planned->size_bytes - planned->state.spliced_bytes);
  WireWriter writer(buffer);
  message.write(message.message, planned->state, writer);
  MILLRACE_INVARIANT(writer.written_bytes() == buffer.size(), "a message's size and its encoding disagree");
  if (writer.splices().empty()) return buffer;
  return chain(std::move(buffer), writer.splices()).flatten();
}

Result<OutputChain> encode_response_frame(const ErasedMessage& message, Version version, std::int32_t correlation_id,
                                          FrameLength frame_length) {
  auto planned = plan(message, version);
  if (!planned) return tl::unexpected(planned.error());
  const bool flexible_header = has_flexible_response_header(message.api_key, version);
  const std::size_t header_bytes = sizeof correlation_id + (flexible_header ? 1 : 0);
  const std::size_t length_bytes = frame_length == FrameLength::included ? frame_length_bytes : 0;
  std::vector<std::uint8_t> buffer(length_bytes + header_bytes + planned->size_bytes - planned->state.spliced_bytes);
  WireWriter writer(buffer);
  if (length_bytes > 0) writer.number(static_cast<std::uint32_t>(header_bytes + planned->size_bytes));
  writer.number(static_cast<std::uint32_t>(correlation_id));
  if (flexible_header) writer.number(std::uint8_t{0});
  message.write(message.message, planned->state, writer);
  MILLRACE_INVARIANT(writer.written_bytes() == buffer.size(), "a message's size and its encoding disagree");
  return chain(std::move(buffer), writer.splices());
}

Result<std::vector<std::uint8_t>> encode_request_frame(const ErasedMessage& message, Version version,
                                                       std::int32_t correlation_id, std::string_view client_id) {
  auto planned = plan(message, version);
  if (!planned) return tl::unexpected(planned.error());
  if (client_id.size() > string_limit_bytes)
    return fail(ErrorKind::invalid_argument, "a client id holds at most 32767 bytes");
  const bool names_client = has_client_id(message.api_key, version);
  const std::size_t client_bytes = names_client ? sizeof(std::uint16_t) + client_id.size() : 0;
  const std::size_t header_bytes = request_header_bytes + client_bytes + (planned->state.flexible ? 1 : 0);
  std::vector<std::uint8_t> buffer(frame_length_bytes + header_bytes + planned->size_bytes -
                                   planned->state.spliced_bytes);
  WireWriter writer(buffer);
  writer.number(static_cast<std::uint32_t>(header_bytes + planned->size_bytes));
  writer.number(to_wire(message.api_key));
  writer.number(to_wire(version));
  writer.number(static_cast<std::uint32_t>(correlation_id));
  if (names_client) {
    writer.number(static_cast<std::uint16_t>(client_id.size()));
    writer.bytes(as_bytes(client_id));
  }
  if (planned->state.flexible) writer.number(std::uint8_t{0});
  message.write(message.message, planned->state, writer);
  MILLRACE_INVARIANT(writer.written_bytes() == buffer.size(), "a message's size and its encoding disagree");
  if (writer.splices().empty()) return buffer;
  return chain(std::move(buffer), writer.splices()).flatten();
}

}  // namespace millrace::protocol

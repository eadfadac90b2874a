// The bodies of message.h's functions, for the messages/*.cpp files, which compile them once:
//
//   MILLRACE_DEFINE_API(FetchRequest, FetchResponse)
//
// Everything that does not depend on the message's type is in message_codec.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "broker/protocol/any_message.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/decode_fields.h"
#include "broker/protocol/dump_fields.h"
#include "broker/protocol/encode_fields.h"
#include "broker/protocol/message.h"

namespace millrace::protocol {

// The request that names the key, versions and flexible versions of `M`.
template <class M>
struct RequestOf {
  using type = M;
};
template <class M>
  requires requires { typename M::Request; }
struct RequestOf<M> {
  using type = typename M::Request;
};

// A message without its type.
struct ErasedMessage {
  const void* message;
  ApiKey api_key;
  bool is_request;
  Versions versions;
  Version flexible_since;
  std::size_t (*size)(const void* message, EncodeState& state);
  void (*write)(const void* message, EncodeState& state, WireWriter& writer);
};

Status check_version(ApiKey key, bool is_request, Versions versions, Version version);
Error decode_error(const WireReader& reader, ApiKey key, bool is_request, Version version);
Result<std::size_t> encoded_size(const ErasedMessage& message, Version version);
Result<std::vector<std::uint8_t>> encode(const ErasedMessage& message, Version version);
Result<OutputChain> encode_response_frame(const ErasedMessage& message, Version version, std::int32_t correlation_id,
                                          FrameLength frame_length);
Result<std::vector<std::uint8_t>> encode_request_frame(const ErasedMessage& message, Version version,
                                                       std::int32_t correlation_id, std::string_view client_id);

template <class M>
ErasedMessage erase(const M& message) {
  using Request = typename RequestOf<M>::type;
  return {&message,
          Request::api_key,
          std::is_same_v<M, Request>,
          Request::versions,
          Request::flexible_since,
          [](const void* erased, EncodeState& state) { return structure_size(*static_cast<const M*>(erased), state); },
          [](const void* erased, EncodeState& state, WireWriter& writer) {
            write_structure(*static_cast<const M*>(erased), state, writer);
          }};
}

template <class M>
Result<M> decode(BytesView body, Version version, std::size_t* consumed_bytes, const DecodeOptions& options) {
  using Request = typename RequestOf<M>::type;
  constexpr bool is_request = std::is_same_v<M, Request>;
  if (auto known = check_version(Request::api_key, is_request, Request::versions, version); !known)
    return tl::unexpected(known.error());
  WireReader reader(body);
  DecodeFields fields(reader, version, version >= Request::flexible_since, options.memory_limit_bytes);
  Result<M> message{};
  fields.structure(*message);
  if (reader.failed()) return tl::unexpected(decode_error(reader, Request::api_key, is_request, version));
  if (consumed_bytes != nullptr) *consumed_bytes = reader.consumed_bytes();
  if (options.used_memory_bytes != nullptr)
    *options.used_memory_bytes = options.memory_limit_bytes - fields.memory_left_bytes();
  return message;
}

template <class M>
Result<std::size_t> encoded_size(const M& message, Version version) {
  return encoded_size(erase(message), version);
}

template <class M>
Result<std::vector<std::uint8_t>> encode(const M& message, Version version) {
  return encode(erase(message), version);
}

template <class M>
Result<OutputChain> encode_response_frame(const M& response, Version version, std::int32_t correlation_id,
                                          FrameLength frame_length) {
  return encode_response_frame(erase(response), version, correlation_id, frame_length);
}

template <class M>
Result<std::vector<std::uint8_t>> encode_request_frame(const M& request, Version version, std::int32_t correlation_id,
                                                       std::string_view client_id) {
  return encode_request_frame(erase(request), version, correlation_id, client_id);
}

template <class M>
std::string dump(const M& message, Version version, std::size_t limit_bytes) {
  DumpText text(version, limit_bytes);
  text.structure(message);
  return text.take();
}

template <class M>
class TypedMessage final : public AnyMessage {
 public:
  Status decode(BytesView body, Version version, std::size_t* consumed_bytes, const DecodeOptions& options) override {
    auto decoded = protocol::decode<M>(body, version, consumed_bytes, options);
    if (!decoded) return tl::unexpected(decoded.error());
    message_ = std::move(*decoded);
    return {};
  }
  [[nodiscard]] Result<std::size_t> encoded_size(Version version) const override {
    return protocol::encoded_size(message_, version);
  }
  [[nodiscard]] Result<std::vector<std::uint8_t>> encode(Version version) const override {
    return protocol::encode(message_, version);
  }
  [[nodiscard]] Result<OutputChain> encode_frame(Version version, std::int32_t correlation_id,
                                                 std::string_view client_id) const override {
    if constexpr (std::is_same_v<M, typename RequestOf<M>::type>) {
      auto frame = protocol::encode_request_frame(message_, version, correlation_id, client_id);
      if (!frame) return tl::unexpected(frame.error());
      OutputChain chain;
      chain.append(std::move(*frame));
      return chain;
    } else {
      return protocol::encode_response_frame(message_, version, correlation_id);
    }
  }
  [[nodiscard]] std::string dump(Version version, std::size_t limit_bytes) const override {
    return protocol::dump(message_, version, limit_bytes);
  }
  [[nodiscard]] bool equals(const AnyMessage& other) const override {
    const auto* const same_type = dynamic_cast<const TypedMessage*>(&other);
    return same_type != nullptr && message_ == same_type->message_;
  }

 private:
  M message_{};
};

template <class M>
std::unique_ptr<AnyMessage> make_any_message() {
  return std::make_unique<TypedMessage<M>>();
}

}  // namespace millrace::protocol

#define MILLRACE_DEFINE_MESSAGE(Message)                                                                              \
  template millrace::Result<millrace::protocol::Message> millrace::protocol::decode<millrace::protocol::Message>(     \
      millrace::BytesView, millrace::protocol::Version, std::size_t*, const millrace::protocol::DecodeOptions&);      \
  template millrace::Result<std::size_t> millrace::protocol::encoded_size(const millrace::protocol::Message&,         \
                                                                          millrace::protocol::Version);               \
  template millrace::Result<std::vector<std::uint8_t>> millrace::protocol::encode(const millrace::protocol::Message&, \
                                                                                  millrace::protocol::Version);       \
  template std::string millrace::protocol::dump(const millrace::protocol::Message&, millrace::protocol::Version,      \
                                                std::size_t);                                                         \
  template std::unique_ptr<millrace::protocol::AnyMessage>                                                            \
  millrace::protocol::make_any_message<millrace::protocol::Message>();

#define MILLRACE_DEFINE_API(Request, Response)                                                          \
  MILLRACE_DEFINE_MESSAGE(Request)                                                                      \
  MILLRACE_DEFINE_MESSAGE(Response)                                                                     \
  template millrace::Result<std::vector<std::uint8_t>> millrace::protocol::encode_request_frame(        \
      const millrace::protocol::Request&, millrace::protocol::Version, std::int32_t, std::string_view); \
  template millrace::Result<millrace::OutputChain> millrace::protocol::encode_response_frame(           \
      const millrace::protocol::Response&, millrace::protocol::Version, std::int32_t,                   \
      millrace::protocol::FrameLength);

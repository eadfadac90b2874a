// A message whose type is known only when it comes: for logs of requests, the golden corpus and the fuzz targets, which
// treat all APIs alike. Handlers use the typed functions of message.h.
//
// Made through the registry's list: what is declared in messages.h is here. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/output_chain.h"
#include "broker/base/result.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/message.h"
#include "broker/protocol/versions.h"

namespace millrace::protocol {

enum class MessageKind : std::uint8_t { request, response };

class AnyMessage {
 public:
  AnyMessage() = default;
  AnyMessage(const AnyMessage&) = delete;
  AnyMessage& operator=(const AnyMessage&) = delete;
  virtual ~AnyMessage() = default;

  // As the functions of the same names in message.h. A decode that fails leaves the message as it was.
  virtual Status decode(BytesView body, Version version, std::size_t* consumed_bytes = nullptr,
                        const DecodeOptions& options = {}) = 0;
  [[nodiscard]] virtual Result<std::size_t> encoded_size(Version version) const = 0;
  [[nodiscard]] virtual Result<std::vector<std::uint8_t>> encode(Version version) const = 0;
  // Length, header and body. A request's header names `client_id`, a response's has none.
  [[nodiscard]] virtual Result<OutputChain> encode_frame(Version version, std::int32_t correlation_id,
                                                         std::string_view client_id = {}) const = 0;
  [[nodiscard]] virtual std::string dump(Version version, std::size_t limit_bytes = 16384) const = 0;
  // False also for a message of another type.
  [[nodiscard]] virtual bool equals(const AnyMessage& other) const = 0;
};

// A message at its defaults; nullptr for a key that is not declared.
std::unique_ptr<AnyMessage> make_message(ApiKey key, MessageKind kind);

// The typed one; compiled in messages/<name>.cpp.
template <class M>
std::unique_ptr<AnyMessage> make_any_message();

}  // namespace millrace::protocol

// A znode's payload as a JSON object: reading fields with errors that name them, writing compact text as Kafka's Jackson does.
// Included by this folder's .cpp files only: it brings the JSON library with it.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "broker/base/result.h"
#include "broker/base/types.h"

namespace millrace::metadata::znodes {

class JsonObject {
 public:
  // `what` names the payload in errors ("the broker registration"). Payloads above request_bytes_max are refused.
  static Result<JsonObject> parse(std::string_view text, std::string_view what);

  // Errors are ErrorKind::corrupt: a field that is missing, of another type or out of its range.
  [[nodiscard]] Result<std::int64_t> integer(std::string_view name,
                                             std::int64_t least = std::numeric_limits<std::int64_t>::min(),
                                             std::int64_t most = std::numeric_limits<std::int64_t>::max()) const;
  [[nodiscard]] Result<std::int32_t> int32(std::string_view name) const;
  [[nodiscard]] Result<std::string> text(std::string_view name) const;
  // A number that Kafka writes as a string, such as a timestamp; a plain number is taken too.
  [[nodiscard]] Result<std::int64_t> integer_text(std::string_view name) const;
  [[nodiscard]] Result<std::vector<BrokerId>> broker_ids(std::string_view name) const;
  [[nodiscard]] Result<std::vector<std::string>> texts(std::string_view name) const;
  // An object below this one; an empty one when it is absent or null.
  [[nodiscard]] Result<JsonObject> object(std::string_view name) const;
  // Absent and null are the same.
  [[nodiscard]] bool has(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> names() const;

  [[nodiscard]] tl::unexpected<Error> corrupt(std::string_view why) const;

 private:
  JsonObject(nlohmann::json value, std::string what) : value_(std::move(value)), what_(std::move(what)) {}

  [[nodiscard]] const nlohmann::json* find(std::string_view name) const;

  nlohmann::json value_;
  std::string what_;
};

// "text" with JSON's escapes.
std::string json_text(std::string_view text);
// [1,2,3]
std::string array_of(const std::vector<BrokerId>& ids);

}  // namespace millrace::metadata::znodes

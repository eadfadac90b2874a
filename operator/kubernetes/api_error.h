// What the API server's refusals mean to a caller: its Status objects and status codes as Errors (the table is in api.h).
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "broker/base/result.h"

namespace millrace::kubernetes {

// What was being done, for the message and for the cases in which the code alone does not say enough.
struct ApiAction {
  std::string_view verb;  // create, apply, list …
  std::string subject;    // ConfigMap default/a
  bool on_collection = false;
};

[[nodiscard]] Error error_of_answer(int http_status, std::string_view body, const ApiAction& action);
// A Status object, such as an ERROR event of a watch carries.
[[nodiscard]] Error error_of_status(const nlohmann::json& status, int http_status, const ApiAction& action);
// A failure below HTTP gets the subject in front.
[[nodiscard]] Error with_action(Error error, const ApiAction& action);

}  // namespace millrace::kubernetes

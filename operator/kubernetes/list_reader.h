// Reads a list's answer item by item: only one item's JSON tree exists at a time.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "broker/base/result.h"
#include "operator/kubernetes/resource_type.h"

namespace millrace::kubernetes {

struct ListTail {
  std::string resource_version;
  std::string continue_token;  // empty: this was the last page
};

[[nodiscard]] Result<ListTail> read_list(std::string_view text, const ResourceType& type,
                                         const std::function<void(nlohmann::json&&)>& each);

}  // namespace millrace::kubernetes

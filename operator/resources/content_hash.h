// A short name for a content, the same in every version of the operator (the first hexadecimal digits of SHA-256).
#pragma once

#include <string>
#include <string_view>

namespace millrace::resources {

[[nodiscard]] std::string content_hash(std::string_view content);  // 12 digits

}  // namespace millrace::resources

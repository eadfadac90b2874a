// Base64 of RFC 4648, as kubeconfig's *-data entries have it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace millrace::kubernetes {

// Spaces and line ends are skipped. Nothing when it is not base64.
[[nodiscard]] std::optional<std::string> base64_decoded(std::string_view text);

}  // namespace millrace::kubernetes

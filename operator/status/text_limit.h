// Cuts long texts at a character's edge: half a UTF-8 character would make the whole status unwritable.
#pragma once

#include <cstddef>
#include <string>

namespace millrace::status {

[[nodiscard]] std::string keep_first(std::string text, std::size_t bytes_max);
[[nodiscard]] std::string keep_last(std::string text, std::size_t bytes_max);

}  // namespace millrace::status

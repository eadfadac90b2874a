// Whether a journal lies on the volume of its log directory.
//
// Any thread; blocks.
#pragma once

#include <optional>
#include <string>

namespace millrace::log {

// What to tell who runs the broker when the journal that takes its place beside a log directory, because no other one is
// given, would be on another volume: the log directory is a mount point then, and what is above it may not outlive the
// machine. nullopt: it is not, or nobody knows.
std::optional<std::string> warning_of_other_volume(const std::string& log_directory, const std::string& journal);

}  // namespace millrace::log

// Which of two directories of one partition is its log's, after a crash or a disk's failure in the middle of a move between two log
// directories. Both have the log's name for a moment: the new one gets it before the old one gives it up, so that at no time
// nothing has it. Kafka refuses to start then, until somebody deletes one of them by hand; it ignores this file.
//
//   takeover   a number in text. Of two directories the one with the higher number is the log's; without a file it is 0.
//
// The new one's is there before it gets its name. It goes when no other directory can have the name any more. Blocks.
#pragma once

#include <cstdint>
#include <string>

#include "broker/base/file.h"
#include "broker/base/result.h"

namespace millrace::log {

inline constexpr std::string_view takeover_file_name = "takeover";

// 0 without a file. corrupt when it is no number.
Result<std::uint64_t> read_takeover(FileSystem& files, const std::string& partition_directory);
Status write_takeover(FileSystem& files, const std::string& partition_directory, std::uint64_t number);
// An absent one is fine.
Status remove_takeover(FileSystem& files, const std::string& partition_directory);

}  // namespace millrace::log

// ".kafka_cleanshutdown" in a log directory: written last at a clean shutdown, taken away at the next start. Its presence says
// that every log of the directory is whole (Kafka: CleanShutdownFileHandler).
//
//     {"version":0,"brokerEpoch":-1}
//
// Blocks. An unreadable broker epoch is -1: the marker's presence is what matters.
#pragma once

#include <optional>
#include <string>

#include "broker/base/file.h"
#include "broker/base/result.h"
#include "broker/base/types.h"

namespace millrace::log {

// The broker epoch of the stop; nullopt when there is no marker.
Result<std::optional<BrokerEpoch>> read_clean_shutdown(FileSystem& files, const std::string& log_directory);
Status write_clean_shutdown(FileSystem& files, const std::string& log_directory, BrokerEpoch broker_epoch);
Status remove_clean_shutdown(FileSystem& files, const std::string& log_directory);

}  // namespace millrace::log

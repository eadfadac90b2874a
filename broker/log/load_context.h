// What the phases of one load share (log_loader.h lists them): what is asked for, what the directory has, and the log
// as far as it has taken shape. Made by the loader for one call; its phases run one after another on one thread and
// block.
#pragma once

#include <memory>

#include "broker/log/loaded_log.h"
#include "broker/log/log_environment.h"
#include "broker/log/log_loader.h"
#include "broker/log/segment_files.h"

namespace millrace::log {

struct LoadContext {
  const LoadRequest& request;
  LogEnvironment& environment;
  LoadedLog& log;
  SegmentFiles found = {};  // once the directory is tidy

  [[nodiscard]] FileSystem& files() const { return environment.files; }
  [[nodiscard]] TimestampMs now() const { return environment.clock.wall_clock(); }
  // The segment whose files, there or about to be made, are named by this offset.
  [[nodiscard]] std::unique_ptr<LogSegment> segment_at(Offset base) const {
    return std::make_unique<LogSegment>(environment.cache, request.directory, base, request.config, now());
  }
};

}  // namespace millrace::log

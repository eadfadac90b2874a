// How far the recovery of one log has come: counted in the progress of its log directory, which /readyz and the metrics
// tell, and said in a line every ten seconds while it takes long. Segments that are cut off are over at the end, too.
//
// Owned by who loads the log.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "broker/base/clock.h"
#include "broker/log/directory_state.h"

namespace millrace::log {

class RecoveryProgress {
 public:
  // Of the log at `path`. `directory`: where it is counted; may be null.
  RecoveryProgress(const Clock& clock, std::string path, DirectoryProgress* directory);
  ~RecoveryProgress();
  RecoveryProgress(const RecoveryProgress&) = delete;
  RecoveryProgress& operator=(const RecoveryProgress&) = delete;

  // So many more segments are to be recovered.
  void expect(std::size_t segments);
  // One of them is.
  void recovered();
  // The batches of the file at `path` are checked up to a position. Looks at the clock once in a MiB.
  void checked(const std::string& path, std::uint64_t end_position);

 private:
  // Whether it is time for a line.
  bool is_due();
  void say(const std::string& what) const;

  const Clock& clock_;
  const std::string path_;
  MonotonicTime next_line_;
  std::uint64_t looked_at_ = 0;
  DirectoryProgress* const directory_;
  std::size_t total_ = 0;
  std::uint32_t left_ = 0;
};

}  // namespace millrace::log

// The file system as the logs see it: every call goes through, and a disk's failure in any of them is reported for the
// log directory that it concerns. A directory that is offline is not changed any more, whoever asks: what could not be
// synced is never synced by a later call. Reads of files that are open go on.
//
// Any thread. `files` outlives it and the files that it has opened.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/file.h"
#include "broker/log/directory_health.h"

namespace millrace::log {

class WatchedFileSystem final : public FileSystem {
 public:
  WatchedFileSystem(FileSystem& files, std::shared_ptr<DirectoryHealth> health)
      : files_(files), health_(std::move(health)) {}

  Result<std::shared_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Result<std::vector<Entry>> list(const std::string& directory) override;
  Result<bool> exists(const std::string& path) override;
  Status create_directories(const std::string& path) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status remove_all(const std::string& path) override;
  Status sync_directory(const std::string& directory) override;
  Result<Space> space(const std::string& directory) override;
  Result<std::string> read_text(const std::string& path, std::uint64_t limit_bytes) override;
  Result<std::shared_ptr<void>> lock(const std::string& path) override;

 private:
  // `call()` unless the directory of `path` is offline.
  template <class Call>
  auto watched(const std::string& path, Call call) -> decltype(call());

  FileSystem& files_;
  std::shared_ptr<DirectoryHealth> health_;
};

}  // namespace millrace::log

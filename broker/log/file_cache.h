// Keeps the files of many segments open, but no more than a bound: a file that was not used for longest is closed and opened
// again when it is needed. A FileSlice or a job that holds a file keeps it open by itself.
//
// Any thread; a lock is held for a few instructions, never over I/O.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "broker/base/file.h"
#include "broker/base/result.h"

namespace millrace::log {

class CachedFile;

class FileCache {
 public:
  FileCache(FileSystem& files, std::size_t max_open_files) : files_(files), max_open_files_(max_open_files) {}

  [[nodiscard]] FileSystem& file_system() const { return files_; }
  [[nodiscard]] std::size_t open_files() const;

 private:
  friend class CachedFile;

  FileSystem& files_;
  const std::size_t max_open_files_;
  mutable std::mutex mutex_;
  std::condition_variable renamed_;       // some file has its new name, or has kept its old one
  std::list<CachedFile*> recently_used_;  // the front was used last; only those that are open
};

// One file that is opened for reading and writing when it is needed. The cache outlives it.
class CachedFile {
 public:
  CachedFile(FileCache& cache, std::string path) : cache_(cache), path_(std::move(path)) {}
  ~CachedFile();
  CachedFile(const CachedFile&) = delete;
  CachedFile& operator=(const CachedFile&) = delete;

  [[nodiscard]] std::string path() const;
  // The file, opened with `mode` when it is not open: read_write unless it is about to be made. Waits while it is being renamed.
  Result<std::shared_ptr<File>> open(OpenMode mode = OpenMode::read_write);
  // The file when it is open; nullptr otherwise. Never blocks.
  std::shared_ptr<File> if_open();
  // Gives the file another name, on the disk too. Who opens it meanwhile or later through this object gets this file, never one
  // that has taken its old name since. Does nothing when it has the name already. Blocks.
  Status rename(const std::string& to);
  // A directory above it was renamed, on the disk: the file has this path now.
  void moved_to(const std::string& path);
  // Lets go of the file, if it is open.
  void forget();

 private:
  friend class FileCache;

  FileCache& cache_;
  // All under cache_.mutex_.
  std::string path_;
  std::uint64_t renames_ = 0;  // tried so far: a file that was opened while this moved may be another one
  bool renaming_ = false;
  std::shared_ptr<File> file_;
  std::list<CachedFile*>::iterator place_;  // in cache_.recently_used_ while file_ is set
};

}  // namespace millrace::log

// Keeps the files of many segments open, but no more than a bound: a file that was not used for longest is closed and opened
// again when it is needed. A FileSlice or a job that holds a file keeps it open by itself.
//
// Any thread; a lock is held for a few instructions, never over I/O.
#pragma once

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
  std::list<CachedFile*> recently_used_;  // the front was used last; only those that are open
};

// One file that is opened for reading and writing when it is needed. The cache outlives it.
class CachedFile {
 public:
  CachedFile(FileCache& cache, std::string path) : cache_(cache), path_(std::move(path)) {}
  ~CachedFile();
  CachedFile(const CachedFile&) = delete;
  CachedFile& operator=(const CachedFile&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  // The file, opened with `mode` when it is not open: read_write unless it is about to be made.
  Result<std::shared_ptr<File>> open(OpenMode mode = OpenMode::read_write);
  // Lets go of the file, if it is open.
  void forget();

 private:
  friend class FileCache;

  FileCache& cache_;
  const std::string path_;
  std::shared_ptr<File> file_;              // under cache_.mutex_
  std::list<CachedFile*>::iterator place_;  // in cache_.recently_used_ while file_ is set
};

}  // namespace millrace::log

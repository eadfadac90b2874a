// A file system that says of some syncs that they were made, and makes them not: a bug planted below the logs, which
// their crash tests must find.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/file.h"

namespace millrace::sim {

class LyingFiles final : public FileSystem {
 public:
  // Whether the sync of this file or directory is left out.
  using Lies = std::function<bool(const std::string& path)>;

  LyingFiles(FileSystem& files, Lies lies) : files_(files), lies_(std::move(lies)) {}

  Result<std::shared_ptr<File>> open(const std::string& path, OpenMode mode) override {
    return files_.open(path, mode).map([&](std::shared_ptr<File> file) -> std::shared_ptr<File> {
      return std::make_shared<LyingFile>(std::move(file), lies_);
    });
  }
  Result<std::vector<Entry>> list(const std::string& directory) override { return files_.list(directory); }
  Result<bool> exists(const std::string& path) override { return files_.exists(path); }
  Status create_directories(const std::string& path) override { return files_.create_directories(path); }
  Status rename(const std::string& from, const std::string& to) override { return files_.rename(from, to); }
  Status remove(const std::string& path) override { return files_.remove(path); }
  Status remove_all(const std::string& path) override { return files_.remove_all(path); }
  Status sync_directory(const std::string& directory) override {
    return lies_(directory) ? Status{} : files_.sync_directory(directory);
  }
  Result<Space> space(const std::string& directory) override { return files_.space(directory); }
  Result<std::string> read_text(const std::string& path, std::uint64_t limit_bytes) override {
    return files_.read_text(path, limit_bytes);
  }
  Result<std::shared_ptr<void>> lock(const std::string& path) override { return files_.lock(path); }

 private:
  class LyingFile final : public File {
   public:
    LyingFile(std::shared_ptr<File> file, Lies lies) : file_(std::move(file)), lies_(std::move(lies)) {}

    [[nodiscard]] const std::string& path() const override { return file_->path(); }
    [[nodiscard]] Result<FileStatus> status() const override { return file_->status(); }
    Result<std::size_t> read_at(std::uint64_t position, MutableBytes into) const override {
      return file_->read_at(position, into);
    }
    std::size_t read_at_if_cached(std::uint64_t position, MutableBytes into) const override {
      return file_->read_at_if_cached(position, into);
    }
    Status write_at(std::uint64_t position, BytesView bytes) override { return file_->write_at(position, bytes); }
    Status write_at(std::uint64_t position, const std::vector<BytesView>& pieces) override {
      return file_->write_at(position, pieces);
    }
    Status truncate(std::uint64_t size_bytes) override { return file_->truncate(size_bytes); }
    Status preallocate(std::uint64_t size_bytes) override { return file_->preallocate(size_bytes); }
    Status set_modified(TimestampMs time) override { return file_->set_modified(time); }
    Status sync() override { return lies_(path()) ? Status{} : file_->sync(); }
    [[nodiscard]] int descriptor() const override { return -1; }

   private:
    const std::shared_ptr<File> file_;
    const Lies lies_;
  };

  FileSystem& files_;
  const Lies lies_;
};

}  // namespace millrace::sim

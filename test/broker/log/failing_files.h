// A file system that fails the calls that the test names, by the call's name and the path, with the kind of error that
// it wants.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/base/file.h"

namespace millrace::log::test {

// Names: open, list, exists, create_directories, rename, remove, remove_all, sync_directory, space, read_text, lock; of files:
// status, read, write, truncate, preallocate, reserve, set_modified, sync. Nothing: the call goes through.
struct FailingCalls {
  std::function<std::optional<ErrorKind>(std::string_view call, const std::string& path)> fault;
  std::atomic<std::size_t> largest_read_bytes = 0;   // that was asked for
  std::atomic<std::size_t> largest_write_bytes = 0;  // the same of those in one piece

  [[nodiscard]] Status check(std::string_view call, const std::string& path) const {
    if (!fault) return {};
    if (auto kind = fault(call, path)) return fail(*kind, "cannot " + std::string(call) + " " + path + ": injected");
    return {};
  }
};

inline void raise_to(std::atomic<std::size_t>& largest, std::size_t size) {
  auto seen = largest.load();
  while (seen < size && !largest.compare_exchange_weak(seen, size)) {
  }
}

class FailingFile final : public File {
 public:
  FailingFile(std::shared_ptr<File> file, std::shared_ptr<FailingCalls> calls)
      : file_(std::move(file)), calls_(std::move(calls)) {}

  [[nodiscard]] const std::string& path() const override { return file_->path(); }
  [[nodiscard]] int descriptor() const override { return -1; }
  [[nodiscard]] Result<FileStatus> status() const override {
    return calls_->check("status", path()).and_then([&] { return file_->status(); });
  }
  Result<std::size_t> read_at(std::uint64_t position, MutableBytes into) const override {
    raise_to(calls_->largest_read_bytes, into.size());
    return calls_->check("read", path()).and_then([&] { return file_->read_at(position, into); });
  }
  Status write_at(std::uint64_t position, BytesView bytes) override {
    raise_to(calls_->largest_write_bytes, bytes.size());
    return calls_->check("write", path()).and_then([&] { return file_->write_at(position, bytes); });
  }
  Status write_at(std::uint64_t position, const std::vector<BytesView>& pieces) override {
    return calls_->check("write", path()).and_then([&] { return file_->write_at(position, pieces); });
  }
  Status truncate(std::uint64_t size_bytes) override {
    return calls_->check("truncate", path()).and_then([&] { return file_->truncate(size_bytes); });
  }
  Status preallocate(std::uint64_t size_bytes) override {
    return calls_->check("preallocate", path()).and_then([&] { return file_->preallocate(size_bytes); });
  }
  bool reserve(std::uint64_t position, std::uint64_t size_bytes) override {
    // Where the file system does not know how, who asks is to do as where it does.
    (void)file_->reserve(position, size_bytes);
    return calls_->check("reserve", path()).has_value();
  }
  Status set_modified(TimestampMs time) override {
    return calls_->check("set_modified", path()).and_then([&] { return file_->set_modified(time); });
  }
  Status sync() override { return calls_->check("sync", path()); }

 private:
  std::shared_ptr<File> file_;
  std::shared_ptr<FailingCalls> calls_;
};

class FailingFileSystem final : public FileSystem {
 public:
  std::shared_ptr<FailingCalls> calls = std::make_shared<FailingCalls>();

  Result<std::shared_ptr<File>> open(const std::string& path, OpenMode mode) override {
    return calls->check("open", path).and_then([&] { return real_.open(path, mode); }).map([&](auto file) {
      return std::shared_ptr<File>(std::make_shared<FailingFile>(std::move(file), calls));
    });
  }
  Result<std::vector<Entry>> list(const std::string& directory) override {
    return calls->check("list", directory).and_then([&] { return real_.list(directory); });
  }
  Result<bool> exists(const std::string& path) override {
    return calls->check("exists", path).and_then([&] { return real_.exists(path); });
  }
  Status create_directories(const std::string& path) override {
    return calls->check("create_directories", path).and_then([&] { return real_.create_directories(path); });
  }
  Status rename(const std::string& from, const std::string& to) override {
    return calls->check("rename", from).and_then([&] { return real_.rename(from, to); });
  }
  Status remove(const std::string& path) override {
    return calls->check("remove", path).and_then([&] { return real_.remove(path); });
  }
  Status remove_all(const std::string& path) override {
    return calls->check("remove_all", path).and_then([&] { return real_.remove_all(path); });
  }
  Status sync_directory(const std::string& directory) override { return calls->check("sync_directory", directory); }
  Result<Space> space(const std::string& directory) override {
    return calls->check("space", directory).and_then([&] { return real_.space(directory); });
  }
  Result<std::string> read_text(const std::string& path, std::uint64_t limit_bytes) override {
    return calls->check("read_text", path).and_then([&] { return real_.read_text(path, limit_bytes); });
  }
  Result<std::shared_ptr<void>> lock(const std::string& path) override {
    return calls->check("lock", path).and_then([&] { return real_.lock(path); });
  }

 private:
  FileSystem& real_ = posix_file_system();
};

}  // namespace millrace::log::test

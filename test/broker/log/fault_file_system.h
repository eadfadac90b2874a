// The machine's file system with faults on demand: a disk that is full after some bytes (what fits is written, as a
// real disk does), writes, syncs, truncations and openings that fail. Nothing is synced for real.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/file.h"

namespace millrace::log::test {

struct Faults {
  static constexpr std::uint64_t none = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t writable_bytes = none;  // over all files
  bool fail_sync = false;
  bool fail_truncate = false;
  bool fail_read = false;
  // How many bytes of this path the page cache has from a position on; none without.
  std::function<std::size_t(const std::string&, std::uint64_t)> cached_bytes;
  std::function<void(const std::string&)> before_read;  // of this path
  std::function<bool(const std::string&)> fail_open;    // of this path
  std::function<Space(const std::string&)> space;       // instead of the machine's
  ErrorKind open_failure = ErrorKind::io;
  std::function<bool(const std::string&)> only_for = [](const std::string&) {
    return true;
  };  // writes and syncs of this path
  std::vector<std::string> synced;  // paths, in order
};

class FaultFile final : public File {
 public:
  FaultFile(std::shared_ptr<File> real, std::shared_ptr<Faults> faults)
      : real_(std::move(real)), faults_(std::move(faults)) {}

  [[nodiscard]] const std::string& path() const override { return real_->path(); }
  [[nodiscard]] Result<FileStatus> status() const override { return real_->status(); }
  Result<std::size_t> read_at(std::uint64_t position, MutableBytes into) const override {
    if (faults_->before_read) faults_->before_read(path());
    if (faults_->fail_read) return fail(ErrorKind::io, "cannot read " + path() + ": injected");
    return real_->read_at(position, into);
  }
  std::size_t read_at_if_cached(std::uint64_t position, MutableBytes into) const override {
    const auto cached = faults_->cached_bytes ? faults_->cached_bytes(path(), position) : 0;
    return real_->read_at(position, into.first(std::min(into.size(), cached))).value_or(0);
  }
  Status write_at(std::uint64_t position, BytesView bytes) override {
    if (!faults_->only_for(path())) return real_->write_at(position, bytes);
    if (bytes.size() <= faults_->writable_bytes) {
      if (faults_->writable_bytes != Faults::none) faults_->writable_bytes -= bytes.size();
      return real_->write_at(position, bytes);
    }
    auto fitting = bytes.first(static_cast<std::size_t>(std::exchange(faults_->writable_bytes, 0)));
    if (auto written = real_->write_at(position, fitting); !written) return written;
    return fail(ErrorKind::no_space, "cannot write " + path() + ": No space left on device");
  }
  Status write_at(std::uint64_t position, const std::vector<BytesView>& pieces) override {
    for (auto piece : pieces) {
      if (auto written = write_at(position, piece); !written) return written;
      position += piece.size();
    }
    return {};
  }
  Status truncate(std::uint64_t size_bytes) override {
    if (faults_->fail_truncate) return fail(ErrorKind::io, "cannot truncate " + path() + ": injected");
    return real_->truncate(size_bytes);
  }
  Status preallocate(std::uint64_t size_bytes) override { return real_->preallocate(size_bytes); }
  Status set_modified(TimestampMs time) override { return real_->set_modified(time); }
  Status sync() override {
    if (faults_->fail_sync && faults_->only_for(path()))
      return fail(ErrorKind::io, "cannot sync " + path() + ": injected");
    faults_->synced.push_back(path());
    return {};
  }
  [[nodiscard]] int descriptor() const override { return -1; }

 private:
  std::shared_ptr<File> real_;
  std::shared_ptr<Faults> faults_;
};

class FaultFileSystem final : public FileSystem {
 public:
  std::shared_ptr<Faults> faults = std::make_shared<Faults>();

  Result<std::shared_ptr<File>> open(const std::string& path, OpenMode mode) override {
    if (faults->fail_open && faults->fail_open(path))
      return fail(faults->open_failure, "cannot open " + path + ": injected");
    auto file = real_.open(path, mode);
    if (!file) return file;
    return std::make_shared<FaultFile>(std::move(*file), faults);
  }
  Result<std::vector<Entry>> list(const std::string& directory) override { return real_.list(directory); }
  Result<bool> exists(const std::string& path) override { return real_.exists(path); }
  Status create_directories(const std::string& path) override { return real_.create_directories(path); }
  Status rename(const std::string& from, const std::string& to) override { return real_.rename(from, to); }
  Status remove(const std::string& path) override { return real_.remove(path); }
  Status remove_all(const std::string& path) override { return real_.remove_all(path); }
  Status sync_directory(const std::string& directory) override {
    return real_.exists(directory).map([](bool) {});
  }
  Result<Space> space(const std::string& directory) override {
    return faults->space ? faults->space(directory) : real_.space(directory);
  }
  Result<std::string> read_text(const std::string& path, std::uint64_t limit_bytes) override {
    return real_.read_text(path, limit_bytes);
  }
  Result<std::shared_ptr<void>> lock(const std::string& path) override { return real_.lock(path); }

 private:
  FileSystem& real_ = posix_file_system();
};

}  // namespace millrace::log::test

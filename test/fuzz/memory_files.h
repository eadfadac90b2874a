// A file system of one file, which is whatever the fuzzer says, under every path. Reading only.
#pragma once

#include <algorithm>
#include <memory>
#include <string>

#include "broker/base/file.h"

namespace millrace::fuzz {

class MemoryFile final : public File {
 public:
  MemoryFile(std::string path, BytesView bytes) : path_(std::move(path)), bytes_(bytes) {}

  [[nodiscard]] const std::string& path() const override { return path_; }
  [[nodiscard]] Result<FileStatus> status() const override { return FileStatus{bytes_.size(), TimestampMs(0)}; }
  Result<std::size_t> read_at(std::uint64_t position, MutableBytes into) const override {
    const auto start = std::min<std::uint64_t>(position, bytes_.size());
    const auto count = std::min<std::uint64_t>(into.size(), bytes_.size() - start);
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(start), count, into.begin());
    return count;
  }
  Status write_at(std::uint64_t, BytesView) override { return read_only(); }
  Status write_at(std::uint64_t, const std::vector<BytesView>&) override { return read_only(); }
  Status truncate(std::uint64_t) override { return read_only(); }
  Status preallocate(std::uint64_t) override { return read_only(); }
  Status set_modified(TimestampMs) override { return read_only(); }
  Status sync() override { return {}; }
  [[nodiscard]] int descriptor() const override { return -1; }

  static tl::unexpected<Error> read_only() { return fail(ErrorKind::permission_denied, "the file is for reading"); }

 private:
  const std::string path_;
  const BytesView bytes_;
};

class MemoryFiles final : public FileSystem {
 public:
  explicit MemoryFiles(BytesView bytes) : bytes_(bytes) {}

  Result<std::shared_ptr<File>> open(const std::string& path, OpenMode) override {
    return std::make_shared<MemoryFile>(path, bytes_);
  }
  Result<std::vector<Entry>> list(const std::string&) override { return std::vector<Entry>(); }
  Result<bool> exists(const std::string&) override { return true; }
  Status create_directories(const std::string&) override { return MemoryFile::read_only(); }
  Status rename(const std::string&, const std::string&) override { return MemoryFile::read_only(); }
  Status remove(const std::string&) override { return MemoryFile::read_only(); }
  Status remove_all(const std::string&) override { return MemoryFile::read_only(); }
  Status sync_directory(const std::string&) override { return MemoryFile::read_only(); }
  Result<Space> space(const std::string&) override { return Space{bytes_.size(), 0}; }
  Result<std::string> read_text(const std::string&, std::uint64_t limit_bytes) override {
    if (bytes_.size() > limit_bytes) return fail(ErrorKind::resource_exhausted, "the file is too long");
    return std::string(bytes_.begin(), bytes_.end());
  }
  Result<std::shared_ptr<void>> lock(const std::string&) override { return MemoryFile::read_only(); }

 private:
  const BytesView bytes_;
};

}  // namespace millrace::fuzz

// Files in memory, without faults: for tests that start logs thousands of times. One thread.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "broker/base/file.h"

namespace millrace::log::test {

using MemoryContent = std::shared_ptr<std::vector<std::uint8_t>>;

class MemoryFile final : public File {
 public:
  MemoryFile(std::string path, MemoryContent content) : path_(std::move(path)), content_(std::move(content)) {}

  [[nodiscard]] const std::string& path() const override { return path_; }
  [[nodiscard]] int descriptor() const override { return -1; }
  [[nodiscard]] Result<FileStatus> status() const override { return FileStatus{content_->size(), TimestampMs(0)}; }
  Result<std::size_t> read_at(std::uint64_t position, MutableBytes into) const override {
    const auto begin = static_cast<std::size_t>(std::min<std::uint64_t>(position, content_->size()));
    const auto count = std::min(into.size(), content_->size() - begin);
    std::copy_n(content_->begin() + static_cast<std::ptrdiff_t>(begin), count, into.begin());
    return count;
  }
  std::size_t read_at_if_cached(std::uint64_t position, MutableBytes into) const override {
    return *read_at(position, into);
  }
  Status write_at(std::uint64_t position, BytesView bytes) override {
    content_->resize(std::max(content_->size(), static_cast<std::size_t>(position) + bytes.size()));
    std::ranges::copy(bytes, content_->begin() + static_cast<std::ptrdiff_t>(position));
    return {};
  }
  Status write_at(std::uint64_t position, const std::vector<BytesView>& pieces) override {
    for (auto piece : pieces) {
      (void)write_at(position, piece);
      position += piece.size();
    }
    return {};
  }
  Status truncate(std::uint64_t size_bytes) override {
    content_->resize(static_cast<std::size_t>(size_bytes));
    return {};
  }
  Status preallocate(std::uint64_t) override { return {}; }
  Status set_modified(TimestampMs) override { return {}; }
  Status sync() override { return {}; }

 private:
  const std::string path_;
  const MemoryContent content_;
};

class MemoryFileSystem final : public FileSystem {
 public:
  std::map<std::string, MemoryContent> files;
  std::set<std::string> directories;

  Result<std::shared_ptr<File>> open(const std::string& path, OpenMode mode) override {
    auto at = files.find(path);
    if (at == files.end()) {
      if (mode == OpenMode::read_only || mode == OpenMode::read_write)
        return fail(ErrorKind::not_found, "cannot open " + path + ": No such file or directory");
      at = files.emplace(path, std::make_shared<std::vector<std::uint8_t>>()).first;
    } else if (mode == OpenMode::create_new) {
      return fail(ErrorKind::already_exists, path + " is there");
    }
    return std::make_shared<MemoryFile>(path, at->second);
  }
  Result<std::vector<Entry>> list(const std::string& directory) override {
    if (!directories.contains(directory)) return fail(ErrorKind::not_found, directory + " is not there");
    std::vector<Entry> entries;
    const auto prefix = directory + "/";
    const auto add = [&](const std::string& path, bool is_directory) {
      if (path.starts_with(prefix) && path.find('/', prefix.size()) == std::string::npos)
        entries.push_back({path.substr(prefix.size()), is_directory});
    };
    for (const auto& [path, content] : files) add(path, false);
    for (const auto& path : directories) add(path, true);
    return entries;
  }
  Result<bool> exists(const std::string& path) override { return files.contains(path) || directories.contains(path); }
  Status create_directories(const std::string& path) override {
    for (auto at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1))
      directories.insert(path.substr(0, at));
    directories.insert(path);
    return {};
  }
  Status rename(const std::string& from, const std::string& to) override {
    const auto at = files.find(from);
    if (at == files.end()) return fail(ErrorKind::not_found, "cannot rename " + from + ": No such file or directory");
    files.insert_or_assign(to, at->second);
    files.erase(from);
    return {};
  }
  Status remove(const std::string& path) override {
    if (files.erase(path) + directories.erase(path) > 0) return {};
    return fail(ErrorKind::not_found, "cannot remove " + path + ": No such file or directory");
  }
  Status remove_all(const std::string& path) override {
    const auto inside = [&](const std::string& other) { return other == path || other.starts_with(path + "/"); };
    std::erase_if(files, [&](const auto& file) { return inside(file.first); });
    std::erase_if(directories, inside);
    return {};
  }
  Status sync_directory(const std::string&) override { return {}; }
  Result<Space> space(const std::string&) override { return Space{std::uint64_t{1} << 30, std::uint64_t{1} << 30}; }
  Result<std::string> read_text(const std::string& path, std::uint64_t limit_bytes) override {
    const auto at = files.find(path);
    if (at == files.end()) return fail(ErrorKind::not_found, "cannot open " + path + ": No such file or directory");
    if (at->second->size() > limit_bytes) return fail(ErrorKind::corrupt, path + " is too long");
    return std::string(at->second->begin(), at->second->end());
  }
  Result<std::shared_ptr<void>> lock(const std::string&) override { return std::make_shared<int>(); }
};

}  // namespace millrace::log::test

#include "broker/log/watched_files.h"

#include <cstddef>
#include <optional>
#include <utility>

namespace millrace::log {
namespace {

class WatchedFile final : public File {
 public:
  WatchedFile(std::shared_ptr<File> file, std::shared_ptr<DirectoryHealth> health, std::size_t directory)
      : file_(std::move(file)), health_(std::move(health)), directory_(directory) {}

  [[nodiscard]] const std::string& path() const override { return file_->path(); }
  [[nodiscard]] int descriptor() const override { return file_->descriptor(); }
  void tell_failed_read(const Error& error) const override { health_->report(directory_, error); }
  [[nodiscard]] Result<FileStatus> status() const override { return told(file_->status()); }
  Result<std::size_t> read_at(std::uint64_t position, MutableBytes into) const override {
    return told(file_->read_at(position, into));
  }
  Result<std::size_t> read_at_uncached(std::uint64_t position, MutableBytes into) const override {
    return told(file_->read_at_uncached(position, into));
  }
  std::size_t read_at_if_cached(std::uint64_t position, MutableBytes into) const override {
    return file_->read_at_if_cached(position, into);
  }
  Status write_at(std::uint64_t position, BytesView bytes) override {
    return change([&] { return file_->write_at(position, bytes); });
  }
  Status write_at(std::uint64_t position, const std::vector<BytesView>& pieces) override {
    return change([&] { return file_->write_at(position, pieces); });
  }
  Status truncate(std::uint64_t size_bytes) override {
    return change([&] { return file_->truncate(size_bytes); });
  }
  // That there is no room for what nobody has written yet is no failure of the disk.
  Status preallocate(std::uint64_t size_bytes) override {
    std::optional<Error> no_space;
    auto done = change([&]() -> Status {
      auto reserved = file_->preallocate(size_bytes);
      if (!reserved && reserved.error().kind == ErrorKind::no_space) return no_space = reserved.error(), Status();
      return reserved;
    });
    return no_space ? tl::unexpected(*no_space) : done;
  }
  bool reserve(std::uint64_t position, std::uint64_t size_bytes) override {
    return file_->reserve(position, size_bytes);
  }
  Status set_modified(TimestampMs time) override {
    return change([&] { return file_->set_modified(time); });
  }
  Status sync() override {
    return change([&] { return file_->sync(); });
  }

 private:
  template <class Outcome>
  Outcome told(Outcome outcome) const {
    if (!outcome) health_->report(directory_, outcome.error());
    return outcome;
  }
  template <class Call>
  Status change(Call call) {
    if (!health_->is_online(directory_)) return tl::unexpected(health_->offline_error(directory_));
    return told(call());
  }

  std::shared_ptr<File> file_;
  std::shared_ptr<DirectoryHealth> health_;
  const std::size_t directory_;
};

}  // namespace

template <class Call>
auto WatchedFileSystem::watched(const std::string& path, Call call) -> decltype(call()) {
  const auto directory = health_->directory_of(path);
  if (!health_->is_online(directory)) return tl::unexpected(health_->offline_error(directory));
  auto outcome = call();
  if (!outcome) health_->report(directory, outcome.error());
  return outcome;
}

Result<std::shared_ptr<File>> WatchedFileSystem::open(const std::string& path, OpenMode mode) {
  return watched(path, [&]() -> Result<std::shared_ptr<File>> {
    auto file = files_.open(path, mode);
    if (!file) return file;
    return std::make_shared<WatchedFile>(std::move(*file), health_, health_->directory_of(path));
  });
}

Result<std::vector<FileSystem::Entry>> WatchedFileSystem::list(const std::string& directory) {
  return watched(directory, [&] { return files_.list(directory); });
}

Result<bool> WatchedFileSystem::exists(const std::string& path) {
  return watched(path, [&] { return files_.exists(path); });
}

Status WatchedFileSystem::create_directories(const std::string& path) {
  return watched(path, [&] { return files_.create_directories(path); });
}

Status WatchedFileSystem::rename(const std::string& from, const std::string& to) {
  return watched(from, [&] { return files_.rename(from, to); });
}

Status WatchedFileSystem::remove(const std::string& path) {
  return watched(path, [&] { return files_.remove(path); });
}

Status WatchedFileSystem::remove_all(const std::string& path) {
  return watched(path, [&] { return files_.remove_all(path); });
}

Status WatchedFileSystem::sync_directory(const std::string& directory) {
  return watched(directory, [&] { return files_.sync_directory(directory); });
}

Result<Space> WatchedFileSystem::space(const std::string& directory) {
  return watched(directory, [&] { return files_.space(directory); });
}

Result<std::string> WatchedFileSystem::read_text(const std::string& path, std::uint64_t limit_bytes) {
  return watched(path, [&] { return files_.read_text(path, limit_bytes); });
}

Result<std::shared_ptr<void>> WatchedFileSystem::lock(const std::string& path) {
  return watched(path, [&] { return files_.lock(path); });
}

}  // namespace millrace::log

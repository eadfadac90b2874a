#include <dirent.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "broker/base/file.h"
#include "broker/base/uncached_read.h"

namespace millrace {
namespace {

ErrorKind kind_of(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return ErrorKind::not_found;
    case EEXIST:
    case ENOTEMPTY:
      return ErrorKind::already_exists;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorKind::permission_denied;
    case ENOSPC:
    case EDQUOT:
      return ErrorKind::no_space;
    case EMFILE:
    case ENFILE:
      return ErrorKind::resource_exhausted;
    default:
      return ErrorKind::io;
  }
}

tl::unexpected<Error> system_failure(const char* verb, const std::string& path, int error) {
  return fail(kind_of(error),
              std::string("cannot ") + verb + " " + path + ": " + std::system_category().message(error));
}

class PosixFile final : public File {
 public:
  PosixFile(std::string path, int descriptor, bool direct = false)
      : path_(std::move(path)), descriptor_(descriptor), direct_(direct) {}
  ~PosixFile() override { ::close(descriptor_); }

  [[nodiscard]] const std::string& path() const override { return path_; }
  [[nodiscard]] int descriptor() const override { return descriptor_; }

  [[nodiscard]] Result<FileStatus> status() const override {
    struct stat info{};
    if (::fstat(descriptor_, &info) != 0) return system_failure("stat", path_, errno);
    const auto modified_ms = std::int64_t{info.st_mtim.tv_sec} * 1'000 + info.st_mtim.tv_nsec / 1'000'000;
    return FileStatus{static_cast<std::uint64_t>(info.st_size), TimestampMs(modified_ms)};
  }

  Result<std::size_t> read_at(std::uint64_t position, MutableBytes into) const override {
    std::size_t done = 0;
    while (done < into.size()) {
      auto count = ::pread(descriptor_, into.data() + done, into.size() - done, static_cast<off_t>(position + done));
      if (count == 0) break;
      if (count > 0) {
        done += static_cast<std::size_t>(count);
      } else if (errno != EINTR && !leave_direct(errno)) {
        return system_failure("read", path_, errno);
      }
    }
    return done;
  }

  Result<std::size_t> read_at_uncached(std::uint64_t position, MutableBytes into) const override {
    const auto count = read_uncached(descriptor_, position, into);
    if (count < 0) return system_failure("read", path_, static_cast<int>(-count));
    return static_cast<std::size_t>(count);
  }

  // Past the page cache there is nothing that a read need not wait for.
  std::size_t read_at_if_cached(std::uint64_t position, MutableBytes into) const override {
    if (direct_) return 0;
    iovec vector{into.data(), into.size()};
    ssize_t count = -1;
    do {
      count = ::preadv2(descriptor_, &vector, 1, static_cast<off_t>(position), RWF_NOWAIT);
    } while (count < 0 && errno == EINTR);
    return count < 0 ? 0 : static_cast<std::size_t>(count);  // EAGAIN; EOPNOTSUPP of a file system that cannot say
  }

  Status write_at(std::uint64_t position, BytesView bytes) override {
    while (!bytes.empty()) {
      auto count = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(position));
      if (count >= 0) {
        position += static_cast<std::uint64_t>(count);
        bytes = bytes.subspan(static_cast<std::size_t>(count));
      } else if (errno != EINTR && !leave_direct(errno)) {
        return system_failure("write", path_, errno);
      }
    }
    return {};
  }

  Status write_at(std::uint64_t position, const std::vector<BytesView>& pieces) override {
    std::vector<iovec> vectors;
    vectors.reserve(pieces.size());
    for (auto piece : pieces) {
      // writev only reads; its iovec is not const.
      if (!piece.empty()) vectors.push_back({const_cast<std::uint8_t*>(piece.data()), piece.size()});
    }
    std::size_t first = 0;
    while (first < vectors.size()) {
      auto wanted = std::min<std::size_t>(vectors.size() - first, IOV_MAX);
      auto count =
          ::pwritev(descriptor_, vectors.data() + first, static_cast<int>(wanted), static_cast<off_t>(position));
      if (count < 0) {
        if (errno == EINTR) continue;
        return system_failure("write", path_, errno);
      }
      position += static_cast<std::uint64_t>(count);
      for (auto left = static_cast<std::size_t>(count); left > 0;) {
        auto taken = std::min(left, vectors[first].iov_len);
        vectors[first].iov_base = static_cast<std::uint8_t*>(vectors[first].iov_base) + taken;
        vectors[first].iov_len -= taken;
        left -= taken;
        if (vectors[first].iov_len == 0) ++first;
      }
    }
    return {};
  }

  Status truncate(std::uint64_t size_bytes) override {
    if (::ftruncate(descriptor_, static_cast<off_t>(size_bytes)) != 0) return system_failure("truncate", path_, errno);
    return {};
  }

  Status preallocate(std::uint64_t size_bytes) override {
    if (::fallocate(descriptor_, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size_bytes)) != 0 && errno != EOPNOTSUPP &&
        errno != ENOSYS) {
      return system_failure("preallocate", path_, errno);
    }
    return {};
  }

  // On ext4, which otherwise looks for each block alone. XFS reserves by itself, and waits for the file's dirty pages where a truncation gives
  // back what is behind the end.
  bool reserve(std::uint64_t position, std::uint64_t size_bytes) override {
    struct statfs volume{};
    return ::fstatfs(descriptor_, &volume) == 0 && volume.f_type == EXT4_SUPER_MAGIC &&
           ::fallocate(descriptor_, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(position),
                       static_cast<off_t>(size_bytes)) == 0;
  }

  Status set_modified(TimestampMs time) override {
    const std::array<timespec, 2> times{
        timespec{0, UTIME_OMIT},
        timespec{static_cast<time_t>(time.value() / 1'000), static_cast<long>(time.value() % 1'000 * 1'000'000)}};
    if (::futimens(descriptor_, times.data()) != 0 && errno != EPERM)
      return system_failure("set the time of", path_, errno);
    return {};
  }

  Status sync() override {
    if (::fdatasync(descriptor_) != 0) return system_failure("sync", path_, errno);
    return {};
  }

 private:
  // Some file systems take O_DIRECT at the opening and refuse it then, or want more than our alignment; the end of a file that was read ends so
  // too. True: the page cache it is, try again.
  [[nodiscard]] bool leave_direct(int error) const {
    if (error != EINVAL) return false;
    const int flags = ::fcntl(descriptor_, F_GETFL);
    return flags >= 0 && (flags & O_DIRECT) != 0 && ::fcntl(descriptor_, F_SETFL, flags & ~O_DIRECT) == 0;
  }

  const std::string path_;
  const int descriptor_;
  const bool direct_;  // opened for calls past the page cache
};

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::shared_ptr<File>> open(const std::string& path, OpenMode mode) override {
    int flags = O_CLOEXEC;
    switch (mode) {
      case OpenMode::read_only:
        flags |= O_RDONLY;
        break;
      case OpenMode::read_write:
        flags |= O_RDWR;
        break;
      case OpenMode::read_write_or_create:
        flags |= O_RDWR | O_CREAT;
        break;
      case OpenMode::create_new:
        flags |= O_RDWR | O_CREAT | O_EXCL;
        break;
      case OpenMode::direct_read_write:
        flags |= O_RDWR | O_DIRECT;
        break;
    }
    int descriptor = ::open(path.c_str(), flags, 0644);
    if (descriptor < 0 && errno == EINVAL && mode == OpenMode::direct_read_write)
      descriptor = ::open(path.c_str(), flags & ~O_DIRECT, 0644);
    if (descriptor < 0) return system_failure("open", path, errno);
    return std::make_shared<PosixFile>(path, descriptor, mode == OpenMode::direct_read_write);
  }

  Result<std::vector<Entry>> list(const std::string& directory) override {
    std::error_code error;
    std::vector<Entry> entries;
    for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
      std::error_code ignored;
      entries.push_back({at->path().filename().string(), at->is_directory(ignored)});
    }
    if (error) return system_failure("list", directory, error.value());
    return entries;
  }

  Result<bool> exists(const std::string& path) override {
    struct stat info{};
    if (::stat(path.c_str(), &info) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return system_failure("stat", path, errno);
  }

  Status create_directories(const std::string& path) override {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) return system_failure("create directory", path, error.value());
    return {};
  }

  Status rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return system_failure("rename", from + " to " + to, errno);
    return {};
  }

  Status remove(const std::string& path) override {
    if (::remove(path.c_str()) != 0) return system_failure("remove", path, errno);
    return {};
  }

  Status remove_all(const std::string& path) override {
    std::error_code error;
    std::filesystem::remove_all(path, error);
    if (error) return system_failure("remove", path, error.value());
    return {};
  }

  Status sync_directory(const std::string& directory) override {
    int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return system_failure("open", directory, errno);
    int outcome = ::fsync(descriptor);
    int error = errno;
    ::close(descriptor);
    if (outcome != 0) return system_failure("sync", directory, error);
    return {};
  }

  Result<Space> space(const std::string& directory) override {
    std::error_code error;
    const auto found = std::filesystem::space(directory, error);
    if (error) return system_failure("ask for the space of", directory, error.value());
    return Space{found.capacity, found.available};
  }

  Result<std::string> read_text(const std::string& path, std::uint64_t limit_bytes) override {
    auto file = open(path, OpenMode::read_only);
    if (!file) return tl::unexpected(file.error());
    auto size = (*file)->size_bytes();
    if (!size) return tl::unexpected(size.error());
    if (*size > limit_bytes) {
      return fail(ErrorKind::resource_exhausted, path + " has " + std::to_string(*size) + " bytes, more than the " +
                                                     std::to_string(limit_bytes) + " that are read");
    }
    std::string text(*size, '\0');
    auto count = (*file)->read_at(0, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
    if (!count) return tl::unexpected(count.error());
    text.resize(*count);
    return text;
  }

  Result<std::shared_ptr<void>> lock(const std::string& path) override {
    int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor < 0) return system_failure("open", path, errno);
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
      int error = errno;
      ::close(descriptor);
      if (error == EWOULDBLOCK) return fail(ErrorKind::conflict, path + " is locked by another process");
      return system_failure("lock", path, error);
    }
    return std::shared_ptr<void>(std::make_shared<PosixFile>(path, descriptor));
  }
};

}  // namespace

FileSystem& posix_file_system() {
  static PosixFileSystem files;
  return files;
}

Status replace_file(FileSystem& files, const std::string& path, std::string_view text) {
  const std::string temporary = path + ".tmp";
  if (auto removed = files.remove(temporary); !removed && removed.error().kind != ErrorKind::not_found) return removed;
  auto written = files.open(temporary, OpenMode::create_new).and_then([&](const std::shared_ptr<File>& file) {
    return file->write_at(0, as_bytes(text)).and_then([&] { return file->sync(); });
  });
  if (!written) return written;
  if (auto renamed = files.rename(temporary, path); !renamed) return renamed;
  auto slash = path.rfind('/');
  return files.sync_directory(slash == std::string::npos ? "." : path.substr(0, slash));
}

}  // namespace millrace

// Files and directories behind an interface, so that a simulated disk (torn writes, ENOSPC, EIO, bit flips) can stand in.
// All calls block: a shard makes them through a BlockingPool (shard.h), or inline where the design says so (appends to the
// page cache). Errors: io, no_space, not_found, already_exists, permission_denied, resource_exhausted (EMFILE), with the path and the
// system's word.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/result.h"
#include "broker/base/types.h"

namespace millrace {

struct FileStatus {
  std::uint64_t size_bytes = 0;
  TimestampMs modified;  // when its content last changed, by the wall clock, or what set_modified said since
};

// An open file. Calls at different positions may come from several threads at once.
class File {
 public:
  File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  virtual ~File() = default;  // closes

  [[nodiscard]] virtual const std::string& path() const = 0;
  [[nodiscard]] virtual Result<FileStatus> status() const = 0;
  [[nodiscard]] Result<std::uint64_t> size_bytes() const {
    return status().map([](const FileStatus& found) { return found.size_bytes; });
  }
  // Reads up to into.size() bytes at `position`; fewer only at the end of the file.
  virtual Result<std::size_t> read_at(std::uint64_t position, MutableBytes into) const = 0;
  // The same for who reads large files once and must not push out of memory what others read: what the page cache does not have
  // stays out of it, and what it has stays in. On disks that allow it the bytes are the disk's own, not the cache's.
  virtual Result<std::size_t> read_at_uncached(std::uint64_t position, MutableBytes into) const {
    return read_at(position, into);
  }
  // As many of into.size() bytes at `position` as are in memory, never waiting for the disk: fewer, or 0, where the next page is not, at
  // the end of the file, and where nobody can say. Does not fail: read_at tells why.
  virtual std::size_t read_at_if_cached(std::uint64_t /*position*/, MutableBytes /*into*/) const { return 0; }
  // Writes all of them or fails; after a failure any prefix may be there.
  virtual Status write_at(std::uint64_t position, BytesView bytes) = 0;
  // The same for several pieces in one call (pwritev).
  virtual Status write_at(std::uint64_t position, const std::vector<BytesView>& pieces) = 0;
  virtual Status truncate(std::uint64_t size_bytes) = 0;
  // Reserves blocks without changing the size (fallocate KEEP_SIZE); unsupported file systems are not an error.
  virtual Status preallocate(std::uint64_t size_bytes) = 0;
  // A hint: so much will be written behind the end, at `position`. Where that helps, blocks are found together for it, and lie
  // together. Changes no size, as preallocate. False where nothing came of it.
  virtual bool reserve(std::uint64_t /*position*/, std::uint64_t /*size_bytes*/) { return false; }
  virtual Status set_modified(TimestampMs time) = 0;  // only a file's owner may: for others nothing changes
  virtual Status sync() = 0;                          // fdatasync
  // The file descriptor for sendfile; -1 where there is none (a simulated file): then read_at is the only way.
  [[nodiscard]] virtual int descriptor() const = 0;
  // Who reads through the descriptor and is refused says so here: whoever watches over the disk sees no other call.
  virtual void tell_failed_read(const Error& /*error*/) const {}
};

enum class OpenMode : std::uint8_t {
  read_only,
  read_write,            // must exist
  read_write_or_create,  // made empty when absent
  create_new,            // must not exist
  // Must exist. Past the page cache (O_DIRECT), where the file system has that: positions, sizes and the addresses of buffers are multiples of
  // direct_alignment_bytes.
  direct_read_write,
};

inline constexpr std::size_t direct_alignment_bytes = 4096;

// Of the volume that a directory lies on.
struct Space {
  std::uint64_t total_bytes = 0;
  std::uint64_t available_bytes = 0;  // to a process without privileges
};

class FileSystem {
 public:
  struct Entry {
    std::string name;
    bool is_directory;
  };

  FileSystem() = default;
  FileSystem(const FileSystem&) = delete;
  FileSystem& operator=(const FileSystem&) = delete;
  virtual ~FileSystem() = default;

  virtual Result<std::shared_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  virtual Result<std::vector<Entry>> list(const std::string& directory) = 0;  // in no order
  virtual Result<bool> exists(const std::string& path) = 0;
  virtual Status create_directories(const std::string& path) = 0;
  virtual Status rename(const std::string& from, const std::string& to) = 0;  // atomic, replaces
  virtual Status remove(const std::string& path) = 0;               // one file or empty directory; absent is not_found
  virtual Status remove_all(const std::string& path) = 0;           // a whole tree; absent is fine
  virtual Status sync_directory(const std::string& directory) = 0;  // makes creations, renames and removals durable
  virtual Result<Space> space(const std::string& directory) = 0;
  virtual Result<std::string> read_text(const std::string& path, std::uint64_t limit_bytes) = 0;
  // Takes an exclusive lock on `path` (created when absent), held until the returned object dies or the process ends.
  // ErrorKind::conflict when another process has it.
  virtual Result<std::shared_ptr<void>> lock(const std::string& path) = 0;
};

// Writes `text` to path + ".tmp", syncs it, renames it over `path` and syncs the directory: readers see the old or the new file.
Status replace_file(FileSystem& files, const std::string& path, std::string_view text);

// The machine's own file system. Any thread. The object lives as long as the process.
FileSystem& posix_file_system();

// A range of a file: what a fetch answers with instead of bytes. The file stays open, even when deleted, while a slice lives.
struct FileSlice {
  std::shared_ptr<const File> file;
  std::uint64_t position = 0;
  std::uint64_t length_bytes = 0;
};

}  // namespace millrace

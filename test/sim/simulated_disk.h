// The disks of one machine in memory: volumes with files and directories that forget, when the power goes, what was not
// synced.
//
//     processes (SimulatedFiles) -> page cache: what every process sees --sync--> what the disk has
//
// A file remembers the writes and truncations since its last sync, a directory the creations, renames and removals
// since its own; `PowerLoss` says what becomes of them. A process that ends loses its locks and open files, and nothing
// else. A sync that fails drops what was to be synced, as Linux does: it stays readable, and no later sync writes it.
//
// Faults: errors of any kind on any call (fail), a volume that is full (space is counted in pages of 4 KiB,
// preallocated ones too), bits that flip on the disk, calls that take long (on_call: see disk_times.h). Who reads only what is in
// the page cache finds in one call of a few that it is not, or not all of it. Reproducible:
// all chance is of the generator that the constructor gets. A copy (fork) is cheap and a disk of its own, with nobody
// on it. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker/base/clock.h"
#include "broker/base/file.h"
#include "broker/base/random.h"
#include "test/sim/disk_inode.h"
#include "test/sim/power_loss.h"

namespace millrace::sim {

enum class DiskCall : std::uint8_t {
  // They change something:
  create,  // of a file
  write,
  truncate,
  preallocate,
  set_modified,
  sync,
  make_directory,
  rename,
  remove,
  sync_directory,
  // They do not:
  open,
  status,
  read,
  list,
  lock,
};
inline bool is_change(DiskCall call) { return call < DiskCall::open; }
std::string_view to_string(DiskCall call);

struct DiskOperation {
  DiskCall call;
  const std::string& path;
};

// An error that calls answer. Everything that is left out matches.
struct DiskFault {
  std::set<DiskCall> calls;
  std::function<bool(const std::string& path)> matches;
  ErrorKind kind = ErrorKind::io;
  std::uint64_t after = 0;  // so many matching calls go well first
  std::uint64_t times = UINT64_MAX;
};

class SimulatedFiles;

class SimulatedDisk {
 public:
  // The generator and the clock outlive it.
  SimulatedDisk(Random& random, const Clock& clock);
  ~SimulatedDisk();
  SimulatedDisk(const SimulatedDisk&) = delete;
  SimulatedDisk& operator=(const SimulatedDisk&) = delete;

  // `path` and what is below it are a disk of their own: with its space, and without renames to or from others. Before
  // anything is there. All else is one more volume, which is never full.
  void add_volume(const std::string& path, std::uint64_t capacity_bytes);
  [[nodiscard]] std::uint64_t used_bytes(const std::string& path) const;  // of the volume that it is in

  // A program that runs on the machine. The disk outlives it.
  std::unique_ptr<SimulatedFiles> start_process();

  // The power goes, and is back: all processes have ended, and of what was not synced some is there.
  void lose_power(const PowerLoss& loss);
  // The same state for another machine, clock and chance: nobody runs there, and no fault is set.
  [[nodiscard]] std::unique_ptr<SimulatedDisk> fork(Random& random, const Clock& clock) const;

  void fail(DiskFault fault) { faults_.push_back({std::move(fault), 0, 0}); }
  void heal() { faults_.clear(); }
  [[nodiscard]] std::uint64_t failed_calls() const { return failed_calls_; }  // so far
  // A fault has dropped what was to be synced: what processes read is not what the disk has.
  [[nodiscard]] bool lost_pages() const { return lost_pages_; }
  // In the page cache and on the disk, unseen by anybody. False: there is no such byte.
  bool flip_bit(const std::string& path, std::uint64_t position, unsigned bit);

  // Called before each call, with its faults yet to come.
  std::function<void(const DiskOperation&)> on_call;
  [[nodiscard]] std::uint64_t changes() const { return changes_; }  // so far
  // Reads of what is in the page cache: those that found all of it there, and the others.
  [[nodiscard]] std::uint64_t cached_reads() const { return cached_reads_; }
  [[nodiscard]] std::uint64_t uncached_reads() const { return uncached_reads_; }
  // Files below `directory`, by path, for comparisons.
  [[nodiscard]] std::vector<std::string> files_below(const std::string& directory) const;
  // A number for all that processes can read; equal states have the same.
  [[nodiscard]] std::uint64_t fingerprint() const;

 private:
  friend class SimulatedFiles;
  friend class SimulatedFile;
  struct Volume {
    std::string path;  // "": all else
    InodeNumber root;
    std::uint64_t capacity_bytes;
    std::uint64_t used_pages = 0;
  };
  struct ArmedFault {
    DiskFault fault;
    std::uint64_t seen;
    std::uint64_t failed;
  };
  struct Place {  // of a path
    InodeNumber directory;
    std::string name;
    std::optional<InodeNumber> inode;
  };

  // The call is about to be made: the error that it is to answer.
  Status begin(DiskCall call, const std::string& path);
  // How many of so many bytes from a position on are in the page cache.
  std::size_t cached_bytes(std::uint64_t position, std::size_t wanted);
  [[nodiscard]] const Inode& at(InodeNumber number) const { return *inodes_[number]; }
  Inode& edit(InodeNumber number);
  InodeNumber add_inode(bool is_directory, std::size_t volume);
  // not_found when its directory is not there.
  [[nodiscard]] Result<Place> find(const std::string& path) const;
  [[nodiscard]] Result<InodeNumber> find_existing(const std::string& path) const;
  void change_name(InodeNumber directory, NameChange change);
  void linked(InodeNumber number, bool more);
  void opened(InodeNumber number, bool more);
  [[nodiscard]] std::size_t volume_of(const std::string& path) const;
  // How many bytes of a write find a place.
  [[nodiscard]] std::uint64_t fitting(InodeNumber number, std::uint64_t position, std::uint64_t length_bytes) const;
  [[nodiscard]] std::uint64_t free_pages(InodeNumber number) const;
  void count_space(InodeNumber number);
  void end_processes();
  void forget_unreachable();

  Random& random_;
  const Clock& clock_;
  std::vector<std::shared_ptr<Inode>> inodes_;
  std::vector<Volume> volumes_;
  std::vector<ArmedFault> faults_;
  std::set<SimulatedFiles*> processes_;
  std::map<InodeNumber, std::uint32_t> handles_;
  std::map<std::string, SimulatedFiles*> locks_;
  std::uint64_t changes_ = 0;
  std::uint64_t name_changes_ = 0;
  std::uint64_t failed_calls_ = 0;
  std::uint64_t cached_reads_ = 0;
  std::uint64_t uncached_reads_ = 0;
  bool lost_pages_ = false;
};

}  // namespace millrace::sim

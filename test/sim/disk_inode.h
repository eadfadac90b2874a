// What a simulated disk knows of one file or directory: as processes see it, as the disk has it, and what lies between
// the two.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/base/types.h"
#include "test/sim/disk_pages.h"

namespace millrace::sim {

using InodeNumber = std::uint32_t;
using DirectoryNames = std::map<std::string, InodeNumber>;

struct FileChange {
  bool resizes = false;
  std::uint64_t position = 0;  // or the new size
  std::shared_ptr<const std::vector<std::uint8_t>> bytes;

  void apply(DiskPages& to) const {
    if (resizes) return to.resize(position);
    to.write(position, *bytes);
  }
};

struct NameChange {
  std::uint64_t sequence = 0;  // over the whole disk
  std::string name;
  std::optional<InodeNumber> inode;  // nullopt: removed
  std::string from;                  // renamed from there, in the same directory

  void apply(DirectoryNames& to) const {
    if (!from.empty()) to.erase(from);
    if (inode) {
      to[name] = *inode;
    } else {
      to.erase(name);
    }
  }
};

struct Inode {
  bool is_directory = false;
  std::size_t volume = 0;
  // A file:
  DiskPages cached;
  DiskPages durable;
  std::vector<FileChange> unsynced;
  TimestampMs modified{0};
  TimestampMs durable_modified{0};
  std::uint64_t preallocated_pages = 0;
  std::uint64_t used_pages = 0;
  bool dropped = false;     // changes, by a sync that failed
  std::uint32_t links = 0;  // names that processes see; of a directory, too
  // A directory:
  DirectoryNames names;
  DirectoryNames durable_names;
  std::vector<NameChange> unsynced_names;
};

}  // namespace millrace::sim

// What a loss of power leaves of the changes that were not synced.
//
// Each file and each directory has its own fate, so that what was written later to one may be there while what was
// written earlier to another is not.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/base/random.h"
#include "test/sim/disk_inode.h"

namespace millrace::sim {

struct PowerLoss {
  enum class Data : std::uint8_t {
    kept,
    lost,
    in_order,  // of each file the first so many changes, the last of them perhaps torn at any byte
    writes,    // the same, and behind the last truncation any write may be missing (zeros, where the file was extended)
    pages,     // of each file the size after some change, and of each page the content after some other one
    mixed,     // one of these for each file
  };
  enum class Names : std::uint8_t {
    kept,
    lost,
    in_order,  // of each directory the first so many changes
    any,       // any of them
  };
  Data data = Data::writes;
  Names names = Names::in_order;
  std::uint64_t page_bytes = 4096;  // what a disk writes at once, or nothing of it: a divisor of 4096

  // All of them with pages of 4096 and of 512 bytes, by number.
  static PowerLoss by_number(std::uint64_t number);
  static constexpr std::uint64_t count = 12;
  [[nodiscard]] std::string to_string() const;
};

// What the disk has of the file then.
void lose_changes(Inode& file, const PowerLoss& loss, Random& random);
void lose_names(Inode& directory, const PowerLoss& loss, Random& random);

}  // namespace millrace::sim

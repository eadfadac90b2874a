// The files of a journal on the disk: made once, filled with zeros so that a write changes no metadata and its sync is the disk's alone, and
// then written past the page cache. "<journal>/00.journal" and so on; one that is being made ends in ".tmp".
//
// Blocks; one thread at a time. Errors: io, no_space (also where the volume would be
// all but full with them; nothing is written then) and their kin name the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "broker/base/file.h"
#include "broker/base/random.h"
#include "broker/base/result.h"
#include "broker/log/journal_format.h"

namespace millrace::log {

struct JournalSettings {
  std::string path;  // of the directory
  std::size_t files = 4;
  std::uint64_t file_bytes = std::uint64_t{64} << 20;
};

// Memory that may be written past the page cache. Keeps what it has had: grows only.
class AlignedBuffer {
 public:
  // At least so many bytes; those that are there are lost when it grows.
  MutableBytes of(std::size_t bytes);

 private:
  struct Free {
    void operator()(std::uint8_t* memory) const { operator delete[](memory, std::align_val_t{journal_block_bytes}); }
  };
  std::unique_ptr<std::uint8_t[], Free> memory_;
  std::size_t size_ = 0;
};

class JournalFiles {
 public:
  // Those that are there when they fit, else all made anew. Nothing in them is needed: every header says so when this returns.
  static Result<std::unique_ptr<JournalFiles>> open(FileSystem& files, const JournalSettings& settings,
                                                    const JournalOwner& owner, JournalSequence next_sequence,
                                                    Random& random);

  [[nodiscard]] const Uuid& id() const { return header_.journal; }
  // Synced. Groups of the file from `needed_from` on are valid, all before it are void.
  Status write_header(std::size_t file, JournalSequence needed_from);
  // Synced. `blocks` are whole and in aligned memory.
  Status write(std::size_t file, std::uint64_t position, BytesView blocks);
  // Nothing before `next_sequence` is needed any more.
  Status write_headers(JournalSequence next_sequence);

 private:
  JournalFiles(FileSystem& files, JournalHeader header) : files_(files), header_(std::move(header)) {}
  Result<bool> open_existing(const JournalSettings& settings);
  Status make(const JournalSettings& settings, JournalSequence next_sequence);

  FileSystem& files_;
  JournalHeader header_;
  std::vector<std::shared_ptr<File>> opened_;
  AlignedBuffer block_;
};

std::string journal_file_name(std::size_t number);
// The paths of the files that are there, in order. Those of unfinished making are left out.
Result<std::vector<std::string>> list_journal_files(FileSystem& files, const std::string& path);

}  // namespace millrace::log

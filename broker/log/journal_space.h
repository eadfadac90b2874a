// Where in a journal's files the next group goes, and which of them is free: a file is written from its start to its end and then kept
// until the segments of every log in it have what it has, synced. Decisions only, no I/O; guarded by its owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "broker/base/types.h"
#include "broker/log/journal_format.h"
#include "broker/log/journaled_log.h"

namespace millrace::log {

class JournalSpace {
 public:
  // At least two files, of which whole blocks are used. The first of them is the one that is written to.
  JournalSpace(std::size_t files, std::uint64_t file_bytes, JournalSequence next_sequence);

  // What a file has room for, in whole blocks.
  [[nodiscard]] static std::uint64_t capacity(std::uint64_t file_bytes) {
    return journal_whole_blocks(file_bytes) - journal_block_bytes;
  }
  // Left in the file that is written to.
  [[nodiscard]] std::uint64_t room() const { return file_bytes_ - position_; }
  [[nodiscard]] std::size_t current() const { return current_; }
  [[nodiscard]] std::size_t files_in_use() const;
  [[nodiscard]] JournalSequence next_sequence() const { return next_sequence_; }
  // What a replay must have, as far as it was found out at the last change of files.
  [[nodiscard]] JournalSequence needed_from() const { return needed_from_; }

  struct Laggard {
    std::shared_ptr<JournaledLog> log;
    JournalStay stay;

    friend bool operator==(const Laggard&, const Laggard&) = default;
    // In an order that is the same each time.
    friend bool operator<(const Laggard& one, const Laggard& other) {
      const auto& partition = one.log->partition_of();
      const auto& other_partition = other.log->partition_of();
      if (partition != other_partition) return partition < other_partition;
      return one.stay != other.stay ? one.stay < other.stay : std::less<>()(one.log.get(), other.log.get());
    }
  };
  struct Place {
    std::size_t file;
    std::uint64_t position;
    JournalSequence sequence;
  };
  // Takes the next sequence and so many bytes, which the room has, rounded up to blocks.
  Place take(std::uint64_t bytes);
  // The file that is written to has records of `log` up to `end`.
  void note(const std::shared_ptr<JournaledLog>& log, JournalStay stay, Offset end);
  // The log has gone for good: nothing waits for it.
  void forget(const JournaledLog* log);

  // The oldest other file, which may be overwritten; nullopt when it has records that segments may lack.
  [[nodiscard]] std::optional<std::size_t> free_file() const;
  // needed_from() as it will be once `file`, which is free, is written to.
  [[nodiscard]] JournalSequence needed_without(std::size_t file) const;
  void begin(std::size_t file, JournalSequence needed_from);
  // The logs that keep `file` from being free.
  [[nodiscard]] std::vector<Laggard> laggards(std::size_t file) const;

 private:
  struct Kept {
    std::weak_ptr<JournaledLog> log;
    JournalStay stay;
    Offset end;
  };
  struct File {
    std::optional<JournalSequence> first;  // none: nothing was written to it since the start
    std::map<const JournaledLog*, Kept> logs;
  };

  [[nodiscard]] static bool is_done(const Kept& kept);
  [[nodiscard]] static bool is_free(const File& file);

  std::vector<File> files_;
  const std::uint64_t file_bytes_;
  std::size_t current_ = 0;
  std::uint64_t position_ = journal_block_bytes;
  JournalSequence next_sequence_;
  JournalSequence needed_from_;
};

}  // namespace millrace::log

// What a start finds in the journal of a log directory: for each log, in order, the records that its segments may lack. Which of them are void,
// because the log was cut after them, is worked out here; what a log takes of the rest is log_restore.h.
//
// Reading blocks. Once read, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "broker/base/file.h"
#include "broker/base/result.h"
#include "broker/log/journal_format.h"

namespace millrace::log {

class JournalReplay {
 public:
  struct Record {
    JournalSequence sequence;
    TopicId topic_id;
    Offset since;
    Offset from;
    Offset end;
    Offset void_from{std::numeric_limits<std::int64_t>::max()};  // what it has from here on was cut off later
    std::size_t file;
    std::uint64_t position;  // of its batches
    std::size_t size_bytes;
  };

  // Nothing where there is no journal. Errors: conflict when it has records and another owner; corrupt when records are missing that the disk
  // had confirmed; io and its kin. The message says what can be done.
  static Result<std::unique_ptr<JournalReplay>> read(FileSystem& files, const std::string& path,
                                                     const JournalOwner& owner);

  // By sequence; empty without any.
  [[nodiscard]] const std::vector<Record>& of(const TopicPartition& partition) const;
  // Whether it has any of this topic that is not void. Where an id is not known it may be any.
  [[nodiscard]] bool has_of(const TopicPartition& partition, const TopicId& topic_id) const;
  [[nodiscard]] bool empty() const { return records_.empty(); }
  [[nodiscard]] std::set<TopicPartition> partitions() const;
  [[nodiscard]] JournalSequence next_sequence() const { return next_sequence_; }
  [[nodiscard]] Result<std::vector<std::uint8_t>> batches(const Record& record) const;

  // A log's records do not fit what its segments have: the journal must stay as it is.
  void refuse(const std::string& why) const;
  [[nodiscard]] std::string refused() const;  // the first reason; empty: none

  // Every header says that nothing is needed. For who is not to make files when nothing was found.
  Status empty_files();
  // Moves the files into a directory below `path` and returns its path.
  Result<std::string> set_aside();

 private:
  struct Scan;

  JournalReplay(FileSystem& files, std::string path) : files_(files), path_(std::move(path)) {}
  Status scan_file(std::size_t number, Scan& scan);
  Status take_needed(Scan& scan, const JournalOwner& owner);
  [[nodiscard]] std::string advice() const;
  [[nodiscard]] Result<std::string> free_place() const;

  FileSystem& files_;
  const std::string path_;
  std::vector<std::string> paths_;
  std::vector<std::shared_ptr<File>> opened_;
  std::map<TopicPartition, std::vector<Record>> records_;
  JournalSequence next_sequence_ = 1;
  mutable std::mutex mutex_;
  mutable std::string refused_;
};

}  // namespace millrace::log

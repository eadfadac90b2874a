// The journal of a log directory, for logs with flush.messages=1. Appends of all its logs that come while a group is written make the next
// group: one write past the page cache and one sync for all of them. Their segments are written as always, and are synced before the
// journal takes the space of what it has of them.
//
//   shard: segment in the page cache, append()      thread: group -> write -> sync      shard: journaled() -> answers
//
// The files (journal_files.h) are made when the first append comes. When that fails, append() refuses for a while, and logs sync
// their segments. When a write or a sync fails afterwards, the log directory is offline; nothing is written twice. When all files have what
// segments may lack, appends wait; nothing fails and nothing is lost.
//
// Any thread; no lock is held over I/O but by empty(), when nobody else is there. One job at a time is on the threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker/base/clock.h"
#include "broker/base/shard.h"
#include "broker/log/journal_files.h"
#include "broker/log/journal_space.h"
#include "broker/log/journaled_log.h"

namespace millrace::log {

class JournalMetrics;

// What an append adds to a log (JournalRecord).
struct JournalExtent {
  Offset since;
  Offset from;
  Offset end;
  LeaderEpoch epoch = LeaderEpoch::none();
  JournalStay stay = 0;
};

class Journal : public std::enable_shared_from_this<Journal> {
 public:
  struct Host {
    FileSystem* files;
    BlockingPool* threads;
    const Clock* clock;
    Random* random;
    std::function<bool()> is_online;               // the log directory
    std::function<void(const Error&)> has_failed;  // it is to go offline
  };

  Journal(Host host, JournalSettings settings);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Before it is used; metrics may be null.
  void show_in(std::unique_ptr<JournalMetrics> metrics);
  void use_threads(BlockingPool& threads) { host_.threads = &threads; }
  // What was there is replayed: from now on appends are taken.
  void begin(JournalOwner owner, JournalSequence next_sequence);

  // Takes a copy. Afterwards `log` hears of it by journaled(), once. false: the segments are to be synced.
  [[nodiscard]] bool append(const std::shared_ptr<JournaledLog>& log, const JournalExtent& extent, BytesView batches);
  // `log` is about to be cut at `offset`. On its shard `done` runs when no replay can bring back what it has there. Appends of the log come
  // afterwards.
  void cut(const std::shared_ptr<JournaledLog>& log, Offset offset, UniqueFunction<void(Status)> done);
  // The log leaves the directory.
  void forget(const std::shared_ptr<JournaledLog>& log);

  // Blocks; nothing else uses the journal any more, and every log has synced its segments.
  Status empty();
  // What waits is not carried out.
  void abandon();

 private:
  struct Pending {
    std::shared_ptr<JournaledLog> log;
    JournalRecordKind kind;
    JournalExtent extent;
    std::vector<std::uint8_t> batches;
    UniqueFunction<void(Status)> done;  // of a cut

    [[nodiscard]] std::size_t bytes() const {
      return journal_record_bytes(log->partition_of().topic.size(), batches.size());
    }
  };
  using Group = std::vector<Pending>;

  bool add(Pending record);
  void wake();  // under the mutex
  void write_next();
  Status open_files();
  std::optional<Group> take_group(std::optional<std::size_t>& next_file, JournalSpace::Place& place);
  std::size_t fitting(std::uint64_t room, std::uint64_t& bytes) const;
  Status write_group(const Group& group, const JournalSpace::Place& place, JournalSequence needed_from,
                     std::uint64_t& bytes);
  void change_files(std::size_t next_file);
  void give_up(const Error& why, Group group);
  static void answer(Group group, const Status& status);
  void queue_laggards(std::size_t file);
  void sync_laggards();
  void laggard_synced(const Status& status);

  Host host_;
  const JournalSettings settings_;
  std::unique_ptr<JournalMetrics> metrics_;
  std::unique_ptr<JournalFiles> files_;  // the job's
  AlignedBuffer buffer_;                 // the job's

  std::mutex mutex_;  // all that follows
  bool begun_ = false;
  bool failed_ = false;   // or abandoned
  bool writing_ = false;  // a job is on the threads
  bool full_ = false;     // and waits for laggards
  JournalOwner owner_;
  JournalSequence next_sequence_ = 1;  // until there is a space
  std::optional<JournalSpace> space_;
  std::deque<Pending> pending_;
  std::optional<MonotonicTime> try_again_;  // after the files could not be made; nothing is pending
  std::set<JournalSpace::Laggard> laggards_;
  std::size_t laggards_in_work_ = 0;
};

}  // namespace millrace::log

// A random crowd of members, crashes, timeouts, commits, transactions, failing appends and moves of the coordinator, over one GroupHarness,
// against what must hold whatever happens:
//
// - ownership: in one generation of a group a partition belongs to one member (a static member's successor inherits);
// - offsets: what the coordinator answers is what the records of the log say, read here with other code; an offset that was acknowledged
//   is not lost and does not go back, unless it was deleted or its retention is over;
// - liveness: every request is answered once and in time; who has crashed is out in time; once all is calm groups are stable.
//
// The first contradiction is kept in words. One seed is one run.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "test/broker/coordinator/group_harness.h"

namespace millrace::coordinator::test {

// What the surroundings do wrong, so that the model must find it.
enum class PlantedBug : std::uint8_t {
  none,
  generation_not_bumped,          // a group's record carries the generation before
  assignment_not_stored,          // members are answered, the record is not in the log
  commit_acknowledged_too_early,  // an offset is acknowledged and not in the log
  marker_before_the_commit,       // a transaction's marker stands before its offsets in the log
  marker_forgotten,               // the coordinator is not told of a marker
  abort_taken_for_commit,
  tombstone_too_early,  // offsets expire before their time
  tombstone_lost,       // a deletion is acknowledged and not in the log
  clock_forgotten,      // nobody calls the coordinator when it wants to be called
};

class GroupModel {
 public:
  GroupModel(std::uint64_t seed, PlantedBug bug);

  // Goes on until something is wrong; true when nothing was.
  bool run(int steps);
  [[nodiscard]] const std::string& violation() const { return violation_; }
  // How often the run got to do what it is there for.
  [[nodiscard]] const std::map<std::string, int>& counts() const { return counts_; }

 private:
  static constexpr int group_count = 3;
  static constexpr int partition_count = 6;
  static constexpr std::int64_t retention_ms = 120'000;

  struct Client {
    int group = 0;
    std::optional<std::string> instance;
    std::int32_t session_ms = 10'000;
    std::int32_t rebalance_ms = 20'000;
    protocol::Version version = 9;
    int metadata = 0;  // what it says to the leader; another number makes a rebalance
    bool alive = true;
    std::string member;
    std::int32_t generation = -1;  // that it is in, having its assignment
    int removals = 0;              // of its group before that
    JoinedPointer joining;
    SyncedPointer syncing;
    MonotonicTime next_heartbeat;
    std::set<int> owned;
  };
  struct PendingCommit {
    CommittedPointer answer;
    int group;
    int partition;
    std::int64_t offset;
    std::int64_t producer;  // -1: in no transaction
  };
  struct Transaction {
    bool is_open = false;
    bool has_failed = false;
    std::vector<PendingCommit> commits;
  };
  struct Expected {
    std::int64_t log_position = -1;
    std::int64_t offset = -1;
    TimestampMs committed_at{};
  };
  struct Waiting {
    JoinedPointer join;
    SyncedPointer sync;
    MonotonicTime since;
  };
  using Place = std::pair<int, int>;  // group and partition

  static std::string group_name(int group) { return "group-" + std::to_string(group); }
  static std::string topic_of(int partition) {
    return partition < 3 ? "topic" : "other";
  }  // nobody subscribes to the other
  std::uint64_t below(std::uint64_t bound) { return dice_.below(bound); }
  bool chance(std::uint64_t one_in) { return below(one_in) == 0; }
  void violate(const std::string& what);

  void step();
  void act(Client& client);
  void start_join(Client& client);
  void start_sync(Client& client, const Joined& joined);
  void on_joined(Client& client);
  void on_synced(Client& client);
  void own(const Client& client, const std::string& assignment);
  void heartbeat(Client& client);
  void commit(const Client* client, int group, std::int64_t producer);
  void end_transaction(std::int64_t producer);
  void delete_something();
  void crash(Client& client);
  void move_coordinator();
  void append_some(bool all);
  void append_one();
  void collect_commits();
  void expire();
  void calm_down();

  [[nodiscard]] std::int64_t fetched(const Place& place);
  [[nodiscard]] std::map<Place, Expected> read_log() const;
  [[nodiscard]] bool may_expire(const Place& place, const Expected& expected) const;
  void check_offsets();
  void check_waiting();
  void check_crashed();
  void note_members();
  void forget_removed_groups();

  PlantedBug bug_;
  SeededRandom dice_;
  GroupHarness groups_;
  std::vector<Client> clients_;
  std::vector<Waiting> waiting_;                                  // all that were asked and not yet seen answered
  std::map<std::string, std::pair<int, MonotonicTime>> crashed_;  // by member id: its group, and since when
  std::vector<PendingCommit> commits_;
  std::vector<Transaction> transactions_;  // by producer, which is also the number of its group
  std::map<Place, std::int64_t> acknowledged_;
  std::map<Place, std::int64_t> deleted_below_;
  std::set<Place>
      uncertain_;  // an append was reported as failed and is in the log: until the next load memory is behind
  std::map<int, TimestampMs> members_until_;  // when a group last had members
  std::map<int, int> removals_;               // of a group, whose generations then start anew
  std::map<std::tuple<int, int, std::int32_t, int>, std::string>
      owners_;                                // by group, its removals, generation, partition
  std::map<std::string, std::string> names_;  // by member id: under what name it owns
  std::int64_t next_value_ = 1;
  std::string violation_;
  std::map<std::string, int> counts_;
  int steps_done_ = 0;
  bool is_calm_ = false;
};

}  // namespace millrace::coordinator::test

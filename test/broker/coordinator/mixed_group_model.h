// A crowd of consumers of both protocols around one group, whose kind changes with them: they come, leave, crash, lose answers, give partitions up
// late; a topic grows; appends fail, or are said to have; the coordinator moves. The classic ones give everything up before they join. All from
// one seed, in simulated time.
//
// What must hold: a partition has one owner among those whom the coordinator has not dropped; a commit that was acknowledged stays; and when the
// world is left in peace, the group is stable and every partition has its owner.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "test/broker/coordinator/group_harness.h"

namespace millrace::coordinator::test {

enum class MixedGroupBug : std::uint8_t {
  none,
  assignment_not_stored,     // what a member has does not get into the log
  acknowledged_too_early,    // an append is said to be in the log that is not
  offset_not_stored,         // a commit does not get into the log
  classic_keeps_partitions,  // a classic consumer joins again without giving up what it has
  no_timeouts,               // silence has no consequences
};

class MixedGroupModel {
 public:
  explicit MixedGroupModel(std::uint64_t seed, MixedGroupBug bug = MixedGroupBug::none);

  // Runs until the steps are over or something is violated; what, in words, or nothing.
  std::string run(int steps);
  [[nodiscard]] const std::map<std::string, int>& counts() const { return counts_; }

 private:
  struct Consumer {
    std::string id;
    bool is_classic = false;
    bool is_running = true;
    std::int32_t epoch = 0;  // of a classic one its generation; 0 to join
    AssignedPartitions owned;
    MonotonicTime next_beat{};
    // Of the new protocol.
    bool is_lost = false;
    std::optional<AssignedPartitions> to_reach;
    std::shared_ptr<Beat> beat;
    // Of the classic one.
    JoinedPointer joined;
    SyncedPointer synced;
  };

  bool chance(std::uint64_t one_in) { return random_.below(one_in) == 0; }
  void step();
  void start_consumer();
  void stop_consumer(Consumer& consumer);
  void act_new(Consumer& consumer);
  void receive_beat(Consumer& consumer);
  void act_classic(Consumer& consumer);
  void join(Consumer& consumer);
  void receive_join(Consumer& consumer);
  void receive_sync(Consumer& consumer);
  void fall_out(Consumer& consumer, ErrorCode error);
  void commit(const Consumer& consumer);
  void hear_commits();
  void append_one();
  void move();
  void compact_log();
  void settle_down();
  void check();
  void check_peace();
  [[nodiscard]] bool is_member(const std::string& id) const;

  struct Commit {
    CommittedPointer answer;
    std::int64_t offset;
  };

  SeededRandom random_;
  MixedGroupBug bug_;
  GroupHarness groups_;
  std::vector<Consumer> consumers_;
  std::vector<Commit> commits_;
  std::int64_t commits_made_ = 0;
  std::int64_t acknowledged_ = -1;
  bool is_calm_ = false;
  int made_ = 0;
  std::string kind_;
  std::string violation_;
  std::map<std::string, int> counts_;
};

}  // namespace millrace::coordinator::test

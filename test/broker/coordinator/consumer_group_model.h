// A crowd of consumers of the new protocol around one group: they join, leave, crash, come back, lose answers, give partitions up late or never;
// topics come, go and grow; appends fail, or are said to have; the coordinator moves. All from one seed, in simulated time.
//
// What must hold: a partition has one owner among those whom the coordinator has not dropped; whoever has a partition is known to have it;
// and when the world is left in peace, everybody has what the target gives it before anybody's patience ends.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "test/broker/coordinator/consumer_group_harness.h"

namespace millrace::coordinator::test {

enum class ConsumerGroupBug : std::uint8_t {
  none,
  assignment_not_stored,   // what a member has does not get into the log
  acknowledged_too_early,  // an append is said to be in the log that is not
  revocation_not_awaited,  // partitions count as given up as soon as they are to be
  no_timeouts,             // silence has no consequences
};

class ConsumerGroupModel {
 public:
  explicit ConsumerGroupModel(std::uint64_t seed, ConsumerGroupBug bug = ConsumerGroupBug::none);

  // Runs until the steps are over or something is violated; what, in words, or nothing.
  std::string run(int steps);
  [[nodiscard]] const std::map<std::string, int>& counts() const { return counts_; }

 private:
  struct Consumer {
    std::string id;
    std::optional<std::string> instance;
    bool has_pattern = false;
    bool is_running = true;
    bool never_revokes = false;
    bool is_lost = false;  // an answer did not arrive: says everything the next time
    std::int32_t epoch = 0;
    AssignedPartitions owned;
    std::optional<AssignedPartitions> to_reach;  // what it was told to have, until it has
    std::vector<std::string> topics;
    std::shared_ptr<Beat> waiting;
    MonotonicTime next_beat{};
  };

  bool chance(std::uint64_t one_in) { return random_.below(one_in) == 0; }
  void step();
  void start_consumer();
  void stop_consumer(Consumer& consumer);
  void change_topics();
  void act(Consumer& consumer);
  void send(Consumer& consumer);
  void receive(Consumer& consumer);
  void append_one();
  void move();
  void settle_down();
  void check();
  void check_peace();
  std::vector<std::string> some_topics();

  SeededRandom random_;
  ConsumerGroupBug bug_;
  ConsumerGroupHarness groups_;
  std::vector<Consumer> consumers_;
  // By member: what it has to give up, and since when.
  std::map<std::string, std::pair<AssignedPartitions, MonotonicTime>> revoking_since_;
  bool is_calm_ = false;
  int made_ = 0;
  std::string violation_;
  std::map<std::string, int> counts_;
};

}  // namespace millrace::coordinator::test

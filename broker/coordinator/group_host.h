// The group coordinator of one partition of `__consumer_offsets` that this broker leads, with what the state machine leaves to others: it is
// loaded from the partition, what it wants appended is appended in its order, and it is called when its time has come.
//
// Lives as long as one term of leadership. Owned by its GroupTable; the partition's shard alone touches it, but for the load's reading,
// which is on workers. Source: kafka.coordinator.group.GroupMetadataManager.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/check.h"
#include "broker/base/shard.h"
#include "broker/coordinator/group_coordinator.h"
#include "broker/coordinator/internal_partition.h"
#include "broker/protocol/record_batch.h"

namespace millrace::coordinator {

// Configuration of the coordinators and of what is around them, with Kafka's defaults.
struct GroupTableConfig {
  GroupConfig group;
  std::optional<ConsumerGroupConfig> consumer_group;             // none: members of the new protocol are refused
  Duration retention_check_interval = std::chrono::minutes(10);  // offsets.retention.check.interval.ms
  Duration commit_timeout = std::chrono::seconds(5);             // offsets.commit.timeout.ms
  protocol::Codec codec = protocol::Codec::none;                 // offsets.topic.compression.codec
};

class GroupHost : public std::enable_shared_from_this<GroupHost> {
 public:
  // `shard`, `config`, `random` and `directory` outlive it; null for groups that never need one: classic ones.
  GroupHost(Shard& shard, PartitionIndex index, std::shared_ptr<InternalPartition> partition,
            const GroupTableConfig& config, Random& random, const TopicDirectory* directory);
  GroupHost(const GroupHost&) = delete;
  GroupHost& operator=(const GroupHost&) = delete;
  ~GroupHost();

  // Once. Until the partition is read, requests are answered as the state machine does while it loads. A partition that cannot be read
  // is tried again while it is led: to serve without its offsets would set consumers back.
  void load();
  // The term is over: nothing more is appended, and whoever waits is told NOT_COORDINATOR.
  void unload();

  // What the partition's records do not tell, or only behind where their reading ends: told to the coordinator once it is loaded.
  using Tell = UniqueFunction<void(GroupCoordinator& coordinator, GroupTime time)>;
  void tell(Tell tell);

  // use(coordinator, time), then what the coordinator wants done because of it. Answers that it gives meanwhile must not come back here
  // before it returns.
  template <class Use>
  auto call(Use&& use) {
    const Turn turn(*this);
    return std::forward<Use>(use)(coordinator_, turn.time);
  }

 private:
  // One call of the coordinator; there is never another inside it.
  struct Turn {
    explicit Turn(GroupHost& turning);
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() { host.settle(); }

    GroupHost& host;
    GroupTime time;
  };
  struct Loading;
  struct EndedAppend {
    GroupAppendId id;
    GroupAppendOutcome outcome;
  };

  [[nodiscard]] GroupTime now() const;
  void on_read(Loading& loading, const Status& read);
  void settle();
  void start(const GroupAppend& append);
  void on_append_ended(GroupAppendId id, const GroupAppendOutcome& outcome);
  void arm_timer();
  void on_timer();

  Shard& shard_;
  const PartitionIndex index_;
  const GroupTableConfig& config_;
  const std::shared_ptr<InternalPartition> partition_;
  GroupCoordinator coordinator_;
  bool is_in_turn_ = false;
  bool is_loaded_ = false;
  bool is_unloaded_ = false;
  std::vector<Tell> to_tell_;  // until it is loaded
  std::map<GroupAppendId, MonotonicTime>
      appends_in_work_;             // until when each may take: the oldest has the first deadline
  std::vector<EndedAppend> ended_;  // in a turn
  Shard::TimerId timer_ = 0;
  std::optional<MonotonicTime> timer_at_;
};

}  // namespace millrace::coordinator

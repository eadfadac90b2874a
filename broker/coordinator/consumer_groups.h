// All groups of the new protocol of one partition of `__consumer_offsets` (KIP-848; the part of
// org.apache.kafka.coordinator.group.GroupMetadataManager that concerns them, of Kafka 4).
//
// A state machine without I/O, threads or clocks, a part of the partition's GroupCoordinator: inputs are requests, the time, the
// cluster's topics, what became of appends, the partition's records; outputs are answers and records to append. What a client is told is in
// the log. A heartbeat is answered exactly once, also when the partition moves away.
//
// It differs from Kafka's in two things: a regular expression is resolved at once, not in the background, so that a member has its topics from
// its first heartbeat on; and a member that did not hear of its newest epoch may say the one before for as long as it waits there for
// partitions, not just once.
//
// Owned by the partition's shard. The views in returned answers live until the next call.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/random.h"
#include "broker/coordinator/classic_groups.h"
#include "broker/coordinator/consumer_group_host.h"
#include "broker/coordinator/consumer_group_request.h"
#include "broker/coordinator/group_append.h"
#include "broker/coordinator/text_map.h"
#include "broker/coordinator/topic_directory.h"
#include "broker/protocol/messages/heartbeat.h"
#include "broker/protocol/messages/leave_group.h"

namespace millrace::coordinator {

class ConsumerGroups {
 public:
  // Has the records appended as one batch, and calls `done` once with what Produce would answer.
  using Append = std::function<void(std::vector<GroupRecord> records, ConsumerGroupHost::Done done)>;

  // What it is built on, which outlives it.
  struct Parts {
    const TopicDirectory& directory;
    Random& random;
    ClassicGroups& classic_groups;
    Append append;                // of any number of records, in their order
    std::size_t batch_bytes_max;  // what one of them can take at most, with its batch
  };
  ConsumerGroups(ConsumerGroupConfig config, Parts parts);
  ConsumerGroups(const ConsumerGroups&) = delete;
  ConsumerGroups& operator=(const ConsumerGroups&) = delete;
  // Whatever waits is answered as by unload(). No append may end after it.
  ~ConsumerGroups();

  // What the partition's records say. Before it there are no groups.
  void load(std::vector<ConsumerGroup> groups, GroupTime time);
  // NOT_COORDINATOR to all whose turn has not come, and nothing more is appended.
  void unload();

  void heartbeat(const protocol::ConsumerGroupHeartbeatRequest& request, const GroupClient& client,
                 MayDescribeTopic may_describe, ConsumerGroupHeartbeatAnswer answer, GroupTime time);
  // As the group is in the log. GROUP_ID_NOT_FOUND for a group that is not here.
  void describe(std::string_view group_id, ConsumerGroupDescribeAnswer answer, GroupTime time);

  // Null when there is none.
  [[nodiscard]] const ConsumerGroup* find(std::string_view group_id) const;
  void each(const std::function<void(const ConsumerGroup&)>& use) const;
  // The ids also of groups whose tombstones are not known to be in the log.
  void each_known(const std::function<void(const std::string& group_id)>& use) const;
  // Whether the id is a group's of the new protocol, may be when what is on its way has had its turn, or was and the log may not say so.
  [[nodiscard]] bool claims(std::string_view group_id) const;
  // What concerns such a group takes place in its turn: the operation sees the group as it is then, which may be none any more.
  void take_turn(std::string_view group_id, ConsumerGroupHost::Operation operation, GroupTime time);
  // No member comes in any more: UNSUPPORTED_VERSION.
  void close() { is_closed_ = true; }
  [[nodiscard]] bool is_closed() const { return is_closed_; }
  // Only tombstones are left of the group, in its turn, whoever is in it.
  void dissolve(ConsumerGroupHost& host);
  // So it is of all but its classic members, who are a classic group from now on.
  void give_back(ConsumerGroupHost& host);

  // Members that speak the classic protocol. In the turn of a group that has members: what is to be done when its records are stored.
  ConsumerGroupHost::Done join_classic(std::string_view group_id, const protocol::JoinGroupRequest& request,
                                       const GroupClient& client, JoinAnswer answer);
  // Of a group that is here.
  void sync_classic(const protocol::SyncGroupRequest& request, SyncAnswer answer, GroupTime time);
  [[nodiscard]] protocol::ErrorCode heartbeat_classic(const protocol::HeartbeatRequest& request, GroupTime time);
  // LeaveGroup removes members of either protocol: that is how an admin does it.
  [[nodiscard]] protocol::ErrorCode leave(std::string_view group_id, const protocol::LeaveGroupRequest::Member& leaving,
                                          GroupTime time);

  // What is not known to be in the log is stored once more.
  void store_again(GroupTime time);
  // An append is about to end.
  void set_time(GroupTime time) { time_ = time; }

  [[nodiscard]] std::optional<MonotonicTime> next_deadline() const {
    return deadlines_.empty() ? std::nullopt : std::optional(deadlines_.begin()->first);
  }
  void on_time(GroupTime time);

 private:
  using Host = ConsumerGroupHost;
  using Heartbeat = ConsumerGroupHeartbeat;
  using Outcome = ConsumerGroupHeartbeatOutcome;

  [[nodiscard]] std::shared_ptr<Host> host(std::string_view group_id) const;
  std::shared_ptr<Host> get_or_create(std::string_view group_id);
  void run(const std::shared_ptr<Host>& host, Host::Operation operation);
  // Whatever may take its turn does.
  void pump(const std::shared_ptr<Host>& host);
  [[nodiscard]] std::vector<GroupRecord> records_to_append(Host& host) const;
  void append(const std::shared_ptr<Host>& host, std::vector<GroupRecord> records, std::vector<Host::Done> dones);

  void arm(const std::shared_ptr<Host>& host, std::string_view member_id);
  void disarm(Host& host, std::string_view member_id);
  void expire(const std::shared_ptr<Host>& host, std::string_view member_id);
  void restart_session(const std::shared_ptr<Host>& host, std::string_view member_id);
  void watch_rebalance(const std::shared_ptr<Host>& host, const ConsumerGroupMember& member);

  // consumer_group_classic.cpp
  struct HeldSync {
    std::string member_id;
    std::optional<std::string> instance_id;
    std::int32_t generation;
    std::optional<std::string> protocol_type;
    std::optional<std::string> protocol_name;
  };
  // Whether a member's record fits into the log.
  [[nodiscard]] GroupRefusal check_size(const ConsumerGroup& group, const ConsumerGroupMember& member) const;
  [[nodiscard]] protocol::ErrorCode check_join(const ConsumerGroup& group,
                                               const protocol::JoinGroupRequest& request) const;
  [[nodiscard]] static protocol::ErrorCode check_sync(const ConsumerGroup& group, const HeldSync& sync);
  void watch_join(const std::shared_ptr<Host>& host, const ConsumerGroupMember& member);
  [[nodiscard]] bool may_be_classic(const ConsumerGroup& group) const;
  void become_classic(Host& host);

  // consumer_group_heartbeat.cpp
  Outcome beat(const std::shared_ptr<Host>& host, const Heartbeat& heartbeat);
  Outcome leave(Host& host, const Heartbeat& heartbeat);
  [[nodiscard]] GroupRefusal check(const ConsumerGroup& group, const Heartbeat& heartbeat) const;
  // Whether the member may come in, or go on; makes a consumer group of a classic one.
  [[nodiscard]] GroupRefusal admit(const std::shared_ptr<Host>& host, const Heartbeat& heartbeat);
  // The member as it was before, in the group or not yet; of an instance id that somebody joins with, what its last member was.
  ConsumerGroupMember enter(Host& host, std::string_view member_id, const protocol::NullableString& joining_instance);
  // What a member says takes place: it, its topics, the target, and then what it has.
  ConsumerGroupMember advance(const std::shared_ptr<Host>& host, const ConsumerGroupMember& before,
                              const ConsumerGroupMember& member, const MayDescribeTopic* may_describe,
                              const std::optional<AssignedPartitions>& owned);
  void fence(Host& host, const ConsumerGroupMember& member);
  bool refresh_patterns(Host& host, const MayDescribeTopic* may_describe);
  bool refresh_topics(Host& host);
  void assign(ConsumerGroup& group) const;
  [[nodiscard]] ConsumerGroupMember reconcile_member(const std::shared_ptr<Host>& host,
                                                     const ConsumerGroupMember& member,
                                                     const std::optional<AssignedPartitions>& owned);

  const ConsumerGroupConfig config_;
  const TopicDirectory& directory_;
  Random& random_;
  ClassicGroups& classic_groups_;
  Append append_;
  const std::size_t batch_bytes_max_;
  bool is_serving_ = false;
  bool is_closed_ = false;
  GroupTime time_{};  // of the current call
  TextMap<std::shared_ptr<Host>> hosts_;
  MemberDeadlines deadlines_;
};

}  // namespace millrace::coordinator

// All groups of one partition of `__consumer_offsets`: who is in them, who gets what, which offsets count
// (kafka.coordinator.group.GroupCoordinator and GroupMetadataManager; KIP-62, 134, 229, 345, 394, 447, 496, 518, 559, 800, 814, 848). The members
// of classic groups are here, those of groups of the new protocol in consumer_groups.h; the offsets of both are here.
//
// A state machine without I/O, threads or clocks:
// - Inputs are requests, the time, what became of appends, transaction markers, the partition's records. Each call takes the time.
// - next_deadline names when on_time wants to be called; ask after every other call.
// - take_appends gives out what is to be appended; each is reported once to on_appended. What a client is told rests on what is in the
//   log: the assignment, a static member's new id, offsets, deletions.
// - A request that waits has its answer called exactly once, also when its member is removed and when the partition moves away.
//
// The error codes are those that Kafka's coordinator gives, for every wrong input; authorization, NOT_COORDINATOR for a partition that is not
// here, topics that do not exist and verification of transactions (KIP-890) come before, in the handlers. It differs from Kafka where Kafka
// would leave a request without an answer, and in one thing more: while a leader's assignment is on its way into the log, a second one of
// the same generation waits for the first, so that the log and the members agree.
//
// Owned by the partition's shard. The views in returned answers live until the next call.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/base/clock.h"
#include "broker/base/random.h"
#include "broker/base/unique_function.h"
#include "broker/coordinator/batch_size.h"
#include "broker/coordinator/consumer_group_call.h"
#include "broker/coordinator/group.h"
#include "broker/coordinator/group_append.h"
#include "broker/coordinator/group_call.h"
#include "broker/protocol/messages/delete_groups.h"
#include "broker/protocol/messages/describe_groups.h"
#include "broker/protocol/messages/heartbeat.h"
#include "broker/protocol/messages/leave_group.h"
#include "broker/protocol/messages/list_groups.h"
#include "broker/protocol/messages/offset_commit.h"
#include "broker/protocol/messages/offset_delete.h"
#include "broker/protocol/messages/offset_fetch.h"
#include "broker/protocol/messages/txn_offset_commit.h"

namespace millrace::coordinator {

class ClassicGroups;
class ConsumerGroup;
class ConsumerGroups;
class TopicDirectory;
struct LoadedGroups;

// Configuration rows of the same names, with Kafka's defaults.
struct GroupConfig {
  std::int32_t group_min_session_timeout_ms = 6'000;
  std::int32_t group_max_session_timeout_ms = 1'800'000;
  std::int32_t group_max_size = std::numeric_limits<std::int32_t>::max();
  std::int32_t group_initial_rebalance_delay_ms = 3'000;
  std::int32_t offset_metadata_max_bytes = 4'096;  // counted, as Kafka does, in UTF-16 units
  std::int64_t offsets_retention_ms = std::int64_t{7} * 24 * 60 * 60 * 1000;
  std::size_t batch_bytes_max = default_batch_bytes_max;  // max.message.bytes of the internal topic
};

using OffsetCommitAnswer = UniqueFunction<void(const protocol::OffsetCommitResponse&)>;
using TxnOffsetCommitAnswer = UniqueFunction<void(const protocol::TxnOffsetCommitResponse&)>;
using OffsetDeleteAnswer = UniqueFunction<void(const protocol::OffsetDeleteResponse&)>;
using DeleteGroupAnswer = UniqueFunction<void(protocol::ErrorCode)>;

class GroupCoordinator {
 public:
  // Loading: refuses what must not be answered from half the log, until load().
  GroupCoordinator(const GroupConfig& config, Random& random);
  GroupCoordinator(const GroupCoordinator&) = delete;
  GroupCoordinator& operator=(const GroupCoordinator&) = delete;
  // Whatever waits is answered as by unload().
  ~GroupCoordinator();

  // Before load: members of the new protocol are heard, too. `directory` outlives it.
  void enable_consumer_groups(const ConsumerGroupConfig& config, const TopicDirectory& directory);
  // The partition's records have been read, all of them.
  void load(LoadedGroups loaded, GroupTime time);
  // The partition is led by somebody else: NOT_COORDINATOR to all who wait and ask, and nothing more is appended.
  void unload(GroupTime time);

  void join(const protocol::JoinGroupRequest& request, const GroupClient& client, JoinAnswer answer, GroupTime time);
  void sync(const protocol::SyncGroupRequest& request, SyncAnswer answer, GroupTime time);
  [[nodiscard]] protocol::ErrorCode heartbeat(const protocol::HeartbeatRequest& request, GroupTime time);
  // Views the request.
  [[nodiscard]] protocol::LeaveGroupResponse leave(const protocol::LeaveGroupRequest& request,
                                                   protocol::Version version, GroupTime time);

  // KIP-848; UNSUPPORTED_VERSION where it is not enabled, or has come to its end. Answered when what is told is in the log. The request
  // need not outlive the call.
  void consumer_group_heartbeat(const protocol::ConsumerGroupHeartbeatRequest& request, const GroupClient& client,
                                MayDescribeTopic may_describe, ConsumerGroupHeartbeatAnswer answer, GroupTime time);
  // As the group is in the log; GROUP_ID_NOT_FOUND for one that is not here, or is a classic one.
  void consumer_group_describe(std::string_view group_id, ConsumerGroupDescribeAnswer answer, GroupTime time);
  // Every group becomes what a coordinator of Kafka 3.9 can load: those of the new protocol are left with their offsets and their classic
  // members, who rebalance, and with tombstones for all else. From now on other members are refused: UNSUPPORTED_VERSION. Answered when that is in the log; an error
  // says that it may not be, and that it is to be called again.
  void convert_to_classic(ClassicConversionAnswer answer, GroupTime time);

  void commit(const protocol::OffsetCommitRequest& request, protocol::Version version, OffsetCommitAnswer answer,
              GroupTime time);
  // `verification`: as in log::AppendRequest.
  void commit(const protocol::TxnOffsetCommitRequest& request, std::optional<log::VerificationGuard> verification,
              TxnOffsetCommitAnswer answer, GroupTime time);
  // The producer's marker is in the partition, behind all that it committed before.
  void complete_transaction(ProducerId producer, bool commit);
  // One group, some partitions or all; for versions before 8 the handler moves the group's content to the top. Views the request.
  [[nodiscard]] protocol::OffsetFetchResponse::Group fetch(const protocol::OffsetFetchRequest::Group& request,
                                                           bool require_stable) const;
  void delete_offsets(const protocol::OffsetDeleteRequest& request, OffsetDeleteAnswer answer, GroupTime time);
  void delete_group(std::string_view group_id, DeleteGroupAnswer answer, GroupTime time);
  // These partitions' topics are deleted: nobody's offsets of them count any more.
  void on_partitions_deleted(const std::vector<TopicPartition>& partitions, GroupTime time);
  // Every offsets.retention.check.interval.ms: forgets offsets beyond their time, and groups that have neither members nor offsets.
  void remove_expired(GroupTime time);

  // Groups in one of the states and of one of the types, all where a filter is empty; NONE or COORDINATOR_LOAD_IN_PROGRESS with what
  // is known.
  [[nodiscard]] protocol::ListGroupsResponse list(const protocol::ListGroupsRequest& request) const;
  // A group that is not here, or no classic one, is Dead, without an error before version 6 and GROUP_ID_NOT_FOUND since (KIP-1043).
  [[nodiscard]] protocol::DescribeGroupsResponse::Group describe(std::string_view group_id,
                                                                 protocol::Version version) const;

  [[nodiscard]] std::optional<MonotonicTime> next_deadline() const;
  void on_time(GroupTime time);
  [[nodiscard]] std::vector<GroupAppend> take_appends() { return std::exchange(appends_, {}); }
  void on_appended(GroupAppendId append, const GroupAppendOutcome& outcome, GroupTime time);

  [[nodiscard]] std::size_t group_count() const;
  // For tests and gauges; null when there is none. A group of the new protocol may be there as an empty classic one, which has its offsets.
  [[nodiscard]] const Group* find(std::string_view group_id) const;
  [[nodiscard]] const ConsumerGroup* find_consumer(std::string_view group_id) const;

 private:
  enum class Phase : std::uint8_t { loading, serving, unloaded };
  using GroupPointer = std::shared_ptr<Group>;
  using AppendDone = UniqueFunction<void(const GroupAppendOutcome&)>;
  struct CommitInput;
  struct StaticReplacement;
  struct ConversionInWork;
  class ClassicSide;

  // What concerns all groups: none, or why the request is refused.
  [[nodiscard]] protocol::ErrorCode refusal(std::string_view group_id, bool may_be_empty) const;
  [[nodiscard]] GroupPointer pointer(std::string_view group_id) const;
  GroupPointer get_or_create(std::string_view group_id);
  void forget(Group& group);
  GroupAppendId append(std::vector<GroupRecord> records, AppendDone done, Sequence base_sequence = Sequence::none(),
                       ProducerId producer = ProducerId::none(), ProducerEpoch epoch = ProducerEpoch::none());
  // The same in as many batches as the topic's bound asks for, one behind the other. `done` hears of the first that failed, or of the last.
  void append_all(std::vector<GroupRecord> records, AppendDone done);
  // A group's record; `done` hears what a client is told. With it goes what the log is not yet known to have of a group of the new protocol
  // that it was before: that must not come back when this record goes.
  void store(const Group& group, Result<GroupRecord> record, UniqueFunction<void(protocol::ErrorCode)> done);

  // group_kinds.cpp
  // Whether the group is one of the new protocol, or has been, or may be one when what is on its way has had its turn.
  [[nodiscard]] bool is_claimed(std::string_view group_id) const;
  void join_claimed(const protocol::JoinGroupRequest& request, const GroupClient& client, JoinAnswer answer);
  void delete_claimed(std::string_view group_id, DeleteGroupAnswer answer);
  void erase_consumer_group(ConsumerGroup& group);
  void store_claimed(const Group& group, GroupRecord record, UniqueFunction<void(protocol::ErrorCode)> done);
  void remove_empty_consumer_groups();
  // group_migration.cpp
  [[nodiscard]] std::unique_ptr<ClassicGroups> make_classic_side(const ConsumerGroupConfig& config,
                                                                 const TopicDirectory& directory);

  // group_join.cpp
  void join_classic(const protocol::JoinGroupRequest& request, const GroupClient& client, JoinAnswer answer);
  [[nodiscard]] bool has_room(Group& group, std::string_view member_id) const;
  [[nodiscard]] std::string new_member_id(std::string_view prefix);
  void join_new(const GroupPointer& group, const protocol::JoinGroupRequest& request, const GroupClient& client,
                JoinAnswer answer);
  void join_current(Group& group, const protocol::JoinGroupRequest& request, const GroupClient& client,
                    JoinAnswer answer);
  void rejoin(Group& group, GroupMember& member, const protocol::JoinGroupRequest& request, WaitingJoin join);
  void add_member(Group& group, std::string member_id, const protocol::JoinGroupRequest& request,
                  const GroupClient& client, JoinAnswer answer);
  void replace_static(const GroupPointer& group, GroupMember& member, std::string member_id,
                      const protocol::JoinGroupRequest& request, const GroupClient& client, JoinAnswer answer);
  void on_replacement_stored(Group& group, StaticReplacement& replacement, protocol::ErrorCode error);

  // group_rebalance.cpp
  void arm(GroupTimer& timer, std::int64_t delay_ms) { timer.arm(time_.now + std::chrono::milliseconds(delay_ms)); }
  void restart_session(GroupMember& member) { arm(member.session, member.session_timeout_ms); }
  void prepare_rebalance(Group& group);
  void prepare_rebalance_if_possible(Group& group);
  void try_complete_join(Group& group);
  void on_join_timer(Group& group);
  void complete_join(Group& group);
  void answer_generation(Group& group);
  void on_sync_timer(Group& group);
  void on_session_timer(Group& group, GroupMember& member);
  void remove_member(Group& group, GroupMember& member);
  void remove_pending(Group& group, std::string_view member_id);
  void propagate_assignments(Group& group);
  void reset_assignments(Group& group, protocol::ErrorCode error);

  // group_sync.cpp
  [[nodiscard]] static protocol::ErrorCode check_member(Group& group, std::string_view member_id,
                                                        const protocol::NullableString& instance_id);
  void store_assignment(const GroupPointer& group, const protocol::SyncGroupRequest& request);
  [[nodiscard]] protocol::ErrorCode leave_one(Group& group, const protocol::LeaveGroupRequest::Member& leaving);

  // offset_commit.cpp
  [[nodiscard]] protocol::ErrorCode check_commit(Group& group, const CommitInput& input) const;
  void commit(const GroupPointer& group, CommitInput input);
  void on_committed(Group& group, CommitInput& input, GroupAppendId append, const GroupAppendOutcome& outcome);

  // offset_expiry.cpp
  [[nodiscard]] std::vector<TopicPartition> expired_offsets(const Group& group) const;
  // Erases offsets, and the group where that leaves nothing of it or it is dead already; their tombstones.
  [[nodiscard]] std::vector<GroupRecord> take_away(Group& group, const std::vector<TopicPartition>& partitions);
  // The same, with the tombstones appended. Whether there are any, whose append `done` hears of; it is dropped otherwise.
  bool clean_up(Group& group, const std::vector<TopicPartition>& partitions, AppendDone done);
  void delete_classic(std::string_view group_id, DeleteGroupAnswer answer);

  GroupConfig config_;
  Random& random_;
  Phase phase_ = Phase::loading;
  GroupTime time_{};  // of the current call
  GroupTimers timers_;
  TextMap<GroupPointer> groups_;  // also of the offsets of groups of the new protocol
  std::unique_ptr<ClassicGroups> classic_side_;
  std::unique_ptr<ConsumerGroups> consumer_groups_;
  mutable std::string message_;                                                 // of the newest answer that has one
  std::map<ProducerId, std::set<std::string, std::less<>>> open_transactions_;  // the groups with offsets of theirs
  std::vector<GroupAppend> appends_;
  std::unordered_map<GroupAppendId, AppendDone> pending_appends_;
  GroupAppendId appends_made_ = 0;
};

}  // namespace millrace::coordinator

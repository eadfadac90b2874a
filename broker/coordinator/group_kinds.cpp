// Groups of the new protocol (KIP-848) beside classic ones: which of both an id is, and what becomes of it when a member of the other kind
// comes.
#include <algorithm>
#include <utility>

#include "broker/base/check.h"
#include "broker/coordinator/append_error.h"
#include "broker/coordinator/consumer_groups.h"
#include "broker/coordinator/group_answers.h"
#include "broker/coordinator/group_coordinator.h"
#include "broker/coordinator/held_join.h"

namespace millrace::coordinator {

using protocol::ErrorCode;

GroupCoordinator::GroupCoordinator(const GroupConfig& config, Random& random) : config_(config), random_(random) {}

GroupCoordinator::~GroupCoordinator() { unload(time_); }

void GroupCoordinator::enable_consumer_groups(const ConsumerGroupConfig& config, const TopicDirectory& directory) {
  MILLRACE_INVARIANT(phase_ == Phase::loading, "a partition's protocols are chosen before it is loaded");
  classic_side_ = make_classic_side(config, directory);
  auto append_records = [this](std::vector<GroupRecord> records, ConsumerGroupHost::Done done) {
    append_all(std::move(records),
               [done = std::move(done)](const GroupAppendOutcome& outcome) mutable { done(outcome.error); });
  };
  consumer_groups_ = std::make_unique<ConsumerGroups>(
      config,
      ConsumerGroups::Parts{directory, random_, *classic_side_, std::move(append_records), config_.batch_bytes_max});
}

const ConsumerGroup* GroupCoordinator::find_consumer(std::string_view group_id) const {
  return consumer_groups_ ? consumer_groups_->find(group_id) : nullptr;
}

bool GroupCoordinator::is_claimed(std::string_view group_id) const {
  if (!consumer_groups_ || !consumer_groups_->claims(group_id)) return false;
  // As long as it has members it is a classic one, whatever is on its way.
  const GroupPointer classic = pointer(group_id);
  return !classic || classic->is(GroupState::empty);
}

void GroupCoordinator::consumer_group_heartbeat(const protocol::ConsumerGroupHeartbeatRequest& request,
                                                const GroupClient& client, MayDescribeTopic may_describe,
                                                ConsumerGroupHeartbeatAnswer answer, GroupTime time) {
  time_ = time;
  ErrorCode error = refusal(request.group_id, true);
  if (error == ErrorCode::none && (!consumer_groups_ || consumer_groups_->is_closed()))
    error = ErrorCode::unsupported_version;
  if (error != ErrorCode::none) return answer_heartbeat(answer, {.refusal = {error, {}}});
  if (request.member_epoch != joining_member_epoch && !is_claimed(request.group_id) && pointer(request.group_id)) {
    return answer_heartbeat(answer,
                            {.refusal = {ErrorCode::group_id_not_found,
                                         "Group " + std::string(request.group_id) + " is not a consumer group."}});
  }
  consumer_groups_->heartbeat(request, client, std::move(may_describe), std::move(answer), time);
}

void GroupCoordinator::consumer_group_describe(std::string_view group_id, ConsumerGroupDescribeAnswer answer,
                                               GroupTime time) {
  time_ = time;
  const auto refuse = [&](ErrorCode error, std::string_view message) {
    protocol::ConsumerGroupDescribeResponse::Group refused;
    refused.group_id = group_id;
    refused.error_code = error;
    if (!message.empty()) refused.error_message = message;
    answer(refused);
  };
  ErrorCode error = refusal(group_id, false);
  if (error == ErrorCode::none && !consumer_groups_) error = ErrorCode::unsupported_version;
  if (error != ErrorCode::none) return refuse(error, {});
  if (!is_claimed(group_id) && pointer(group_id)) {
    return refuse(ErrorCode::group_id_not_found, "Group " + std::string(group_id) + " is not a consumer group.");
  }
  consumer_groups_->describe(group_id, std::move(answer), time);
}

void GroupCoordinator::join_claimed(const protocol::JoinGroupRequest& request, const GroupClient& client,
                                    JoinAnswer answer) {
  consumer_groups_->take_turn(
      request.group_id,
      [this, join = HeldJoin(request, client), answer = std::move(answer)](ConsumerGroupHost* host) mutable {
        const auto joining = join.request();
        if (host == nullptr) {
          refuse_join(answer, join.client(), joining.member_id, ErrorCode::not_coordinator);
          return ConsumerGroupHost::Done();
        }
        if (!host->group.members().empty())
          return consumer_groups_->join_classic(host->group.id(), joining, join.client(), std::move(answer));
        // Nobody is in it any more: as a classic group it goes on with its offsets.
        if (host->group.exists()) host->group.erase_everything();
        join_classic(joining, join.client(), std::move(answer));
        return ConsumerGroupHost::Done();
      },
      time_);
}

void GroupCoordinator::delete_claimed(std::string_view group_id, DeleteGroupAnswer answer) {
  consumer_groups_->take_turn(
      group_id,
      [this, id = std::string(group_id), answer = std::move(answer)](ConsumerGroupHost* host) mutable {
        if (host == nullptr) {
          answer(ErrorCode::not_coordinator);
          return ConsumerGroupHost::Done();
        }
        const GroupPointer classic = pointer(id);
        if (!host->group.members().empty() || (classic && !classic->is(GroupState::empty))) {
          answer(ErrorCode::non_empty_group);
        } else if (!host->group.exists() && !classic) {
          answer(ErrorCode::group_id_not_found);
        } else {
          erase_consumer_group(host->group);
          return ConsumerGroupHost::Done(
              [answer = std::move(answer)](ErrorCode error) mutable { answer(consumer_group_store_error(error)); });
        }
        return ConsumerGroupHost::Done();
      },
      time_);
}

void GroupCoordinator::erase_consumer_group(ConsumerGroup& group) {
  if (const GroupPointer offsets = pointer(group.id())) {
    offsets->transition_to(GroupState::dead, time_.wall);
    for (auto& tombstone : take_away(*offsets, offsets->offsets().erasable())) group.add_record(std::move(tombstone));
  }
  if (group.exists()) group.erase_everything();
}

void GroupCoordinator::store_claimed(const Group& group, GroupRecord record, UniqueFunction<void(ErrorCode)> done) {
  consumer_groups_->take_turn(
      group.id(),
      [record = std::move(record), done = std::move(done)](ConsumerGroupHost* host) mutable {
        if (host == nullptr) {
          done(group_store_error(ErrorCode::not_leader_or_follower));
          return ConsumerGroupHost::Done();
        }
        // It has become a group of the new protocol since: said behind that, it would be a classic one again.
        if (host->group.exists()) {
          done(ErrorCode::rebalance_in_progress);
          return ConsumerGroupHost::Done();
        }
        host->group.add_record(std::move(record));
        return ConsumerGroupHost::Done(
            [done = std::move(done)](ErrorCode error) mutable { done(group_store_error(error)); });
      },
      time_);
}

// An empty group of the new protocol goes with its last offset, as a classic one does.
void GroupCoordinator::remove_empty_consumer_groups() {
  if (!consumer_groups_) return;
  consumer_groups_->store_again(time_);
  std::vector<std::string> empty;
  consumer_groups_->each([&](const ConsumerGroup& group) {
    if (group.members().empty() && !pointer(group.id())) empty.push_back(group.id());
  });
  for (const auto& id : empty) {
    consumer_groups_->take_turn(
        id,
        [this](ConsumerGroupHost* host) {
          const bool is_over =
              host != nullptr && host->group.exists() && host->group.members().empty() && !pointer(host->group.id());
          if (is_over) host->group.erase_everything();
          return ConsumerGroupHost::Done();
        },
        time_);
  }
}

// The groups that are still to be converted, and what is told in the end.
struct GroupCoordinator::ConversionInWork {
  explicit ConversionInWork(ClassicConversionAnswer waiting) : answer(std::move(waiting)) {}

  void end_one(ErrorCode error) {
    if (outcome.error == ErrorCode::none) outcome.error = error;
    if (--remaining == 0) answer(outcome);
  }

  ClassicConversionAnswer answer;
  ClassicConversion outcome;
  std::size_t remaining = 1;
};

void GroupCoordinator::convert_to_classic(ClassicConversionAnswer answer, GroupTime time) {
  time_ = time;
  if (const auto error = refusal({}, true); error != ErrorCode::none) return answer({.error = error});
  if (!consumer_groups_) return answer({});
  consumer_groups_->close();
  std::vector<std::string> ids;
  consumer_groups_->each_known([&](const std::string& id) { ids.push_back(id); });
  const auto work = std::make_shared<ConversionInWork>(std::move(answer));
  work->remaining += ids.size();
  for (const auto& id : ids) {
    consumer_groups_->take_turn(
        id,
        [this, work](ConsumerGroupHost* host) {
          if (host == nullptr) {
            work->end_one(ErrorCode::not_coordinator);
            return ConsumerGroupHost::Done();
          }
          if (host->group.exists()) ++work->outcome.groups;
          consumer_groups_->give_back(*host);
          return ConsumerGroupHost::Done([work](ErrorCode error) { work->end_one(consumer_group_store_error(error)); });
        },
        time_);
  }
  work->end_one(ErrorCode::none);
}

std::optional<MonotonicTime> GroupCoordinator::next_deadline() const {
  const auto classic = timers_.next_deadline();
  const auto other = consumer_groups_ ? consumer_groups_->next_deadline() : std::nullopt;
  if (!classic || !other) return classic ? classic : other;
  return std::min(*classic, *other);
}

}  // namespace millrace::coordinator

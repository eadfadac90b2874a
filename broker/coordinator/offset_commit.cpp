// OffsetCommit and TxnOffsetCommit, and the markers that decide about the latter.
#include <utility>

#include "broker/base/java_string.h"
#include "broker/coordinator/append_error.h"
#include "broker/coordinator/consumer_group_access.h"
#include "broker/coordinator/group_coordinator.h"
#include "broker/coordinator/topic_answers.h"

namespace millrace::coordinator {

using protocol::ErrorCode;

// What both requests say, owned until the offsets are in the log.
struct GroupCoordinator::CommitInput {
  struct Partition {
    PartitionIndex index;
    CommittedOffset value;
    bool is_too_large = false;
  };
  struct Topic {
    std::string name;
    std::vector<Partition> partitions;
  };
  using Answer = UniqueFunction<void(const std::vector<Topic>&, ErrorCode)>;

  std::string_view member_id;  // of the request: while it is checked only
  protocol::NullableString instance_id;
  std::int32_t generation = -1;
  protocol::Version version = 0;
  ProducerId producer = ProducerId::none();
  ProducerEpoch producer_epoch = ProducerEpoch::none();
  std::optional<log::VerificationGuard> verification{};
  std::vector<Topic> topics;
  Answer answer;

  [[nodiscard]] bool is_transactional() const { return producer != ProducerId::none(); }
  void finish(ErrorCode error) { answer(topics, error); }

  // Calls `use` with the partitions that are stored.
  template <class Use>
  void each_stored(Use use) {
    for (auto& topic : topics) {
      for (auto& partition : topic.partitions) {
        if (!partition.is_too_large) use(TopicPartition{topic.name, partition.index}, partition.value);
      }
    }
  }
};

namespace {

// The topics of a request with their offsets, each topic once; a partition that is named twice counts once, as it is named last.
template <class Input, class Request, class ValueOf>
std::vector<typename Input::Topic> copy_topics(const Request& request, ValueOf value_of) {
  std::vector<typename Input::Topic> topics;
  TopicAnswers copies(topics);
  std::map<PartitionName, std::size_t> seen;  // where a partition stands in its topic
  for (const auto& topic : request.topics) {
    auto& copy = copies.at(topic.name);
    if (copy.partitions.empty()) copy.partitions.reserve(topic.partitions.size());
    for (const auto& partition : topic.partitions) {
      const PartitionName name(topic.name, partition.partition_index);
      const auto [known, is_new] = seen.try_emplace(name, copy.partitions.size());
      if (is_new) {
        copy.partitions.push_back({partition.partition_index, value_of(partition), false});
      } else {
        copy.partitions[known->second].value = value_of(partition);
      }
    }
  }
  return topics;
}

// When a request's retention ends, which may be as far away as an int64 can say; -1: the broker's own counts.
TimestampMs expiry_of(std::int64_t retention_time_ms, TimestampMs now) {
  if (retention_time_ms == -1) return TimestampMs::none();
  std::int64_t expiry = 0;
  if (__builtin_add_overflow(now.value(), retention_time_ms, &expiry)) return TimestampMs(INT64_MAX);
  return TimestampMs(expiry);
}

template <class Response, class Topics>
Response commit_response(const Topics& topics, ErrorCode error) {
  Response response;
  response.topics.reserve(topics.size());
  for (const auto& topic : topics) {
    if (topic.partitions.empty()) continue;
    auto& answered = response.topics.emplace_back();
    answered.name = topic.name;
    answered.partitions.reserve(topic.partitions.size());
    for (const auto& partition : topic.partitions) {
      answered.partitions.push_back(
          {partition.index, partition.is_too_large ? ErrorCode::offset_metadata_too_large : error});
    }
  }
  return response;
}

}  // namespace

void GroupCoordinator::commit(const protocol::OffsetCommitRequest& request, protocol::Version version,
                              OffsetCommitAnswer answer, GroupTime time) {
  time_ = time;
  CommitInput input;
  input.member_id = request.member_id;
  input.instance_id = request.group_instance_id;
  input.generation = request.generation_id_or_member_epoch;
  input.version = version;
  const TimestampMs expiry = expiry_of(request.retention_time_ms, time.wall);
  input.topics = copy_topics<CommitInput>(request, [&](const auto& partition) {
    return CommittedOffset{partition.committed_offset, partition.committed_leader_epoch,
                           std::string(partition.committed_metadata.value_or("")),
                           partition.commit_timestamp == TimestampMs::none() ? time.wall : partition.commit_timestamp,
                           expiry};
  });
  input.answer = [answer = std::move(answer)](const std::vector<CommitInput::Topic>& topics, ErrorCode error) mutable {
    answer(commit_response<protocol::OffsetCommitResponse>(topics, error));
  };
  if (const auto error = refusal(request.group_id, true); error != ErrorCode::none) return input.finish(error);
  GroupPointer group = pointer(request.group_id);
  if (!group) {
    // Either the group uses Kafka for its offsets alone, or this comes from a generation that is forgotten.
    if (input.generation >= 0 && find_consumer(request.group_id) == nullptr)
      return input.finish(ErrorCode::illegal_generation);
    group = get_or_create(request.group_id);
  }
  commit(group, std::move(input));
}

void GroupCoordinator::commit(const protocol::TxnOffsetCommitRequest& request,
                              std::optional<log::VerificationGuard> verification, TxnOffsetCommitAnswer answer,
                              GroupTime time) {
  time_ = time;
  CommitInput input;
  input.member_id = request.member_id;
  input.instance_id = request.group_instance_id;
  input.generation = request.generation_id;
  input.producer = request.producer_id;
  input.producer_epoch = request.producer_epoch;
  input.verification = verification;
  input.topics = copy_topics<CommitInput>(request, [&](const auto& partition) {
    return CommittedOffset{partition.committed_offset, partition.committed_leader_epoch,
                           std::string(partition.committed_metadata.value_or("")), time.wall, TimestampMs::none()};
  });
  input.answer = [answer = std::move(answer)](const std::vector<CommitInput::Topic>& topics, ErrorCode error) mutable {
    answer(commit_response<protocol::TxnOffsetCommitResponse>(topics, error));
  };
  if (const auto error = refusal(request.group_id, false); error != ErrorCode::none) return input.finish(error);
  commit(get_or_create(request.group_id), std::move(input));
}

ErrorCode GroupCoordinator::check_commit(Group& group, const CommitInput& input) const {
  if (const ConsumerGroup* const consumer = find_consumer(group.id()); consumer != nullptr) {
    return coordinator::check_commit(*consumer, {input.member_id, input.generation, bool(input.instance_id),
                                                 input.is_transactional(), input.version});
  }
  if (input.generation < 0 && group.is(GroupState::empty)) return ErrorCode::none;
  if (input.generation >= 0 || !input.member_id.empty() || input.instance_id) {
    const ErrorCode error = check_member(group, input.member_id, input.instance_id);
    if (error != ErrorCode::none) return error;
    if (input.generation != group.generation()) return ErrorCode::illegal_generation;
  } else if (!input.is_transactional()) {
    // A group with members takes offsets from them only; old versions of TxnOffsetCommit name no member.
    return ErrorCode::unknown_member_id;
  }
  // The member knows the generation, but not yet what it has of it: it asks again after its SyncGroup.
  if (!input.is_transactional() && group.is(GroupState::completing_rebalance)) return ErrorCode::rebalance_in_progress;
  return ErrorCode::none;
}

void GroupCoordinator::commit(const GroupPointer& group, CommitInput input) {
  if (const auto error = check_commit(*group, input); error != ErrorCode::none) return input.finish(error);
  if (!input.is_transactional() && !group->is(GroupState::empty)) restart_session(*group->find(input.member_id));
  std::vector<GroupRecord> records;
  for (auto& topic : input.topics) {
    for (auto& partition : topic.partitions) {
      const auto& value = partition.value;
      partition.is_too_large =
          java_length(value.metadata) > static_cast<std::size_t>(config_.offset_metadata_max_bytes);
      if (partition.is_too_large) continue;
      auto key = encode_key(OffsetCommitKey{group->id(), topic.name, partition.index});
      auto encoded = encode_value(OffsetCommitValue{value.offset, value.leader_epoch, value.metadata,
                                                    value.commit_timestamp, value.expire_timestamp});
      if (!key || !encoded) return input.finish(ErrorCode::unknown_server_error);
      records.push_back({std::move(*key), std::move(*encoded)});
    }
  }
  if (records.empty()) return input.finish(ErrorCode::none);
  const GroupAppendId id = appends_made_ + 1;
  const ProducerId producer = input.producer;
  const ProducerEpoch epoch = input.producer_epoch;
  const auto verification = input.verification;
  if (input.is_transactional()) open_transactions_[producer].insert(group->id());
  input.each_stored([&](const TopicPartition& partition, const CommittedOffset& value) {
    if (producer == ProducerId::none()) {
      group->offsets().stage(partition, id);
    } else {
      group->offsets().stage(producer, partition, id, value);
    }
  });
  append(
      std::move(records),
      [this, group, id, input = std::move(input)](const GroupAppendOutcome& outcome) mutable {
        on_committed(*group, input, id, outcome);
      },
      Sequence(0), producer, epoch);
  appends_.back().verification = verification;
}

void GroupCoordinator::on_committed(Group& group, CommitInput& input, GroupAppendId append,
                                    const GroupAppendOutcome& outcome) {
  const ErrorCode error = offset_commit_error(outcome.error);
  if (group.is(GroupState::dead)) return input.finish(error);
  OffsetTable& offsets = group.offsets();
  input.each_stored([&](const TopicPartition& partition, CommittedOffset& value) {
    if (input.is_transactional() && error == ErrorCode::none) {
      offsets.on_appended(input.producer, partition, append, outcome.base_offset);
    } else if (input.is_transactional()) {
      offsets.on_failed(input.producer, partition, append);
    } else if (error == ErrorCode::none) {
      offsets.on_appended(partition, append, outcome.base_offset, std::move(value));
    } else {
      offsets.on_failed(partition, append);
    }
  });
  if (input.is_transactional() && !offsets.has_transaction(input.producer)) {
    const auto open = open_transactions_.find(input.producer);
    if (open != open_transactions_.end() && open->second.erase(group.id()) > 0 && open->second.empty())
      open_transactions_.erase(open);
  }
  input.finish(error);
}

void GroupCoordinator::complete_transaction(ProducerId producer, bool commit) {
  const auto groups = open_transactions_.extract(producer);
  if (!groups) return;
  for (const auto& id : groups.mapped()) {
    if (const GroupPointer group = pointer(id)) group->offsets().complete_transaction(producer, commit);
  }
}

}  // namespace millrace::coordinator

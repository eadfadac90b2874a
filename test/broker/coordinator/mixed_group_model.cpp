#include "test/broker/coordinator/mixed_group_model.h"

#include <algorithm>

#include "broker/coordinator/consumer_group.h"
#include "broker/coordinator/consumer_protocol.h"

namespace millrace::coordinator::test {
namespace {

constexpr std::int32_t rebalance_timeout_ms = 30'000;
constexpr std::int32_t classic_session_timeout_ms = 10'000;
constexpr std::int32_t session_timeout_ms = 45'000;
constexpr std::int64_t beat_interval_ms = 3'000;
constexpr std::size_t consumer_limit = 6;
constexpr std::int32_t partition_limit = 8;
constexpr const char* topic = "topic";

AssignedPartitions common(const AssignedPartitions& left, const AssignedPartitions& right) {
  AssignedPartitions both;
  for (const auto& [id, partitions] : left) {
    for (const auto partition : partitions) {
      const auto found = right.find(id);
      if (found != right.end() && std::ranges::binary_search(found->second, partition)) both[id].push_back(partition);
    }
  }
  return both;
}

}  // namespace

MixedGroupModel::MixedGroupModel(std::uint64_t seed, MixedGroupBug bug)
    : random_(seed), bug_(bug), groups_(ConsumerGroupConfig{}, {.group_initial_rebalance_delay_ms = 1'000}) {
  groups_.hold_appends = true;
  groups_.directory.put(topic, 2);
}

std::string MixedGroupModel::run(int steps) {
  for (int count = 1; count <= steps && violation_.empty(); ++count) {
    step();
    check();
    if (count % 500 == 0 && violation_.empty()) settle_down();
  }
  return violation_;
}

void MixedGroupModel::step() {
  if (chance(15)) start_consumer();
  if (!consumers_.empty() && chance(25)) stop_consumer(consumers_[random_.below(consumers_.size())]);
  if (!is_calm_ && chance(100)) {
    const auto known = groups_.directory.find(topic)->partition_count;
    if (known < partition_limit) groups_.directory.put(topic, known + 1);
  }
  if (chance(80)) move();
  if (!groups_.wanted.empty() && !chance(3)) append_one();
  for (auto& consumer : consumers_) {
    if (!consumer.is_running) continue;
    consumer.is_classic ? act_classic(consumer) : act_new(consumer);
    if (consumer.epoch > 0 && chance(20)) commit(consumer);
  }
  std::erase_if(consumers_, [](const Consumer& each) { return !each.is_running; });
  hear_commits();
  groups_.is_deaf = bug_ == MixedGroupBug::no_timeouts;
  groups_.advance(static_cast<std::int64_t>(random_.below(1'000)));
  ++counts_["step"];
}

void MixedGroupModel::start_consumer() {
  if (is_calm_ || consumers_.size() >= consumer_limit) return;
  // Crowds of one kind and of both, so that the group changes its own.
  const auto fashion = (counts_["step"] / 150) % 3;
  Consumer& consumer = consumers_.emplace_back();
  consumer.is_classic = fashion == 0 || (fashion == 1 && chance(2));
  if (!consumer.is_classic) consumer.id = "m" + std::to_string(++made_);
  ++counts_[consumer.is_classic ? "classic consumer" : "consumer"];
}

// It leaves in order, or is just gone.
void MixedGroupModel::stop_consumer(Consumer& consumer) {
  if (is_calm_) return;
  consumer.is_running = false;
  if (chance(3) || consumer.epoch <= 0) {
    ++counts_["crash"];
  } else if (consumer.is_classic) {
    (void)groups_.leave(consumer.id);
    ++counts_["leaves"];
  } else {
    groups_.send({.member = consumer.id, .epoch = -1});
    ++counts_["leaves"];
  }
}

void MixedGroupModel::act_new(Consumer& consumer) {
  if (consumer.beat) {
    if (consumer.beat->answers > 0) receive_beat(consumer);
    return;
  }
  if (consumer.to_reach && !consumer.is_lost && (is_calm_ || chance(2))) {
    const auto kept = common(consumer.owned, *consumer.to_reach);
    if (kept == consumer.owned) {
      consumer.owned = *consumer.to_reach;
      consumer.to_reach.reset();
      consumer.next_beat = groups_.time.now;
    } else {
      consumer.owned = kept;
    }
  }
  if (groups_.time.now < consumer.next_beat) return;
  BeatInput input{.member = consumer.id, .epoch = consumer.epoch, .owned = consumer.owned};
  if (consumer.epoch == 0 || consumer.is_lost) {
    input.topics = std::vector<std::string>{topic};
    input.rebalance_ms = rebalance_timeout_ms;
  }
  consumer.beat = groups_.send(input);
  consumer.next_beat = groups_.time.now + std::chrono::milliseconds(beat_interval_ms);
}

void MixedGroupModel::receive_beat(Consumer& consumer) {
  const auto beat = std::exchange(consumer.beat, nullptr);
  consumer.is_lost = !is_calm_ && chance(30);
  if (consumer.is_lost) return;
  if (beat->error == ErrorCode::none) {
    consumer.epoch = beat->epoch;
    if (beat->assignment) consumer.to_reach = beat->assignment;
    return;
  }
  if (beat->error == ErrorCode::coordinator_not_available || beat->error == ErrorCode::not_coordinator) {
    consumer.is_lost = true;
    return;
  }
  fall_out(consumer, beat->error);
}

void MixedGroupModel::act_classic(Consumer& consumer) {
  if (consumer.joined) {
    if (consumer.joined->answers > 0) receive_join(consumer);
    return;
  }
  if (consumer.synced) {
    if (consumer.synced->answers > 0) receive_sync(consumer);
    return;
  }
  if (consumer.epoch == 0) return join(consumer);
  if (groups_.time.now < consumer.next_beat) return;
  consumer.next_beat = groups_.time.now + std::chrono::milliseconds(beat_interval_ms);
  const ErrorCode error = groups_.heartbeat(consumer.id, consumer.epoch);
  if (error == ErrorCode::none) return;
  fall_out(consumer, error);
}

void MixedGroupModel::join(Consumer& consumer) {
  if (groups_.time.now < consumer.next_beat) return;
  consumer.next_beat = groups_.time.now + std::chrono::milliseconds(beat_interval_ms);
  if (bug_ != MixedGroupBug::classic_keeps_partitions) consumer.owned.clear();
  consumer.joined = groups_.join({.member = consumer.id,
                                  .session_ms = classic_session_timeout_ms,
                                  .rebalance_ms = rebalance_timeout_ms,
                                  .version = 5});
}

void MixedGroupModel::receive_join(Consumer& consumer) {
  const auto joined = std::exchange(consumer.joined, nullptr);
  if (!is_calm_ && chance(30)) {
    ++counts_["lost answer"];
    return;  // it asks again
  }
  if (joined->error == ErrorCode::member_id_required) {
    consumer.id = joined->member;
    consumer.next_beat = groups_.time.now;
    return;
  }
  if (joined->error != ErrorCode::none) return fall_out(consumer, joined->error);
  consumer.id = joined->member;
  consumer.epoch = joined->generation;
  ++counts_[joined->leader.empty() ? "joins consumer group" : "joins classic group"];
  // The leader gives each partition to the next in turn.
  std::vector<std::pair<std::string, std::string>> assignments;
  const auto facts = *groups_.directory.find(topic);
  const auto count = static_cast<std::int32_t>(joined->members.size());
  for (std::int32_t index = 0; index < count; ++index) {
    const auto& [id, metadata] = joined->members[static_cast<std::size_t>(index)];
    AssignedPartitions share;
    for (std::int32_t partition = index; partition < facts.partition_count; partition += count)
      share[facts.id].emplace_back(partition);
    assignments.emplace_back(id, text_of(encode_assignment(share, bytes_of(metadata), groups_.directory)));
  }
  consumer.synced = groups_.sync(consumer.id, consumer.epoch, assignments);
}

void MixedGroupModel::receive_sync(Consumer& consumer) {
  const auto synced = std::exchange(consumer.synced, nullptr);
  if (synced->error != ErrorCode::none) return fall_out(consumer, synced->error);
  const auto assigned = decode_assignment(bytes_of(synced->assignment), groups_.directory);
  if (!assigned) {
    violation_ = consumer.id + " cannot read what it has";
    return;
  }
  consumer.owned = *assigned;
  consumer.next_beat = groups_.time.now + std::chrono::milliseconds(beat_interval_ms);
}

// It joins anew: as itself, or as somebody whom nobody knows.
void MixedGroupModel::fall_out(Consumer& consumer, ErrorCode error) {
  ++counts_[std::string(to_string(error))];
  consumer.epoch = 0;
  switch (error) {
    case ErrorCode::rebalance_in_progress:
    case ErrorCode::illegal_generation:
    case ErrorCode::coordinator_not_available:
    case ErrorCode::not_coordinator:
      consumer.next_beat = groups_.time.now;
      return;
    case ErrorCode::unknown_member_id:
    case ErrorCode::fenced_member_epoch:
    case ErrorCode::group_id_not_found:
      consumer.owned.clear();
      consumer.to_reach.reset();
      if (consumer.is_classic) consumer.id.clear();
      return;
    default:
      violation_ = consumer.id + " is answered with " + std::string(to_string(error));
  }
}

void MixedGroupModel::commit(const Consumer& consumer) {
  GroupHarness::CommitInput input{.member = consumer.id, .generation = consumer.epoch, .offset = ++commits_made_};
  input.version = consumer.is_classic ? 8 : 9;
  commits_.push_back({groups_.commit(input), input.offset});
}

void MixedGroupModel::hear_commits() {
  std::erase_if(commits_, [&](const Commit& each) {
    if (each.answer->answers == 0) return false;
    if (each.answer->error() == ErrorCode::none) {
      acknowledged_ = std::max(acknowledged_, each.offset);
      ++counts_["commit"];
    }
    return true;
  });
}

void MixedGroupModel::append_one() {
  auto& records = groups_.wanted.front().records;
  const auto lose = [&](std::uint8_t type) {
    std::erase_if(records, [&](const GroupRecord& each) { return each.key[1] == type && each.value && chance(2); });
  };
  if (bug_ == MixedGroupBug::assignment_not_stored) lose(8);
  if (bug_ == MixedGroupBug::offset_not_stored) lose(1);
  if (bug_ == MixedGroupBug::acknowledged_too_early && chance(10)) records.clear();
  if (is_calm_ || !chance(12)) return groups_.append_next();
  ++counts_["failed append"];
  if (chance(2)) return groups_.append_next(ErrorCode::not_enough_replicas);
  groups_.append_next(ErrorCode::request_timed_out, chance(2));
}

void MixedGroupModel::move() {
  if (is_calm_) return;
  // What was on its way may have got into the log, and nobody hears of it.
  if (!groups_.wanted.empty() && chance(2)) {
    auto& append = groups_.wanted.front();
    const auto count = static_cast<std::int64_t>(append.records.size());
    groups_.log.push_back({std::move(append), groups_.next_offset, std::nullopt, ProducerId::none()});
    groups_.next_offset = groups_.next_offset + count;
  }
  compact_log();
  groups_.reload();
  ++counts_["move"];
}

// Leaves the newest record of each key, in their order.
void MixedGroupModel::compact_log() {
  std::map<Bytes, std::size_t> newest;
  std::vector<GroupRecord> records;
  for (auto& logged : groups_.log) {
    for (auto& record : logged.append.records) {
      newest[record.key] = records.size();
      records.push_back(std::move(record));
    }
  }
  groups_.log.clear();
  for (std::size_t index = 0; index < records.size(); ++index) {
    if (newest[records[index].key] != index || (!records[index].value && chance(2))) continue;
    GroupAppend append;
    append.timestamp = groups_.time.wall;
    append.records.push_back(std::move(records[index]));
    groups_.log.push_back({std::move(append), groups_.next_offset, std::nullopt, ProducerId::none()});
    groups_.next_offset = groups_.next_offset + 1;
  }
}

void MixedGroupModel::settle_down() {
  is_calm_ = true;
  // Sessions of those that are gone end, then the others' rebalance.
  const auto end = groups_.time.now + std::chrono::milliseconds(session_timeout_ms + 4 * rebalance_timeout_ms);
  while (groups_.time.now < end && violation_.empty()) {
    while (!groups_.wanted.empty()) append_one();
    step();
    check();
  }
  if (violation_.empty()) check_peace();
  is_calm_ = false;
  ++counts_["peace"];
}

bool MixedGroupModel::is_member(const std::string& id) const {
  if (const auto* const group = groups_.coordinator->find_consumer("group"); group != nullptr)
    return group->find(id) != nullptr;
  const Group* const classic = groups_.coordinator->find("group");
  return classic != nullptr && std::ranges::find(classic->members(), id, &GroupMember::id) != classic->members().end();
}

void MixedGroupModel::check() {
  const auto* const group = groups_.coordinator->find_consumer("group");
  const std::string kind = group != nullptr ? "consumer" : "classic";
  if (kind != kind_) ++counts_["becomes " + kind];
  kind_ = kind;
  if (!violation_.empty()) return;
  std::map<std::pair<TopicId, PartitionIndex>, std::string> owners;
  for (const auto& consumer : consumers_) {
    if (!is_member(consumer.id)) continue;  // it will hear of it
    for (const auto& [id, partitions] : consumer.owned) {
      for (const auto partition : partitions) {
        const auto text = "partition " + std::to_string(partition.value());
        const auto [other, is_new] = owners.try_emplace({id, partition}, consumer.id);
        if (!is_new) violation_ = text + " belongs to " + other->second + " and " + consumer.id;
        if (group != nullptr && group->is_taken(consumer.id, id, partition))
          violation_ = text + " of " + consumer.id + " is another's";
      }
    }
  }
  if (const auto found = groups_.fetch(); found.offset < acknowledged_) {
    violation_ =
        "offset " + std::to_string(acknowledged_) + " was committed and " + std::to_string(found.offset) + " is found";
  }
  if (!violation_.empty()) violation_ += " after " + std::to_string(counts_["step"]) + " steps in a " + kind + " group";
}

void MixedGroupModel::check_peace() {
  if (consumers_.empty()) return;
  std::string state = groups_.state();
  if (const auto* const group = groups_.coordinator->find_consumer("group"); group != nullptr)
    state = to_string(group->state());
  std::size_t owned = 0;
  for (const auto& consumer : consumers_) owned += partition_count(consumer.owned);
  // The leader of a classic group would see that the topic has grown: here nobody looks.
  const auto count = static_cast<std::size_t>(groups_.directory.find(topic)->partition_count);
  const bool is_all = kind_ == "classic" ? owned > 0 : owned == count;
  if (state == "Stable" && is_all) return;
  violation_ = "no peace after " + std::to_string(counts_["step"]) + " steps: " + kind_ + " " + state + ", " +
               std::to_string(owned) + " of " + std::to_string(count) + " partitions";
}

}  // namespace millrace::coordinator::test

#include "test/broker/coordinator/consumer_group_model.h"

#include <algorithm>

namespace millrace::coordinator::test {
namespace {

constexpr std::int32_t rebalance_timeout_ms = 30'000;
constexpr std::int32_t session_timeout_ms = 45'000;
constexpr std::int64_t beat_interval_ms = 5'000;
constexpr int topic_count = 4;
constexpr std::size_t consumer_limit = 8;
constexpr const char* pattern = "t[0-2]";

std::string topic_name(std::uint64_t number) { return "t" + std::to_string(number); }

// Those of `left` that are in `right`.
AssignedPartitions common(const AssignedPartitions& left, const AssignedPartitions& right) {
  AssignedPartitions both;
  for (const auto& [topic, partitions] : left) {
    for (const auto partition : partitions) {
      const auto found = right.find(topic);
      if (found != right.end() && std::ranges::binary_search(found->second, partition))
        both[topic].push_back(partition);
    }
  }
  return both;
}

}  // namespace

ConsumerGroupModel::ConsumerGroupModel(std::uint64_t seed, ConsumerGroupBug bug)
    : random_(seed), bug_(bug), groups_({.group_consumer_max_size = consumer_limit}) {
  groups_.hold_appends = true;
  for (std::uint64_t topic = 0; topic < 2; ++topic)
    groups_.directory.put(topic_name(topic), static_cast<std::int32_t>(1 + random_.below(4)));
}

std::string ConsumerGroupModel::run(int steps) {
  for (int count = 1; count <= steps && violation_.empty(); ++count) {
    step();
    check();
    if (count % 400 == 0 && violation_.empty()) settle_down();
  }
  return violation_;
}

void ConsumerGroupModel::step() {
  if (chance(12)) start_consumer();
  if (!consumers_.empty() && chance(25)) stop_consumer(consumers_[random_.below(consumers_.size())]);
  if (chance(60)) change_topics();
  if (chance(80)) move();
  if (!groups_.wanted.empty() && !chance(3)) append_one();
  for (auto& consumer : consumers_) act(consumer);
  std::erase_if(consumers_, [](const Consumer& each) { return !each.is_running; });
  const auto milliseconds = static_cast<std::int64_t>(random_.below(1'500));
  groups_.time.now += std::chrono::milliseconds(milliseconds);
  groups_.time.wall = groups_.time.wall + milliseconds;
  if (bug_ != ConsumerGroupBug::no_timeouts) groups_.groups->on_time(groups_.time);
  ++counts_["step"];
}

std::vector<std::string> ConsumerGroupModel::some_topics() {
  std::vector<std::string> topics;
  for (std::uint64_t topic = 0; topic < topic_count; ++topic) {
    if (!chance(3)) topics.push_back(topic_name(topic));
  }
  return topics;
}

void ConsumerGroupModel::start_consumer() {
  if (is_calm_ || consumers_.size() >= consumer_limit) return;
  Consumer& consumer = consumers_.emplace_back();
  consumer.id = "m" + std::to_string(++made_);
  if (chance(3)) {
    const auto instance = "i" + std::to_string(random_.below(3));
    const bool is_there = std::ranges::any_of(consumers_, [&](const auto& each) { return each.instance == instance; });
    if (!is_there) consumer.instance = instance;
  }
  consumer.has_pattern = chance(4);
  consumer.never_revokes = chance(10);
  consumer.topics = chance(2) ? std::vector<std::string>{"t0", "t1"} : some_topics();
  ++counts_[consumer.instance ? "static consumer" : "consumer"];
}

// It leaves in order, for a while when it has a name, or is just gone.
void ConsumerGroupModel::stop_consumer(Consumer& consumer) {
  if (is_calm_) return;
  consumer.is_running = false;
  if (chance(3) || consumer.epoch <= 0 || consumer.waiting) {
    ++counts_["crash"];
    return;
  }
  const bool is_for_a_while = consumer.instance && chance(2);
  groups_.send({.member = consumer.id, .epoch = is_for_a_while ? -2 : -1, .instance = consumer.instance});
  ++counts_[is_for_a_while ? "leaves for a while" : "leaves"];
}

void ConsumerGroupModel::change_topics() {
  if (is_calm_) return;
  const auto topic = topic_name(random_.below(topic_count));
  const auto known = groups_.directory.find(topic);
  if (known && chance(4)) {
    groups_.directory.erase(topic);
    ++counts_["topic deleted"];
  } else if (!known || known->partition_count < 8) {
    groups_.directory.put(topic,
                          (known ? known->partition_count : 0) + 1 + static_cast<std::int32_t>(random_.below(3)));
    ++counts_["topic grown"];
  }
}

void ConsumerGroupModel::act(Consumer& consumer) {
  if (!consumer.is_running) return;
  if (consumer.waiting) {
    if (consumer.waiting->answers > 0) receive(consumer);
    return;
  }
  // It gives up what it has to, in its own time, and then takes what it may; but not while it knows that it has missed an answer, which may
  // have said something else: what a member does not say that it has is another's at once, as in Kafka.
  if (consumer.to_reach && !consumer.is_lost && (is_calm_ || chance(2))) {
    const auto kept = common(consumer.owned, *consumer.to_reach);
    if (kept == consumer.owned) {
      consumer.owned = *consumer.to_reach;
      consumer.to_reach.reset();
      consumer.next_beat = groups_.time.now;
    } else if (!consumer.never_revokes) {
      consumer.owned = kept;
    }
  }
  if (!is_calm_ && consumer.epoch > 0 && chance(200)) {
    consumer.topics = some_topics();
    consumer.is_lost = true;
    ++counts_["subscription changed"];
  }
  if (groups_.time.now >= consumer.next_beat) send(consumer);
}

void ConsumerGroupModel::send(Consumer& consumer) {
  BeatInput input{.member = consumer.id, .epoch = consumer.epoch, .instance = consumer.instance};
  if (consumer.epoch == 0 || consumer.is_lost) {
    input.topics = consumer.topics;
    input.pattern = consumer.has_pattern ? pattern : "";
    input.rebalance_ms = rebalance_timeout_ms;
  }
  input.owned = consumer.owned;
  if (bug_ == ConsumerGroupBug::revocation_not_awaited && consumer.to_reach)
    input.owned = common(consumer.owned, *consumer.to_reach);
  consumer.waiting = groups_.send(input);
  consumer.next_beat = groups_.time.now + std::chrono::milliseconds(beat_interval_ms);
}

void ConsumerGroupModel::receive(Consumer& consumer) {
  const auto beat = std::exchange(consumer.waiting, nullptr);
  if (!is_calm_ && chance(30)) {
    consumer.is_lost = true;
    ++counts_["lost answer"];
    return;
  }
  consumer.is_lost = false;
  switch (beat->error) {
    case ErrorCode::none:
      consumer.epoch = beat->epoch;
      if (beat->assignment) consumer.to_reach = beat->assignment;
      return;
    case ErrorCode::fenced_member_epoch:
    case ErrorCode::unknown_member_id:
    case ErrorCode::group_id_not_found:
      consumer.epoch = 0;
      consumer.owned.clear();
      consumer.to_reach.reset();
      consumer.never_revokes = false;  // two of that kind would drive each other out for ever
      ++counts_["fenced"];
      return;
    case ErrorCode::coordinator_not_available:
    case ErrorCode::not_coordinator:
      consumer.is_lost = true;
      ++counts_["refused"];
      return;
    case ErrorCode::unreleased_instance_id:
    case ErrorCode::group_max_size_reached:
      ++counts_["not yet"];
      return;
    default:
      violation_ = consumer.id + " is answered with " + std::string(to_string(beat->error)) + ": " + beat->message;
  }
}

void ConsumerGroupModel::append_one() {
  auto& records = groups_.wanted.front().first;
  if (bug_ == ConsumerGroupBug::assignment_not_stored) {
    std::erase_if(records, [&](const GroupRecord& each) { return each.key[1] == 8 && each.value && chance(2); });
  }
  if (bug_ == ConsumerGroupBug::acknowledged_too_early && chance(10)) records.clear();
  if (is_calm_ || !chance(12)) return groups_.append_next();
  ++counts_["failed append"];
  if (chance(2)) return groups_.append_next(ErrorCode::not_enough_replicas);
  groups_.append_next(ErrorCode::request_timed_out, chance(2));
}

void ConsumerGroupModel::move() {
  if (is_calm_) return;
  // What was on its way may have got into the log, and nobody hears of it.
  if (!groups_.wanted.empty() && chance(2)) {
    const auto& records = groups_.wanted.front().first;
    groups_.log.insert(groups_.log.end(), records.begin(), records.end());
  }
  groups_.compact_log();
  groups_.reload();
  revoking_since_.clear();  // their time begins anew
  ++counts_["move"];
}

void ConsumerGroupModel::settle_down() {
  is_calm_ = true;
  // The successor of one that crashed waits for a session to end; each that gives nothing up is dropped after its rebalance timeout.
  const auto stubborn = std::ranges::count_if(consumers_, [](const auto& each) { return each.never_revokes; });
  const auto end =
      groups_.time.now + std::chrono::milliseconds(session_timeout_ms + (2 + stubborn) * rebalance_timeout_ms);
  while (groups_.time.now < end && violation_.empty()) {
    while (!groups_.wanted.empty()) append_one();
    step();
    check();
  }
  if (violation_.empty()) check_peace();
  is_calm_ = false;
  ++counts_["peace"];
}

void ConsumerGroupModel::check() {
  const ConsumerGroup* const group = groups_.group();
  if (group == nullptr || !violation_.empty()) return;
  std::map<std::pair<TopicId, PartitionIndex>, std::string> owners;
  for (const auto& consumer : consumers_) {
    const ConsumerGroupMember* const member = group->find(consumer.id);
    if (member == nullptr) continue;  // it will hear of it
    for (const auto& [topic, partitions] : consumer.owned) {
      for (const auto partition : partitions) {
        const auto [other, is_new] = owners.try_emplace({topic, partition}, consumer.id);
        const auto text =
            "partition " + std::to_string(partition.value()) + " of topic " + std::to_string(topic.bytes[0]);
        if (!is_new) violation_ = text + " belongs to " + other->second + " and " + consumer.id;
        if (group->is_taken(consumer.id, topic, partition)) violation_ = text + " of " + consumer.id + " is another's";
      }
    }
  }
  for (const auto& [id, member] : group->members()) {
    if (member.state != MemberState::unrevoked_partitions || member.epoch == leaving_static_member_epoch) {
      revoking_since_.erase(id);
      continue;
    }
    auto& [pending, since] = revoking_since_[id];
    if (pending != member.pending_revocation) since = groups_.time.now;
    pending = member.pending_revocation;
    // A time-out is seen at the next step, and what is on its way into the log has to get there first.
    if (groups_.time.now > since + std::chrono::milliseconds(rebalance_timeout_ms + 30'000))
      violation_ = id + " is stuck";
  }
  if (!violation_.empty()) violation_ += " after " + std::to_string(counts_["step"]) + " steps";
}

void ConsumerGroupModel::check_peace() {
  const ConsumerGroup* const group = groups_.group();
  if (consumers_.empty()) return;
  if (group == nullptr || group->state() != ConsumerGroupState::stable) {
    violation_ = "no peace after " + std::to_string(counts_["step"]) + " steps";
    if (group == nullptr) return;
    violation_ += ", target " + std::to_string(group->target_epoch()) + " of " + std::to_string(group->epoch());
    for (const auto& [id, member] : group->members())
      violation_ += ", " + id + " in " + std::to_string(member.epoch) + " state " +
                    std::to_string(static_cast<int>(member.state));
    for (const auto& each : consumers_)
      violation_ += "; " + each.id + " " + each.instance.value_or("") + " at " + std::to_string(each.epoch);
    return;
  }
  std::size_t owned = 0;
  for (const auto& consumer : consumers_) {
    owned += partition_count(consumer.owned);
    if (consumer.owned != group->target(consumer.id)) violation_ = consumer.id + " has something else than its target";
  }
  std::size_t subscribed = 0;
  for (const auto& name : group->subscribed_names()) {
    if (const auto facts = groups_.directory.find(name)) subscribed += static_cast<std::size_t>(facts->partition_count);
  }
  if (owned != subscribed)
    violation_ = std::to_string(subscribed) + " partitions, of which " + std::to_string(owned) + " have owners";
}

}  // namespace millrace::coordinator::test

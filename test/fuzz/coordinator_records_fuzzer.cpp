// Any records in the partitions of the coordinators: they are read or refused, what a coordinator makes of them answers, times out and is
// forgotten like anything else, and what it appends because of them can be read again.
//
//   kind: 0 __consumer_offsets, 1 __transaction_state; then record after record:
//   flags (1 has a value, 2 of a transaction, 4 a marker, 8 which commits; the upper four bits: the producer) · key length, key · value length, value
//   where a length is two bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/random.h"
#include "broker/coordinator/consumer_offsets_records.h"
#include "broker/coordinator/group_coordinator.h"
#include "broker/coordinator/group_load.h"
#include "broker/coordinator/group_subscription.h"
#include "broker/coordinator/transaction_coordinator.h"
#include "broker/coordinator/transaction_load.h"
#include "broker/protocol/record_batch_builder.h"
#include "test/broker/coordinator/heartbeat_input.h"
#include "test/fuzz/fuzz_input.h"

namespace millrace::coordinator {
namespace {

using fuzz::FuzzInput;
using fuzz::require;

constexpr TimestampMs now{1'700'000'000'000};
constexpr TimestampMs much_later{1'800'000'000'000};
constexpr std::uint8_t has_value = 1;
constexpr std::uint8_t in_transaction = 2;
constexpr std::uint8_t marker = 4;
constexpr std::uint8_t commit = 8;
constexpr std::size_t max_records = 64;

struct InputRecord {
  std::uint8_t flags = 0;
  BytesView key;
  BytesView value;

  [[nodiscard]] ProducerId producer() const { return ProducerId(flags >> 4); }
};

BytesView next_bytes(FuzzInput& input) {
  const std::size_t size = input.byte() * 256U;
  return input.bytes(size + input.byte());
}

InputRecord next_record(FuzzInput& input) {
  InputRecord record;
  record.flags = input.byte();
  record.key = next_bytes(input);
  record.value = next_bytes(input);
  return record;
}

std::vector<std::uint8_t> batch_of(const InputRecord& record, Offset offset) {
  const bool is_marker = (record.flags & marker) != 0;
  const bool is_transactional = is_marker || (record.flags & in_transaction) != 0;
  protocol::RecordBatchBuilder::Options options;
  options.base_offset = offset;
  options.is_control = is_marker;
  options.is_transactional = is_transactional;
  if (is_transactional) {
    options.producer_id = record.producer();
    options.producer_epoch = ProducerEpoch(0);
    options.base_sequence = Sequence(0);
  }
  protocol::RecordBatchBuilder batch(options);
  if (is_marker) {
    const std::vector<std::uint8_t> key{0, 0, 0, static_cast<std::uint8_t>((record.flags & commit) != 0 ? 1 : 0)};
    batch.append(now, BytesView(key), record.value);
  } else {
    batch.append(now, record.key, (record.flags & has_value) != 0 ? std::optional(record.value) : std::nullopt);
  }
  return *batch.build();
}

Status load(GroupLoad& into, const std::vector<std::uint8_t>& bytes) {
  const auto batch = protocol::parse_batch(bytes);
  require(batch.has_value(), "the builder makes no batches");
  return into.read(batch->header, batch->records());
}

// Carries out what the coordinator wants, and reads it as the next one would.
void carry_out(GroupCoordinator& groups, GroupTime time) {
  for (auto appends = groups.take_appends(); !appends.empty(); appends = groups.take_appends()) {
    for (const auto& append : appends) {
      GroupLoad again;
      for (const auto& record : append.records) {
        protocol::RecordBatchBuilder batch({});
        batch.append(append.timestamp, BytesView(record.key),
                     record.value ? std::optional(BytesView(*record.value)) : std::nullopt);
        require(load(again, *batch.build()).has_value(), "what was appended cannot be read");
      }
      require(std::move(again).finish().unreadable_records == 0, "a record that was appended cannot be read");
      groups.on_appended(append.id, {}, time);
    }
  }
}

// A member of each protocol comes; what the group has of the other one is in its way.
void join(GroupCoordinator& groups, const std::string& group_id, GroupTime time) {
  const GroupClient client{9, "client", "/127.0.0.1"};
  protocol::ConsumerGroupHeartbeatRequest heartbeat;
  heartbeat.group_id = group_id;
  heartbeat.member_id = "newcomer";
  heartbeat.rebalance_timeout_ms = 1'000;
  heartbeat.subscribed_topic_names = {"topic", "other"};
  heartbeat.topic_partitions.emplace();
  groups.consumer_group_heartbeat(heartbeat, client, [](std::string_view) { return true; }, [](const auto&) {}, time);
  carry_out(groups, time);
  groups.consumer_group_describe(group_id, [](const auto&) {}, time);
  protocol::JoinGroupRequest request;
  request.group_id = group_id;
  request.session_timeout_ms = 10'000;
  request.rebalance_timeout_ms = 1'000;
  request.protocol_type = "consumer";
  request.protocols.push_back({"range", {}});
  groups.join(request, client, [](const auto&) {}, time);
  carry_out(groups, time);
}

void ask_everything(GroupCoordinator& groups, GroupTime time) {
  const auto listed = groups.list({});
  std::vector<std::string> names;
  for (const auto& group : listed.groups) names.emplace_back(group.group_id);
  for (const auto& name : names) {
    for (const protocol::Version version : {0, 6}) static_cast<void>(groups.describe(name, version));
    protocol::OffsetFetchRequest::Group all;
    all.group_id = name;
    all.topics.reset();
    static_cast<void>(groups.fetch(all, true));
    protocol::HeartbeatRequest heartbeat;
    heartbeat.group_id = name;
    static_cast<void>(groups.heartbeat(heartbeat, time));
    carry_out(groups, time);
    if (!name.empty()) join(groups, name, time);
  }
}

void run_groups(FuzzInput& input) {
  GroupLoad reading;
  std::int64_t offset = 0;
  for (; !input.empty() && offset < static_cast<std::int64_t>(max_records); ++offset) {
    const auto record = next_record(input);
    static_cast<void>(subscribed_topics(record.value));
    require(load(reading, batch_of(record, Offset(offset))).has_value(), "a sound batch was refused");
  }
  SeededRandom random(1);
  test::TestDirectory topics;
  topics.put("topic", 8);
  topics.put("other", 3);
  GroupCoordinator groups({}, random);
  groups.enable_consumer_groups({}, topics);
  GroupTime time{MonotonicTime{}, now};
  groups.load(std::move(reading).finish(), time);
  ask_everything(groups, time);
  for (std::int64_t producer = 0; producer < 16; ++producer) {
    groups.complete_transaction(ProducerId(producer), producer % 2 == 0);
  }
  groups.on_partitions_deleted({{"topic", PartitionIndex(7)}}, time);
  carry_out(groups, time);
  time = {MonotonicTime{} + std::chrono::hours(24), much_later};
  groups.on_time(time);
  groups.remove_expired(time);
  carry_out(groups, time);
  ask_everything(groups, time);
  groups.convert_to_classic([](const auto&) {}, time);
  carry_out(groups, time);
  ask_everything(groups, time);
  groups.unload(time);
}

class NobodyLeads final : public PartitionLeaders {
 public:
  [[nodiscard]] std::optional<BrokerId> leader_of(const TopicPartition& partition) const override {
    if (partition.partition.value() % 3 == 0) return std::nullopt;
    return partition.partition.value() % 3 == 1 ? BrokerId::none() : BrokerId(1);
  }
};

// Appends succeed, markers too; the next coordinator can read what was appended.
void carry_out(TransactionCoordinator& coordinator, TransactionActions actions, TransactionLoad& next) {
  for (std::size_t round = 0; round < max_records && (!actions.appends.empty() || !actions.markers.empty()); ++round) {
    TransactionActions more;
    auto add = [&more](TransactionActions some) {
      std::ranges::move(some.appends, std::back_inserter(more.appends));
      std::ranges::move(some.markers, std::back_inserter(more.markers));
    };
    for (const auto& append : actions.appends) {
      for (const auto& record : append.records) {
        const auto read =
            next.read_record(record.key, record.value ? std::optional(BytesView(*record.value)) : std::nullopt);
        require(read.has_value(), "what was appended cannot be read");
      }
      add(coordinator.on_appended(append.id, protocol::ErrorCode::none, now));
    }
    for (const auto& sent : actions.markers) {
      std::vector<MarkerOutcome> outcomes;
      for (const auto& partition : sent.partitions) outcomes.push_back({partition, protocol::ErrorCode::none});
      add(coordinator.on_markers_written(sent.id, outcomes, now));
    }
    actions = std::move(more);
  }
}

void run_transactions(FuzzInput& input) {
  const NobodyLeads leaders;
  TransactionCoordinator coordinator({}, leaders);
  static_cast<void>(coordinator.begin_load(LeaderEpoch(3)));
  TransactionLoad loaded;
  TransactionLoad next;
  for (std::size_t count = 0; !input.empty() && count < max_records; ++count) {
    const auto record = next_record(input);
    const auto read =
        loaded.read_record(record.key, (record.flags & has_value) != 0 ? std::optional(record.value) : std::nullopt);
    if (!read) return;
  }
  carry_out(coordinator, coordinator.finish_load(std::move(loaded), now), next);
  if (const auto listed = coordinator.list({}, now)) {
    for (const auto& transaction : *listed) {
      // No request may name an id without letters, which no coordinator stores.
      require(transaction.transactional_id.empty() || coordinator.describe(transaction.transactional_id).has_value(),
              "what is listed is not described");
      carry_out(coordinator,
                coordinator.init_producer_id(TransactionCall(1), {transaction.transactional_id, 1000}, now), next);
    }
  }
  carry_out(coordinator, coordinator.abort_timed_out(much_later), next);
  if (coordinator.wants_retry()) carry_out(coordinator, coordinator.retry(much_later), next);
  carry_out(coordinator, coordinator.expire(much_later), next);
  static_cast<void>(coordinator.unload());
  static_cast<void>(coordinator.begin_load(LeaderEpoch(4)));
  static_cast<void>(coordinator.finish_load(std::move(next), much_later));
}

}  // namespace
}  // namespace millrace::coordinator

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  millrace::fuzz::FuzzInput input({data, size});
  if (input.byte() % 2 == 0) {
    millrace::coordinator::run_groups(input);
  } else {
    millrace::coordinator::run_transactions(input);
  }
  return 0;
}

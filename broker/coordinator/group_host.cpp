#include "broker/coordinator/group_host.h"

#include <algorithm>

#include "broker/base/logging.h"
#include "broker/coordinator/group_load.h"
#include "broker/protocol/record_batch_builder.h"

namespace millrace::coordinator {
namespace {

constexpr Logger logger{"groups"};
constexpr Duration load_retry_interval = std::chrono::seconds(5);

}  // namespace

// What the workers read, one after the other, and the shard takes over when they are done.
struct GroupHost::Loading {
  GroupLoad load;
  std::size_t unsound_batches = 0;
  std::string first_unsound;
  MonotonicTime began;
};

GroupHost::Turn::Turn(GroupHost& turning) : host(turning), time(turning.now()) {
  MILLRACE_INVARIANT(!host.is_in_turn_, "a group coordinator was called from one of its own answers");
  host.is_in_turn_ = true;
}

GroupHost::GroupHost(Shard& shard, PartitionIndex index, std::shared_ptr<InternalPartition> partition,
                     const GroupTableConfig& config, Random& random, const TopicDirectory* directory)
    : shard_(shard),
      index_(index),
      config_(config),
      partition_(std::move(partition)),
      coordinator_(config.group, random) {
  if (directory != nullptr && config_.consumer_group)
    coordinator_.enable_consumer_groups(*config_.consumer_group, *directory);
}

GroupHost::~GroupHost() = default;

GroupTime GroupHost::now() const { return {shard_.clock().now(), shard_.clock().wall_clock()}; }

void GroupHost::load() {
  auto loading = std::make_shared<Loading>();
  loading->began = shard_.clock().now();
  auto read = [loading](const protocol::BatchHeader& header, BytesView plain_records) -> Status {
    auto taken = loading->load.read(header, plain_records);
    // What comes behind a batch that makes no sense is worth having.
    if (!taken && loading->unsound_batches++ == 0)
      loading->first_unsound = "at offset " + std::to_string(header.base_offset.value()) + ": " + taken.error().message;
    return {};
  };
  partition_->read_all(std::move(read), [weak = weak_from_this(), loading](const Status& status) {
    const auto host = weak.lock();
    if (host && !host->is_unloaded_) host->on_read(*loading, status);
  });
}

void GroupHost::on_read(Loading& loading, const Status& read) {
  const std::string name = "__consumer_offsets-" + std::to_string(index_.value());
  if (!read) {
    // A log that is gone ends the leadership too.
    if (read.error().kind == ErrorKind::cancelled) return;
    logger.error("the groups of " + name + " are not served: " + read.error().message);
    shard_.after(load_retry_interval, [weak = weak_from_this()] {
      const auto host = weak.lock();
      if (host && !host->is_unloaded_) host->load();
    });
    return;
  }
  auto loaded = std::move(loading.load).finish();
  if (loading.unsound_batches > 0) {
    logger.error(std::to_string(loading.unsound_batches) + " batches of " + name + " cannot be read, the first " +
                 loading.first_unsound);
  }
  if (loaded.unreadable_records > 0) {
    logger.error(std::to_string(loaded.unreadable_records) + " records of " + name + " cannot be read, the first " +
                 loaded.first_unreadable);
  }
  is_loaded_ = true;
  call([&](GroupCoordinator& coordinator, GroupTime time) {
    coordinator.load(std::move(loaded), time);
    for (auto& told : std::exchange(to_tell_, {})) told(coordinator, time);
  });
  if (coordinator_.group_count() == 0) return;
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(shard_.clock().now() - loading.began);
  logger.info(std::to_string(coordinator_.group_count()) + " groups of " + name + " loaded in " +
              std::to_string(took.count()) + " ms");
}

void GroupHost::tell(Tell tell) {
  if (!is_loaded_) return to_tell_.push_back(std::move(tell));
  call(std::move(tell));
}

void GroupHost::unload() {
  is_unloaded_ = true;
  appends_in_work_.clear();
  call([](GroupCoordinator& coordinator, GroupTime time) { coordinator.unload(time); });
  shard_.cancel(timer_);
}

void GroupHost::settle() {
  for (;;) {
    for (const auto& append : coordinator_.take_appends()) start(append);
    if (ended_.empty()) break;
    for (const auto& [id, outcome] : std::exchange(ended_, {})) coordinator_.on_appended(id, outcome, now());
  }
  is_in_turn_ = false;
  arm_timer();
}

void GroupHost::start(const GroupAppend& append) {
  protocol::RecordBatchBuilder::Options options;
  options.codec = config_.codec;
  options.producer_id = append.producer_id;
  options.producer_epoch = append.producer_epoch;
  options.base_sequence = append.base_sequence;
  options.is_transactional = append.is_transactional();
  protocol::RecordBatchBuilder batch(options);
  for (const auto& record : append.records) {
    std::optional<BytesView> value;
    if (record.value) value = *record.value;
    batch.append(append.timestamp, record.key, value);
  }
  appends_in_work_.emplace(append.id, shard_.clock().now() + config_.commit_timeout);
  partition_->append(batch, append.verification,
                     [weak = weak_from_this(), id = append.id](protocol::ErrorCode error, Offset base_offset) {
                       if (const auto host = weak.lock()) host->on_append_ended(id, {error, base_offset});
                     });
}

void GroupHost::on_append_ended(GroupAppendId id, const GroupAppendOutcome& outcome) {
  // Its time was over before, or the term is.
  if (appends_in_work_.erase(id) == 0) return;
  if (is_in_turn_) {
    ended_.push_back({id, outcome});
    return;
  }
  call([&](GroupCoordinator& coordinator, GroupTime time) { coordinator.on_appended(id, outcome, time); });
}

void GroupHost::arm_timer() {
  if (is_unloaded_) return;
  auto wanted = coordinator_.next_deadline();
  if (!appends_in_work_.empty()) {
    const auto first = appends_in_work_.begin()->second;
    wanted = wanted ? std::min(*wanted, first) : first;
  }
  // A timer that comes too early finds nothing to do and is set anew: cheaper than to move it with each heartbeat.
  if (!wanted || (timer_at_ && *timer_at_ <= *wanted)) return;
  if (timer_at_) shard_.cancel(timer_);
  timer_at_ = wanted;
  const auto delay = std::max(Duration::zero(), *wanted - shard_.clock().now());
  timer_ = shard_.after(delay, [weak = weak_from_this()] {
    if (const auto host = weak.lock()) host->on_timer();
  });
}

void GroupHost::on_timer() {
  timer_at_.reset();
  call([&](GroupCoordinator& coordinator, GroupTime time) {
    while (!appends_in_work_.empty() && appends_in_work_.begin()->second <= time.now) {
      const auto id = appends_in_work_.begin()->first;
      appends_in_work_.erase(id);
      coordinator.on_appended(id, {protocol::ErrorCode::request_timed_out, Offset::none()}, time);
    }
    coordinator.on_time(time);
  });
}

}  // namespace millrace::coordinator

#include "broker/coordinator/transaction_table.h"

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/base/logging.h"
#include "broker/protocol/record_batch_builder.h"

namespace millrace::coordinator {
namespace {

using protocol::ErrorCode;

constexpr Logger logger{"coordinator"};
// Between two attempts at a marker or a record that did not arrive.
constexpr Duration retry_delay = std::chrono::milliseconds(50);

protocol::RecordBatchBuilder batch_of(const TransactionAppend& append) {
  protocol::RecordBatchBuilder batch({});
  for (const auto& record : append.records) {
    batch.append(append.timestamp, BytesView(record.key),
                 record.value ? std::optional<BytesView>(*record.value) : std::nullopt);
  }
  return batch;
}

}  // namespace

// A partition's coordinator in one term. What it has under way holds it weakly, so that nothing comes back once the term
// has ended.
class TransactionTable::Term : public std::enable_shared_from_this<TransactionTable::Term> {
 public:
  Term(const Environment& environment, const TransactionConfig& config, PartitionIndex partition,
       std::shared_ptr<InternalPartition> log)
      : environment_(environment),
        partition_(partition),
        log_(std::move(log)),
        coordinator_(config, environment.leaders) {}

  void load() {
    carry_out(coordinator_.begin_load(log_->leader_epoch()));
    // A worker's until all is read.
    auto loaded = std::make_shared<TransactionLoad>();
    log_->read_all(
        [loaded](const protocol::BatchHeader& header, BytesView records) { return loaded->read(header, records); },
        [weak = weak_from_this(), loaded](const Status& read) {
          if (auto self = weak.lock()) self->on_read(read, std::move(*loaded));
        });
  }

  void end() {
    carry_out(coordinator_.unload());
    log_ = nullptr;
  }

  void call(TransactionCall number, Invoke invoke, Answer answer) {
    answers_.emplace(number, std::move(answer));
    carry_out(invoke(coordinator_, number, now()));
  }

  void abort_timed_out() { carry_out(coordinator_.abort_timed_out(now())); }
  void expire() { carry_out(coordinator_.expire(now())); }

  [[nodiscard]] const TransactionCoordinator& coordinator() const { return coordinator_; }
  [[nodiscard]] bool is_broken() const { return broken_; }

 private:
  [[nodiscard]] TimestampMs now() const { return environment_.shard.clock().wall_clock(); }

  void on_read(const Status& read, TransactionLoad load) {
    if (log_ == nullptr) return;
    const auto name = "__transaction_state-" + std::to_string(partition_.value());
    if (!read) {
      broken_ = true;
      carry_out(coordinator_.unload());
      return logger.error("the transactions of " + name +
                          " are not served, its log cannot be read: " + read.error().message);
    }
    carry_out(coordinator_.finish_load(std::move(load), now()));
    if (coordinator_.size() > 0)
      logger.info("coordinates " + std::to_string(coordinator_.size()) + " transactional ids of " + name);
  }

  // The coordinator's call that made them has returned; what they lead to may come back from inside.
  void carry_out(TransactionActions actions) {
    const auto alive = shared_from_this();
    for (const auto& answer : actions.answers) {
      auto node = answers_.extract(answer.call);
      if (!node.empty()) node.mapped()(answer);
    }
    for (const auto& append : actions.appends) carry_out(append);
    send(std::move(actions.markers));
    for (const auto call : actions.producer_ids) claim_id(call);
    retry_later();
  }

  void carry_out(const TransactionAppend& append) {
    // An earlier one of the same set may have brought the end of the term.
    if (log_ == nullptr || append.coordinator_epoch != log_->leader_epoch())
      return on_appended(append.id, ErrorCode::not_leader_or_follower);
    log_->append(batch_of(append), std::nullopt,
                 [weak = weak_from_this(), id = append.id](ErrorCode error, Offset /*base_offset*/) {
                   if (auto self = weak.lock()) self->on_appended(id, error);
                 });
  }

  void on_appended(TransactionAppendId id, ErrorCode error) { carry_out(coordinator_.on_appended(id, error, now())); }

  void send(std::vector<TransactionMarker> markers) {
    std::map<BrokerId, std::vector<TransactionMarker>> requests;
    for (auto& marker : markers) requests[marker.destination].push_back(std::move(marker));
    for (auto& [destination, request] : requests) {
      std::vector<TransactionMarkerId> ids;
      for (const auto& marker : request) ids.push_back(marker.id);
      environment_.markers.send(
          destination, std::move(request),
          [weak = weak_from_this(), ids = std::move(ids)](const MarkerSender::Outcomes& outcomes) {
            if (auto self = weak.lock()) self->on_markers(ids, outcomes);
          });
    }
  }

  void on_markers(const std::vector<TransactionMarkerId>& ids, const MarkerSender::Outcomes& outcomes) {
    for (std::size_t index = 0; index < ids.size(); ++index) {
      if (outcomes && index < outcomes->size()) {
        carry_out(coordinator_.on_markers_written(ids[index], (*outcomes)[index], now()));
      } else {
        coordinator_.on_markers_lost(ids[index]);
      }
    }
    retry_later();
  }

  void claim_id(TransactionCall call) {
    environment_.next_producer_id([weak = weak_from_this(), call](tl::expected<ProducerId, ErrorCode> id) {
      if (auto self = weak.lock()) self->carry_out(self->coordinator_.on_producer_id(call, id, self->now()));
    });
  }

  void retry_later() {
    if (retrying_ || !coordinator_.wants_retry()) return;
    retrying_ = true;
    environment_.shard.after(retry_delay, [weak = weak_from_this()] {
      auto self = weak.lock();
      if (!self) return;
      self->retrying_ = false;
      self->carry_out(self->coordinator_.retry(self->now()));
    });
  }

  const Environment& environment_;
  const PartitionIndex partition_;
  std::shared_ptr<InternalPartition> log_;  // null once the term has ended
  TransactionCoordinator coordinator_;
  std::unordered_map<TransactionCall, Answer> answers_;
  bool retrying_ = false;  // a timer is set
  bool broken_ = false;
};

TransactionTable::TransactionTable(Environment environment, const TransactionTableConfig& config)
    : environment_(std::move(environment)), config_(config), absent_(config.coordinator, environment_.leaders) {}
TransactionTable::~TransactionTable() = default;

void TransactionTable::on_leading(PartitionIndex partition, std::shared_ptr<InternalPartition> log) {
  if (stopped_) return;
  on_resigned(partition);
  auto term = std::make_shared<Term>(environment_, config_.coordinator, partition, std::move(log));
  terms_.emplace(partition, term);
  start_timers();
  term->load();
}

void TransactionTable::on_resigned(PartitionIndex partition) {
  const auto node = terms_.extract(partition);
  if (!node.empty()) node.mapped()->end();
}

void TransactionTable::unload_all() {
  stopped_ = true;
  if (abort_timer_) environment_.shard.cancel(*std::exchange(abort_timer_, std::nullopt));
  if (expiry_timer_) environment_.shard.cancel(*std::exchange(expiry_timer_, std::nullopt));
  for (auto& [partition, term] : std::exchange(terms_, {})) term->end();
}

void TransactionTable::call(PartitionIndex partition, Invoke invoke, Answer answer) {
  last_call_ = last_call_ + 1;
  const auto number = last_call_;
  const auto found = terms_.find(partition);
  if (found == terms_.end()) {
    const auto actions = invoke(absent_, number, environment_.shard.clock().wall_clock());
    return answer(actions.answers.empty() ? TransactionAnswer{number, ErrorCode::not_coordinator}
                                          : actions.answers.front());
  }
  const auto term = found->second;
  if (term->is_broken()) return answer({number, ErrorCode::coordinator_not_available});
  term->call(number, std::move(invoke), std::move(answer));
}

const TransactionCoordinator* TransactionTable::find(PartitionIndex partition) const {
  const auto found = terms_.find(partition);
  if (found == terms_.end()) return &absent_;
  return found->second->is_broken() ? nullptr : &found->second->coordinator();
}

tl::expected<std::vector<ListedTransaction>, ErrorCode> TransactionTable::list(const TransactionFilter& filter) const {
  std::vector<ListedTransaction> all;
  for (const auto& [partition, term] : terms_) {
    auto listed = term->coordinator().list(filter, environment_.shard.clock().wall_clock());
    if (!listed) return tl::unexpected(listed.error());
    all.insert(all.end(), std::make_move_iterator(listed->begin()), std::make_move_iterator(listed->end()));
  }
  return all;
}

void TransactionTable::start_timers() {
  if (!abort_timer_) {
    abort_timer_ = environment_.shard.after(config_.abort_interval, [this] {
      abort_timer_.reset();
      for (const auto& [partition, term] : std::map(terms_)) term->abort_timed_out();
      if (!terms_.empty()) start_timers();
    });
  }
  if (!expiry_timer_) {
    expiry_timer_ = environment_.shard.after(config_.expiry_interval, [this] {
      expiry_timer_.reset();
      for (const auto& [partition, term] : std::map(terms_)) term->expire();
      if (!terms_.empty()) start_timers();
    });
  }
}

}  // namespace millrace::coordinator

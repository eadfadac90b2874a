#include "broker/log/producer_state.h"

#include <algorithm>
#include <limits>

namespace millrace::log {
namespace {

tl::unexpected<AppendError> refuse(AppendErrorKind kind, std::string message) {
  return tl::unexpected(AppendError{kind, std::move(message), {}});
}

template <class Number>
std::string text(Number number) {
  return std::to_string(number.value());
}

bool follows(Sequence last, Sequence next) {
  return last.value() == std::numeric_limits<std::int32_t>::max() ? next == Sequence(0) : next == last + 1;
}

}  // namespace

ProducerAppend ProducerAppend::of(const protocol::BatchHeader& header, Offset first_offset) {
  ProducerAppend append;
  append.id = header.producer_id;
  append.epoch = header.producer_epoch;
  append.first_sequence = header.base_sequence;
  append.last_sequence = header.last_sequence();
  append.first_offset = first_offset;
  append.last_offset = first_offset + std::int64_t{header.last_offset_delta};
  append.max_timestamp = header.max_timestamp;
  append.transactional = header.attributes.is_transactional();
  append.control = header.attributes.is_control();
  return append;
}

const ProducerBatch* ProducerState::find_duplicate(const ProducerAppend& append) const {
  const auto* known = find(append.id);
  if (known == nullptr || known->epoch != append.epoch) return nullptr;
  return known->batches.find(append.first_sequence, append.last_sequence);
}

tl::expected<void, AppendError> ProducerState::check(const ProducerAppend& append, AppendOrigin origin) const {
  if (origin == AppendOrigin::replica) return {};
  const auto* known = find(append.id);
  if (auto allowed = check_epoch(known, append); !allowed) return allowed;
  if (append.control) {
    if (append.marker && known != nullptr && known->coordinator_epoch > append.marker->coordinator_epoch) {
      return refuse(AppendErrorKind::coordinator_fenced,
                    "the transaction marker for producer " + text(append.id) + " in " + log_name_ +
                        " has coordinator epoch " + std::to_string(append.marker->coordinator_epoch) + ", older than " +
                        std::to_string(known->coordinator_epoch));
    }
    return {};
  }
  if (origin == AppendOrigin::client) {
    if (auto allowed = check_sequence(known, append); !allowed) return allowed;
  }
  if (known != nullptr && known->transaction_first_offset && !append.transactional) {
    return refuse(AppendErrorKind::invalid_transaction_state,
                  "producer " + text(append.id) + " wrote outside its open transaction in " + log_name_);
  }
  return {};
}

tl::expected<void, AppendError> ProducerState::verify(const ProducerAppend& append, VerificationGuard guard,
                                                      TimestampMs now) {
  const auto* known = find(append.id);
  if (known != nullptr && known->transaction_first_offset) return {};
  if (guard != VerificationGuard::none()) {
    if (verification_.is_open(append.id, guard)) return {};
    return refuse(AppendErrorKind::invalid_transaction_state, "Record was not part of an ongoing transaction");
  }
  auto error = refuse(AppendErrorKind::unverified,
                      "the transaction of producer " + text(append.id) + " in " + log_name_ + " is to be verified");
  error.value().guard = verification_.start(append.id, append.epoch, append.first_sequence, now);
  return error;
}

tl::expected<void, AppendError> ProducerState::check_epoch(const ProducerEntry* known,
                                                           const ProducerAppend& append) const {
  if (known == nullptr || known->epoch <= append.epoch) return {};
  return refuse(AppendErrorKind::invalid_producer_epoch,
                "Epoch of producer " + text(append.id) + " at offset " + text(append.first_offset) + " in " +
                    log_name_ + " is " + text(append.epoch) + ", which is smaller than the last seen epoch " +
                    text(known->epoch));
}

tl::expected<void, AppendError> ProducerState::check_sequence(const ProducerEntry* known,
                                                              const ProducerAppend& append) const {
  const auto lowest = verification_.lowest_sequence(append.id);
  if (lowest && append.first_sequence > *lowest) {
    return refuse(AppendErrorKind::out_of_order_sequence,
                  "Out of order sequence number for producer " + text(append.id) + " at offset " +
                      text(append.first_offset) + " in partition " + log_name_ + ": " + text(append.first_sequence) +
                      " (incoming seq. number), " + text(*lowest) + " (earliest seen sequence)");
  }
  if (known == nullptr || known->epoch == ProducerEpoch::none()) return {};
  if (append.epoch != known->epoch) {
    if (append.first_sequence == Sequence(0)) return {};
    return refuse(AppendErrorKind::out_of_order_sequence,
                  "Invalid sequence number for new epoch of producer " + text(append.id) + " at offset " +
                      text(append.first_offset) + " in partition " + log_name_ + ": " + text(append.epoch) +
                      " (request epoch), " + text(append.first_sequence) + " (seq. number), " + text(known->epoch) +
                      " (current producer epoch)");
  }
  if (follows(known->last_sequence(), append.first_sequence)) return {};
  return refuse(AppendErrorKind::out_of_order_sequence,
                "Out of order sequence number for producer " + text(append.id) + " at offset " +
                    text(append.first_offset) + " in partition " + log_name_ + ": " + text(append.first_sequence) +
                    " (incoming seq. number), " + text(known->last_sequence()) + " (current end sequence number)");
}

std::optional<CompletedTransaction> ProducerState::apply(const ProducerAppend& append) {
  if (append.transactional) verification_.end(append.id);
  // Compaction took the record: the transaction's data is gone too.
  if (append.control && !append.marker) return std::nullopt;
  auto [at, inserted] = producers_.try_emplace(append.id);
  auto& entry = at->second;
  if (inserted) entry.id = append.id;
  std::optional<CompletedTransaction> completed;
  entry.change_epoch(append.epoch);
  entry.last_timestamp = append.max_timestamp;
  if (append.control) {
    entry.coordinator_epoch = append.marker->coordinator_epoch;
    completed = end_transaction(entry, append);
  } else {
    auto delta = static_cast<std::int32_t>(append.last_offset - append.first_offset);
    entry.batches.add({append.last_sequence, append.last_offset, delta, append.max_timestamp});
    if (append.transactional && !entry.transaction_first_offset) {
      entry.transaction_first_offset = append.first_offset;
      open_transactions_.emplace(append.first_offset, append.id);
    }
  }
  if (inserted && producers_.size() > std::max(max_producers_, crowded_beyond_)) make_room(append.id);
  return completed;
}

std::optional<CompletedTransaction> ProducerState::end_transaction(ProducerEntry& entry, const ProducerAppend& append) {
  if (!entry.transaction_first_offset) return std::nullopt;
  const CompletedTransaction completed{
      entry.id, *entry.transaction_first_offset, append.first_offset, !append.marker->commit,
      open_transactions_.size() > 1 ? first_open_but(*entry.transaction_first_offset) : append.first_offset + 1};
  open_transactions_.erase(completed.first_offset);
  entry.transaction_first_offset.reset();
  unreplicated_.insert_or_assign(completed.last_offset, completed.first_offset);
  unreplicated_starts_.insert(completed.first_offset);
  return completed;
}

Offset ProducerState::first_open_but(Offset first_offset) const {
  const auto oldest = open_transactions_.begin();
  return oldest->first == first_offset ? std::next(oldest)->first : oldest->first;
}

Offset ProducerState::first_unstable_offset() const {
  if (unreplicated_starts_.empty()) return first_open_transaction();
  const auto oldest = *unreplicated_starts_.begin();
  return open_transactions_.empty() ? oldest : std::min(oldest, first_open_transaction());
}

void ProducerState::on_high_watermark(Offset high_watermark) {
  while (!unreplicated_.empty() && unreplicated_.begin()->first < high_watermark) {
    unreplicated_starts_.erase(unreplicated_.begin()->second);
    unreplicated_.erase(unreplicated_.begin());
  }
}

void ProducerState::on_log_start(Offset log_start) {
  on_high_watermark(log_start);
  end_offset_ = std::max(end_offset_, log_start);
}

void ProducerState::truncate(Offset end, ProducerState read) {
  for (const auto& [marker, first_offset] : unreplicated_) {
    if (marker >= end) break;
    read.unreplicated_.insert_or_assign(marker, first_offset);
    read.unreplicated_starts_.insert(first_offset);
  }
  *this = std::move(read);
  end_offset_ = end;
}

void ProducerState::reset(Offset offset, const std::vector<ProducerEntry>& entries, TimestampMs now) {
  producers_.clear();
  open_transactions_.clear();
  unreplicated_.clear();
  unreplicated_starts_.clear();
  end_offset_ = offset;
  for (const auto& entry : entries) {
    if (expired(entry, now)) continue;
    producers_.insert_or_assign(entry.id, entry);
    if (entry.transaction_first_offset) open_transactions_.emplace(*entry.transaction_first_offset, entry.id);
  }
}

std::vector<ProducerEntry> ProducerState::entries() const {
  std::vector<ProducerEntry> entries;
  entries.reserve(producers_.size());
  for (const auto& [id, entry] : producers_) entries.push_back(entry);
  std::ranges::sort(entries, {}, &ProducerEntry::id);
  return entries;
}

const ProducerEntry* ProducerState::find(ProducerId id) const {
  auto at = producers_.find(id);
  return at == producers_.end() ? nullptr : &at->second;
}

bool ProducerState::expired(const ProducerEntry& entry, TimestampMs now) const {
  return !entry.transaction_first_offset && now - entry.last_timestamp >= expiration_ms_;
}

void ProducerState::remove_expired(TimestampMs now) {
  std::erase_if(producers_, [&](const auto& producer) { return expired(producer.second, now); });
  verification_.remove_older(now - expiration_ms_);
  crowded_beyond_ = 0;
}

// Forgets a tenth, those that have been idle for longest. An open transaction keeps its producer: where most have one, the next look
// is worth its time when there are a tenth more.
void ProducerState::make_room(ProducerId newest) {
  const auto tenth = max_producers_ / 10 + 1;
  std::vector<std::pair<TimestampMs, ProducerId>> idle;
  idle.reserve(producers_.size());
  for (const auto& [id, entry] : producers_) {
    if (!entry.transaction_first_offset && id != newest) idle.emplace_back(entry.last_timestamp, id);
  }
  const auto count = std::min(idle.size(), tenth);
  if (count < idle.size()) std::ranges::nth_element(idle, idle.begin() + static_cast<std::ptrdiff_t>(count));
  for (std::size_t at = 0; at < count; ++at) producers_.erase(idle[at].second);
  crowded_beyond_ = count < tenth ? producers_.size() + tenth : 0;
}

}  // namespace millrace::log

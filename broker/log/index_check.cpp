#include "broker/log/index_check.h"

#include <algorithm>
#include <limits>

#include "broker/log/producer_replay.h"
#include "broker/log/segment_check.h"

namespace millrace::log {
namespace {

template <class Number>
std::string text(Number number) {
  return std::to_string(number.value());
}

// The entry with that number; nothing behind the last one.
template <class View, class Entry>
Status read_or_end(const View& index, std::size_t number, std::optional<Entry>& into) {
  into.reset();
  if (number >= index.entries()) return {};
  auto entry = index.entry(number);
  if (!entry) return tl::unexpected(entry.error());
  into = *entry;
  return {};
}

template <class View, class Entry>
Status read_with_next(const View& index, std::size_t number, std::optional<Entry>& entry, std::optional<Entry>& next) {
  return read_or_end(index, number, entry).and_then([&] { return read_or_end(index, number + 1, next); });
}

// Whether records may have been taken out of it. A message of magic 0 or 1 has the offset of its last one.
bool may_have_lost_records(const ScannedBatch& batch) {
  return batch.header && batch.header->record_count <= batch.header->last_offset_delta;
}

}  // namespace

Status OffsetIndexCheck::read(std::size_t number) {
  number_ = number;
  begun_ = false;
  return read_with_next(index_, number, entry_, behind_);
}

Status OffsetIndexCheck::wrong(const std::string& why) {
  tell_(index_.path() + ": entry " + std::to_string(number_) + " (offset " + text(entry_->offset) + ", position " +
        std::to_string(entry_->position) + ") is wrong: " + why);
  return next();
}

Status OffsetIndexCheck::on_batch(const ScannedBatch& batch) {
  while (entry_) {
    Status went_on;
    if (!begun_ && batch.position < entry_->position) {
      if (!behind_ || behind_->position > batch.position) return {};
      went_on = wrong("the next one has position " + std::to_string(behind_->position));
    } else if (!begun_ && batch.position > entry_->position) {
      went_on = wrong("no batch begins there");
    } else if (batch.last_offset == entry_->offset ||
               (may_have_lost_records(batch) && entry_->offset >= batch.base_offset &&
                entry_->offset < batch.last_offset)) {
      went_on = next();
    } else if (batch.last_offset > entry_->offset || (behind_ && batch.position >= behind_->position)) {
      went_on = wrong("the batch at position " + std::to_string(batch.position) + " ends at offset " +
                      text(batch.last_offset));
    } else {
      begun_ = true;
      return {};
    }
    if (!went_on) return went_on;
  }
  return {};
}

Status OffsetIndexCheck::on_hole(std::uint64_t from, std::uint64_t to) {
  while (entry_ && (begun_ || (entry_->position >= from && entry_->position < to))) {
    if (auto went_on = next(); !went_on) return went_on;
  }
  return {};
}

Status OffsetIndexCheck::finish() {
  while (entry_) {
    auto went_on = begun_ ? wrong("no batch from there on ends at that offset") : wrong("no batch begins there");
    if (!went_on) return went_on;
  }
  return {};
}

Status TimeIndexCheck::read(std::size_t number) {
  number_ = number;
  return read_with_next(index_, number, entry_, behind_);
}

Status TimeIndexCheck::wrong(const std::string& why) {
  tell_(index_.path() + ": entry " + std::to_string(number_) + " (timestamp " + text(entry_->timestamp) + ", offset " +
        text(entry_->offset) + ") is wrong: " + why);
  return read(number_ + 1);
}

Status TimeIndexCheck::on_batch(const ScannedBatch& batch) {
  while (entry_ && (entry_->offset <= batch.last_offset || (behind_ && behind_->offset <= batch.last_offset))) {
    Status went_on;
    if (entry_->offset > batch.last_offset) {
      if (auto passed = wrong("the next one has offset " + text(behind_->offset)); !passed) return passed;
      continue;
    }
    // Of a compressed message of magic 0 or 1 only the last offset is known.
    if (batch.header && entry_->offset < batch.base_offset) {
      went_on = wrong("no batch has that offset");
    } else if (entry_->timestamp != batch.max_timestamp) {
      went_on = wrong("the largest timestamp of the batch with that offset is " + text(batch.max_timestamp));
    } else if (largest_known_ && largest_ > entry_->timestamp) {
      went_on = wrong("a batch before it has timestamp " + text(largest_));
    } else {
      went_on = read(number_ + 1);
    }
    if (!went_on) return went_on;
  }
  largest_ = std::max(largest_, batch.max_timestamp);
  return {};
}

Status TimeIndexCheck::on_hole(Offset from, Offset to) {
  largest_known_ = false;
  while (entry_ && entry_->offset >= from && entry_->offset < to) {
    if (auto went_on = read(number_ + 1); !went_on) return went_on;
  }
  return {};
}

Status TimeIndexCheck::finish() {
  while (entry_) {
    if (auto went_on = wrong("no batch has that offset"); !went_on) return went_on;
  }
  return {};
}

// Behind some that cannot be read nothing is known of the index any more.
Status TransactionIndexCheck::read_entries() {
  entries_.clear();
  at_ = 0;
  const auto count = std::min(index_.entries() - read_to_, entries_together);
  if (count == 0) return {};
  auto entries = index_.read(read_to_, count);
  if (entries) {
    entries_ = std::move(*entries);
    read_to_ += count;
    return {};
  }
  if (!is_damage(entries.error())) return tl::unexpected(entries.error());
  tell_(entries.error().message);
  read_to_ = index_.entries();
  complete_ = false;
  return {};
}

Status TransactionIndexCheck::next() { return ++at_ < entries_.size() ? Status{} : read_entries(); }

void TransactionIndexCheck::wrong(const AbortedTransaction& entry, const std::string& why) const {
  tell_(index_.path() + ": the entry of producer " + text(entry.producer) + " (offsets " + text(entry.first_offset) +
        " to " + text(entry.last_offset) + ", last stable offset " + text(entry.last_stable_offset) +
        ") is wrong: " + why);
}

Status TransactionIndexCheck::pass_entries_below(Offset offset) {
  while (entry() != nullptr && entry()->last_offset < offset) {
    wrong(*entry(), "there is no marker at its last offset");
    if (auto went_on = next(); !went_on) return went_on;
  }
  return {};
}

// Of more producers than may be remembered: of all.
void TransactionIndexCheck::know_fewer() {
  if (open_.size() + known_.size() <= most_producers_) return;
  complete_ = false;
  open_.clear();
  known_.clear();
}

std::string TransactionIndexCheck::against_others(const AbortedTransaction& entry) const {
  auto others = std::numeric_limits<std::int64_t>::max();
  for (const auto& [producer, first] : open_) {
    if (producer != entry.producer) others = std::min(others, first.value());
  }
  const auto expected =
      open_.empty() || others == std::numeric_limits<std::int64_t>::max() ? entry.last_offset + 1 : Offset(others);
  // A transaction that began before the segment may be open.
  const bool is_earlier = entry.last_stable_offset >= Offset(0) && entry.last_stable_offset < base_offset_;
  if (entry.last_stable_offset == expected || is_earlier) return {};
  return "the last stable offset behind its marker is " + text(expected);
}

std::string TransactionIndexCheck::against_marker(const AbortedTransaction& entry, const ProducerAppend& append) const {
  if (append.id != entry.producer) return "the marker is of producer " + text(append.id);
  if (append.marker->commit) return "the marker commits";
  if (!complete_) return {};
  const bool is_known = known_.contains(append.id);
  const bool may_be_earlier = !is_known && entry.first_offset >= Offset(0) && entry.first_offset < base_offset_;
  if (const auto open = open_.find(append.id); open == open_.end()) {
    if (!may_be_earlier) return "the producer has no transaction there";
  } else if (entry.first_offset != open->second && !may_be_earlier) {
    return "the transaction begins at offset " + text(open->second);
  }
  return against_others(entry);
}

Status TransactionIndexCheck::on_marker(const ProducerAppend& append) {
  Status went_on;
  if (entry() != nullptr && entry()->last_offset == append.first_offset) {
    if (const auto why = against_marker(*entry(), append); !why.empty()) wrong(*entry(), why);
    went_on = next();
  } else if (complete_ && !append.marker->commit && open_.contains(append.id)) {
    tell_(index_.path() + " has no entry of the transaction of producer " + text(append.id) +
          " that is aborted at offset " + text(append.first_offset));
  }
  open_.erase(append.id);
  known_.insert(append.id);
  know_fewer();
  return went_on;
}

Status TransactionIndexCheck::on_batch(const File& file, const ScannedBatch& batch) {
  if (auto passed = pass_entries_below(batch.base_offset); !passed) return passed;
  if (!batch.header || !batch.header->attributes.is_transactional()) return {};
  auto append = read_producer_append(file, batch);
  if (!append) return tl::unexpected(append.error());
  if (!*append) return {};
  if ((*append)->marker) return on_marker(**append);
  if (!(*append)->control) open_.emplace((*append)->id, batch.base_offset);
  know_fewer();
  return {};
}

Status TransactionIndexCheck::on_hole(Offset from, Offset to) {
  complete_ = false;
  if (auto passed = pass_entries_below(from); !passed) return passed;
  while (entry() != nullptr && entry()->last_offset < to) {
    if (auto went_on = next(); !went_on) return went_on;
  }
  return {};
}

Status TransactionIndexCheck::finish() { return pass_entries_below(Offset(std::numeric_limits<std::int64_t>::max())); }

}  // namespace millrace::log

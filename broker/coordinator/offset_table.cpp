#include "broker/coordinator/offset_table.h"

#include <algorithm>

namespace millrace::coordinator {

void OffsetTable::stage(const TopicPartition& partition, GroupAppendId append) { staged_[partition].push_back(append); }

void OffsetTable::on_appended(const TopicPartition& partition, GroupAppendId append, Offset record_offset,
                              CommittedOffset value) {
  if (unstage(partition, append)) put_if_newer(partition, record_offset, std::move(value));
}

void OffsetTable::on_failed(const TopicPartition& partition, GroupAppendId append) { unstage(partition, append); }

void OffsetTable::stage(ProducerId producer, const TopicPartition& partition, GroupAppendId append,
                        CommittedOffset value) {
  transactions_[producer].insert_or_assign(partition, TransactionEntry{append, Offset::none(), std::move(value)});
}

void OffsetTable::on_appended(ProducerId producer, const TopicPartition& partition, GroupAppendId append,
                              Offset record_offset) {
  if (auto decided = decided_.extract({append, partition})) {
    put_if_newer(partition, record_offset, std::move(decided.mapped()));
    return;
  }
  const auto transaction = transactions_.find(producer);
  if (transaction == transactions_.end()) return;
  const auto entry = transaction->second.find(partition);
  if (entry != transaction->second.end() && entry->second.append == append) entry->second.record_offset = record_offset;
}

void OffsetTable::on_failed(ProducerId producer, const TopicPartition& partition, GroupAppendId append) {
  decided_.erase({append, partition});
  const auto transaction = transactions_.find(producer);
  if (transaction == transactions_.end()) return;
  const auto entry = transaction->second.find(partition);
  if (entry != transaction->second.end() && entry->second.append == append) transaction->second.erase(entry);
  if (transaction->second.empty()) transactions_.erase(transaction);
}

void OffsetTable::complete_transaction(ProducerId producer, bool commit) {
  auto transaction = transactions_.extract(producer);
  if (!transaction || !commit) return;
  for (auto& [partition, entry] : transaction.mapped()) {
    if (entry.record_offset == Offset::none()) {
      decided_.insert_or_assign({entry.append, partition}, std::move(entry.value));
    } else {
      put_if_newer(partition, entry.record_offset, std::move(entry.value));
    }
  }
}

std::vector<ProducerId> OffsetTable::open_producers() const {
  std::vector<ProducerId> producers;
  producers.reserve(transactions_.size());
  for (const auto& [producer, partitions] : transactions_) producers.push_back(producer);
  return producers;
}

const CommittedOffset* OffsetTable::find(const PartitionName& partition) const {
  const auto found = committed_.find(partition);
  return found == committed_.end() ? nullptr : &found->second.value;
}

bool OffsetTable::is_unstable(const PartitionName& partition) const {
  return staged_.contains(partition) ||
         std::ranges::any_of(transactions_, [&](const auto& each) { return each.second.contains(partition); }) ||
         std::ranges::any_of(decided_, [&](const auto& each) { return PartitionName(each.first.second) == partition; });
}

bool OffsetTable::erase(const PartitionName& partition) {
  const auto staged = staged_.find(partition);
  const bool was_staged = staged != staged_.end();
  if (was_staged) staged_.erase(staged);
  const auto committed = committed_.find(partition);
  const bool was_committed = committed != committed_.end();
  if (was_committed) committed_.erase(committed);
  return was_staged || was_committed;
}

std::vector<TopicPartition> OffsetTable::erasable() const {
  std::vector<TopicPartition> partitions;
  for (const auto& [partition, entry] : committed_) partitions.push_back(partition);
  for (const auto& [partition, appends] : staged_) {
    if (!committed_.contains(partition)) partitions.push_back(partition);
  }
  return partitions;
}

bool OffsetTable::unstage(const TopicPartition& partition, GroupAppendId append) {
  const auto staged = staged_.find(partition);
  if (staged == staged_.end() || std::erase(staged->second, append) == 0) return false;
  if (staged->second.empty()) staged_.erase(staged);
  return true;
}

void OffsetTable::put(ProducerId producer, const TopicPartition& partition, Entry entry) {
  transactions_[producer].insert_or_assign(partition, TransactionEntry{0, entry.record_offset, std::move(entry.value)});
}

void OffsetTable::put_if_newer(const TopicPartition& partition, Offset record_offset, CommittedOffset value) {
  const auto [entry, is_new] = committed_.try_emplace(partition, Entry{record_offset, {}});
  if (!is_new && entry->second.record_offset >= record_offset) return;
  entry->second = {record_offset, std::move(value)};
}

}  // namespace millrace::coordinator

#include "broker/log/transaction_index.h"

#include <algorithm>
#include <array>
#include <string>

#include "broker/base/bytes.h"
#include "broker/base/check.h"

namespace millrace::log {
namespace {

constexpr std::int16_t entry_version = 0;
constexpr std::size_t read_together = 512;  // entries

std::array<std::uint8_t, TransactionIndex::entry_bytes> encode(const AbortedTransaction& transaction) {
  std::array<std::uint8_t, TransactionIndex::entry_bytes> bytes;
  store_big_endian(bytes.data(), entry_version);
  store_big_endian(bytes.data() + 2, transaction.producer.value());
  store_big_endian(bytes.data() + 10, transaction.first_offset.value());
  store_big_endian(bytes.data() + 18, transaction.last_offset.value());
  store_big_endian(bytes.data() + 26, transaction.last_stable_offset.value());
  return bytes;
}

AbortedTransaction decode(const std::uint8_t* bytes) {
  return {ProducerId(load_big_endian<std::int64_t>(bytes + 2)), Offset(load_big_endian<std::int64_t>(bytes + 10)),
          Offset(load_big_endian<std::int64_t>(bytes + 18)), Offset(load_big_endian<std::int64_t>(bytes + 26))};
}

}  // namespace

Result<std::vector<AbortedTransaction>> TransactionIndexView::read(std::size_t first, std::size_t count,
                                                                   PageCacheReads* only) const {
  MILLRACE_INVARIANT(first + count <= entries_, "a transaction index is read behind its end");
  std::vector<AbortedTransaction> transactions;
  if (count == 0) return transactions;
  auto file = open_for(only, *file_);
  if (!file) return tl::unexpected(file.error());
  std::vector<std::uint8_t> bytes(count * TransactionIndex::entry_bytes);
  auto got = read_for(only, **file, first * TransactionIndex::entry_bytes, bytes, bytes.size());
  if (!got) return tl::unexpected(got.error());
  if (*got != bytes.size()) {
    return fail(ErrorKind::corrupt, file_->path() + " ends before entry " + std::to_string(first + count) + " of " +
                                        std::to_string(entries_));
  }
  transactions.reserve(count);
  for (std::size_t at = 0; at < bytes.size(); at += TransactionIndex::entry_bytes) {
    const auto version = load_big_endian<std::int16_t>(bytes.data() + at);
    if (version != entry_version) {
      return fail(ErrorKind::corrupt, file_->path() + ": entry " +
                                          std::to_string(first + at / TransactionIndex::entry_bytes) + " has version " +
                                          std::to_string(version) + ", not 0");
    }
    transactions.push_back(decode(bytes.data() + at));
  }
  return transactions;
}

Result<std::size_t> TransactionIndexView::first_that_ends_at_or_behind(Offset offset, PageCacheReads* only) const {
  std::size_t low = 0;
  std::size_t high = entries_;
  while (low < high) {
    const auto middle = low + (high - low) / 2;
    auto entry = read(middle, 1, only);
    if (!entry) return tl::unexpected(entry.error());
    (entry->front().last_offset < offset ? low = middle + 1 : high = middle);
  }
  return low;
}

Result<bool> TransactionIndexView::collect(Offset from, Offset bound, std::vector<AbortedTransaction>& into,
                                           PageCacheReads* only) const {
  auto first = first_that_ends_at_or_behind(from, only);
  if (!first) return tl::unexpected(first.error());
  for (auto at = *first; at < entries_; at += read_together) {
    auto transactions = read(at, std::min(read_together, entries_ - at), only);
    if (!transactions) return tl::unexpected(transactions.error());
    for (const auto& transaction : *transactions) {
      if (transaction.first_offset < bound) into.push_back(transaction);
      if (transaction.last_stable_offset >= bound) return true;
    }
  }
  return false;
}

Result<std::vector<AbortedTransaction>> TransactionIndexView::all() const { return read(0, entries_); }

Status TransactionIndex::load() {
  entries_ = 0;
  auto file = file_->open();
  if (!file && file.error().kind == ErrorKind::not_found) return {};
  if (!file) return tl::unexpected(file.error());
  auto size = (*file)->size_bytes();
  if (!size) return tl::unexpected(size.error());
  if (*size % entry_bytes != 0) {
    return fail(ErrorKind::corrupt, file_->path() + " has " + std::to_string(*size) +
                                        " bytes, which is no multiple of its entries' " + std::to_string(entry_bytes));
  }
  const auto count = static_cast<std::size_t>(*size / entry_bytes);
  const TransactionIndexView whole(file_, count);
  auto least = base_offset_;
  for (std::size_t at = 0; at < count; at += read_together) {
    auto transactions = whole.read(at, std::min(read_together, count - at));
    if (!transactions) return tl::unexpected(transactions.error());
    for (const auto& transaction : *transactions) {
      if (transaction.last_offset < least || transaction.first_offset > transaction.last_offset) {
        return fail(ErrorKind::corrupt, file_->path() + " has an aborted transaction from offset " +
                                            std::to_string(transaction.first_offset.value()) + " to " +
                                            std::to_string(transaction.last_offset.value()) +
                                            " where one that ends at " + std::to_string(least.value()) +
                                            " or behind belongs");
      }
      least = transaction.last_offset + 1;
      last_ = transaction;
    }
  }
  entries_ = count;
  return {};
}

Status TransactionIndex::append(const AbortedTransaction& transaction) {
  MILLRACE_INVARIANT(empty() || transaction.last_offset > last_.last_offset,
                     "the markers in a transaction index have increasing offsets");
  auto file = file_->open(OpenMode::read_write_or_create);
  if (!file) return tl::unexpected(file.error());
  if (auto written = (*file)->write_at(entries_ * entry_bytes, encode(transaction)); !written) {
    // A start that finds what is left builds the index anew.
    (void)(*file)->truncate(entries_ * entry_bytes);
    return written;
  }
  ++entries_;
  last_ = transaction;
  return {};
}

Status TransactionIndex::truncate_to(Offset end) {
  if (empty() || last_.last_offset < end) return {};
  auto kept = view().first_that_ends_at_or_behind(end);
  if (!kept) return tl::unexpected(kept.error());
  return cut(*kept);
}

Status TransactionIndex::reset() { return cut(0); }

Status TransactionIndex::cut(std::size_t entries) {
  auto file = file_->open();
  if (!file && file.error().kind == ErrorKind::not_found && entries == 0) {
    entries_ = 0;
    return {};
  }
  if (!file) return tl::unexpected(file.error());
  if (entries > 0) {
    auto last = view().read(entries - 1, 1);
    if (!last) return tl::unexpected(last.error());
    last_ = last->front();
  }
  // Synced, because nobody syncs an index that has become empty: what came back would speak of records that are not there.
  auto size = (*file)->size_bytes();
  if (!size) return tl::unexpected(size.error());
  if (*size > entries * entry_bytes) {
    auto done = (*file)->truncate(entries * entry_bytes).and_then([&] { return (*file)->sync(); });
    if (!done) return done;
  }
  entries_ = entries;
  return {};
}

}  // namespace millrace::log

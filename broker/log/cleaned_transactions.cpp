#include "broker/log/cleaned_transactions.h"

#include <string>
#include <utility>

namespace millrace::log {
namespace {

// ControlRecordType: the key is its version and the type.
constexpr std::int16_t abort_marker = 0;
constexpr std::int16_t commit_marker = 1;
constexpr std::size_t control_key_bytes = 4;

}  // namespace

void CleanedTransactions::add_aborted(std::span<const AbortedTransaction> transactions) {
  for (const auto& transaction : transactions) ahead_.push(transaction);
}

void CleanedTransactions::begin_up_to(Offset offset) {
  while (!ahead_.empty() && ahead_.top().first_offset <= offset) {
    aborted_.try_emplace(ahead_.top().producer, Aborted{ahead_.top(), false});
    ahead_.pop();
  }
}

bool CleanedTransactions::on_batch(Offset last_offset, ProducerId producer, bool transactional) {
  begin_up_to(last_offset);
  if (!transactional) return false;
  if (auto at = aborted_.find(producer); at != aborted_.end()) {
    at->second.batch_seen = true;
    return true;
  }
  committed_.insert(producer);
  return false;
}

Result<bool> CleanedTransactions::on_control_batch(Offset last_offset, ProducerId producer,
                                                   const protocol::Record* record) {
  begin_up_to(last_offset);
  if (record == nullptr) return true;
  if (!record->key || record->key->size() < control_key_bytes) {
    return fail(ErrorKind::corrupt, "the key of the control record at offset " + std::to_string(last_offset.value()) +
                                        " is shorter than 4 bytes");
  }
  switch (load_big_endian<std::int16_t>(record->key->data() + 2)) {
    case abort_marker: {
      auto aborted = aborted_.extract(producer);
      if (aborted.empty() || !aborted.mapped().batch_seen) return true;
      kept_.push_back(aborted.mapped().transaction);
      return false;
    }
    case commit_marker:
      return committed_.erase(producer) == 0;
    default:
      return false;
  }
}

std::vector<AbortedTransaction> CleanedTransactions::take_kept() { return std::exchange(kept_, {}); }

}  // namespace millrace::log

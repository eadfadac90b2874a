// A small model of data partitions and of who reads them: producers write, coordinators end transactions with markers,
// a read_committed reader sees what is decided. It knows which transaction each record belongs to and says what may
// never be: a transaction that is committed here and aborted there. One thread.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/types.h"
#include "broker/coordinator/transaction_coordinator.h"

namespace millrace::coordinator::test {

using protocol::ErrorCode;

// Transactions as their clients count them, over all producers, in the order in which they begin.
using TransactionNumber = int;

struct WrittenRecord {
  std::string transactional_id;
  TransactionNumber transaction;
};

class PartitionModel {
 public:
  // KIP-890: the leader asks the coordinator before the first record of a transaction.
  [[nodiscard]] bool needs_verification(ProducerId id) const {
    const auto found = producers_.find(id);
    return found == producers_.end() || found->second.open.empty();
  }

  ErrorCode produce(ProducerId id, ProducerEpoch epoch, WrittenRecord record) {
    auto& producer = producers_[id];
    if (epoch < producer.epoch) return ErrorCode::invalid_producer_epoch;
    producer.epoch = epoch;
    producer.open.push_back(std::move(record));
    return ErrorCode::none;
  }

  // What the transactions of these records come to is put into `decided`.
  ErrorCode write_marker(const TransactionMarker& marker, std::vector<std::pair<TransactionNumber, bool>>& decided) {
    auto& producer = producers_[marker.producer_id];
    if (marker.producer_epoch < producer.epoch) return ErrorCode::invalid_producer_epoch;
    if (marker.coordinator_epoch < producer.coordinator_epoch) return ErrorCode::transaction_coordinator_fenced;
    producer.epoch = marker.producer_epoch;
    producer.coordinator_epoch = marker.coordinator_epoch;
    for (auto& record : producer.open) {
      decided.emplace_back(record.transaction, marker.committed);
      if (marker.committed) visible_.push_back(std::move(record));
    }
    producer.open.clear();
    return ErrorCode::none;
  }

  [[nodiscard]] bool has_open_transaction() const {
    return std::ranges::any_of(producers_, [](const auto& producer) { return !producer.second.open.empty(); });
  }
  // In the order in which their transactions ended.
  [[nodiscard]] const std::vector<WrittenRecord>& visible() const { return visible_; }

 private:
  struct Producer {
    ProducerEpoch epoch = ProducerEpoch::none();
    LeaderEpoch coordinator_epoch = LeaderEpoch::none();
    std::vector<WrittenRecord> open;
  };

  std::map<ProducerId, Producer> producers_;
  std::vector<WrittenRecord> visible_;
};

// What clients were told, what partitions decided.
class TransactionLedger {
 public:
  [[nodiscard]] TransactionNumber begin() {
    transactions_.emplace_back();
    return static_cast<TransactionNumber>(transactions_.size()) - 1;
  }

  void wants_commit(TransactionNumber number) { at(number).wants_commit = true; }
  void wrote(TransactionNumber number) { ++at(number).acknowledged; }
  void answered(TransactionNumber number, bool commit) { at(number).answered = commit; }
  void decided(TransactionNumber number, bool commit) {
    auto& transaction = at(number);
    if (transaction.decided && *transaction.decided != commit) {
      complain("transaction " + std::to_string(number) + " is committed in one place and aborted in another");
    }
    if (commit && !transaction.wants_commit)
      complain("transaction " + std::to_string(number) + " was never committed and is there");
    transaction.decided = commit;
    if (commit) ++transaction.visible;
  }
  void given(ProducerId id, ProducerEpoch epoch, int client) {
    const auto [found, is_new] = given_.try_emplace({id, epoch}, client);
    if (!is_new && found->second != client) complain("two producers have the same id and epoch");
  }
  void complain(std::string what) {
    if (!complaint_) complaint_ = std::move(what);
  }

  // When everything has come to rest.
  void judge() {
    for (TransactionNumber number = 0; number < static_cast<TransactionNumber>(transactions_.size()); ++number) {
      const auto& transaction = transactions_[static_cast<std::size_t>(number)];
      const std::string name = "transaction " + std::to_string(number);
      if (transaction.answered == true && transaction.visible != transaction.acknowledged) {
        complain(name + ": its client was told that it is committed, and not all of it is there");
      }
      if (transaction.answered == false && transaction.visible != 0) {
        complain(name + ": its client was told that it is aborted, and some of it is there");
      }
      if (transaction.visible != 0 && transaction.visible < transaction.acknowledged)
        complain(name + " is there in part");
    }
  }
  // One partition as a read_committed reader has seen it.
  void judge(const PartitionModel& partition) {
    std::map<std::string, TransactionNumber> newest;
    for (const auto& [transactional_id, number] : partition.visible()) {
      auto& last = newest.try_emplace(transactional_id, number).first->second;
      if (number < last) complain("transaction " + std::to_string(number) + " is there after a later one");
      last = number;
    }
    if (partition.has_open_transaction()) complain("a transaction hangs in a partition");
  }
  [[nodiscard]] const std::optional<std::string>& complaint() const { return complaint_; }
  [[nodiscard]] std::size_t committed_count() const {
    return static_cast<std::size_t>(std::ranges::count(transactions_, std::optional(true), &Transaction::answered));
  }

 private:
  struct Transaction {
    int acknowledged = 0;
    int visible = 0;
    bool wants_commit = false;
    std::optional<bool> answered{};
    std::optional<bool> decided{};
  };

  Transaction& at(TransactionNumber number) { return transactions_.at(static_cast<std::size_t>(number)); }

  std::vector<Transaction> transactions_;
  std::map<std::pair<ProducerId, ProducerEpoch>, int> given_;
  std::optional<std::string> complaint_;
};

}  // namespace millrace::coordinator::test

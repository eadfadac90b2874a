// Whether a producer's transactional records belong to a transaction that its coordinator knows of (KIP-890, part 1). The
// first records of a transaction are appended only behind the coordinator's word for it, and the word is good for the
// transaction that it was asked for: a guard stands for the question.
//
//     no open transaction --start--> guard --records of the guard--> open transaction
//                                      '----- marker -----> nothing: an answer that comes later is for nobody
//
// While a question is open, the lowest sequence that was asked about goes first: higher ones would make it fail for ever.
//
// Memory only; lost at a restart, after which the producer's retry asks anew. No I/O and no clock. Owned by the log's
// shard. Source: org.apache.kafka.storage.internals.log.VerificationStateEntry, VerificationGuard.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "broker/base/types.h"

namespace millrace::log {

// None is given out twice by a process; none(): no question was asked.
using VerificationGuard = StrongNumber<struct VerificationGuardTag, std::int64_t>;

class TransactionVerification {
 public:
  // A client decides how many producers it names: beyond it the questions that are open for longest are forgotten.
  explicit TransactionVerification(std::size_t max_open) : max_open_(max_open) {}

  // Asks about records of the producer from `sequence` on, or goes on with a question that is open.
  VerificationGuard start(ProducerId id, ProducerEpoch epoch, Sequence sequence, TimestampMs now);
  [[nodiscard]] bool is_open(ProducerId id, VerificationGuard guard) const;
  // Of the records that were asked about; nothing while no question is open.
  [[nodiscard]] std::optional<Sequence> lowest_sequence(ProducerId id) const;
  // Records of a transaction, or a marker, are in the log.
  void end(ProducerId id) { questions_.erase(id); }
  // Those that were asked so long ago.
  void remove_older(TimestampMs than);
  [[nodiscard]] std::size_t size() const { return questions_.size(); }

 private:
  struct Question {
    VerificationGuard guard;
    TimestampMs asked;
    ProducerEpoch epoch;
    Sequence lowest_sequence;
  };

  void make_room();

  std::size_t max_open_;
  std::unordered_map<ProducerId, Question> questions_;
};

}  // namespace millrace::log

#include "broker/log/transaction_verification.h"

#include <algorithm>
#include <atomic>
#include <vector>

namespace millrace::log {
namespace {

// Of the process: a log that is cut or moved to another disk begins with questions of its own, and must not take the
// answer to an older one.
VerificationGuard next_guard() {
  static std::atomic<std::int64_t> last = 0;
  return VerificationGuard(++last);
}

}  // namespace

VerificationGuard TransactionVerification::start(ProducerId id, ProducerEpoch epoch, Sequence sequence,
                                                 TimestampMs now) {
  if (questions_.size() >= max_open_ && !questions_.contains(id)) make_room();
  auto [at, is_new] = questions_.try_emplace(id, Question{VerificationGuard::none(), now, epoch, sequence});
  auto& question = at->second;
  if (is_new) question.guard = next_guard();
  if (epoch > question.epoch) {
    question.epoch = epoch;
    question.lowest_sequence = sequence;
  } else if (epoch == question.epoch) {
    question.lowest_sequence = std::min(question.lowest_sequence, sequence);
  }
  return question.guard;
}

bool TransactionVerification::is_open(ProducerId id, VerificationGuard guard) const {
  const auto found = questions_.find(id);
  return found != questions_.end() && found->second.guard == guard;
}

std::optional<Sequence> TransactionVerification::lowest_sequence(ProducerId id) const {
  const auto found = questions_.find(id);
  return found == questions_.end() ? std::nullopt : std::optional(found->second.lowest_sequence);
}

void TransactionVerification::remove_older(TimestampMs than) {
  std::erase_if(questions_, [than](const auto& question) { return question.second.asked <= than; });
}

// A tenth goes, so that not each of many new ones looks through all.
void TransactionVerification::make_room() {
  std::vector<TimestampMs> asked;
  asked.reserve(questions_.size());
  for (const auto& [id, question] : questions_) asked.push_back(question.asked);
  const auto tenth = asked.begin() + static_cast<std::ptrdiff_t>(asked.size() / 10);
  std::ranges::nth_element(asked, tenth);
  remove_older(*tenth);
}

}  // namespace millrace::log

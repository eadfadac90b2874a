#include "broker/coordinator/transaction_state.h"

#include <array>
#include <cstddef>

namespace millrace::coordinator {
namespace {

constexpr std::array<std::string_view, 8> names{"Empty",        "Ongoing",          "PrepareCommit",
                                                "PrepareAbort", "CompleteCommit",   "CompleteAbort",
                                                "Dead",         "PrepareEpochFence"};

}  // namespace

std::string_view to_string(TransactionState state) { return names.at(static_cast<std::size_t>(state)); }

std::optional<TransactionState> transaction_state_of(std::string_view name) {
  for (std::size_t number = 0; number < names.size(); ++number) {
    if (names.at(number) == name) return static_cast<TransactionState>(number);
  }
  return std::nullopt;
}

std::optional<TransactionState> stored_transaction_state(std::int8_t number) {
  if (number < 0 || number > static_cast<std::int8_t>(TransactionState::complete_abort)) return std::nullopt;
  return static_cast<TransactionState>(number);
}

bool may_follow(TransactionState from, TransactionState to) {
  switch (to) {
    case TransactionState::empty:
    case TransactionState::dead:
      return is_idle(from);
    case TransactionState::ongoing:
      return is_idle(from) || from == TransactionState::ongoing;
    case TransactionState::prepare_abort:
      return from == TransactionState::ongoing || from == TransactionState::prepare_epoch_fence;
    case TransactionState::prepare_commit:
    case TransactionState::prepare_epoch_fence:
      return from == TransactionState::ongoing;
    case TransactionState::complete_commit:
      return from == TransactionState::prepare_commit;
    case TransactionState::complete_abort:
      return from == TransactionState::prepare_abort;
  }
  return false;
}

}  // namespace millrace::coordinator

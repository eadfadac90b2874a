// The states of a transactional id, with the numbers that `__transaction_state` stores and the names that
// ListTransactions and DescribeTransactions show. Pure functions; any thread. Source:
// kafka.coordinator.transaction.TransactionState.
//
//     empty --> ongoing --> prepare_commit --> complete_commit --> ongoing or empty
//                  |
//                  '------> prepare_abort ---> complete_abort ---> ongoing or empty
//
// dead (the id expires) and prepare_epoch_fence (its producer is being fenced) are never stored.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace millrace::coordinator {

enum class TransactionState : std::int8_t {
  empty = 0,
  ongoing = 1,
  prepare_commit = 2,
  prepare_abort = 3,
  complete_commit = 4,
  complete_abort = 5,
  dead = 6,
  prepare_epoch_fence = 7,
};

// Kafka's name, such as "PrepareCommit".
[[nodiscard]] std::string_view to_string(TransactionState state);
[[nodiscard]] std::optional<TransactionState> transaction_state_of(std::string_view name);
// As a record has it; nothing for a number that no record may have.
[[nodiscard]] std::optional<TransactionState> stored_transaction_state(std::int8_t number);

[[nodiscard]] bool may_follow(TransactionState from, TransactionState to);
// The outcome is decided and stored, its markers are on their way.
[[nodiscard]] constexpr bool is_prepared(TransactionState state) {
  return state == TransactionState::prepare_commit || state == TransactionState::prepare_abort;
}
// No transaction is open: the id may be re-initialised, and forgotten when nobody has used it for long.
[[nodiscard]] constexpr bool is_idle(TransactionState state) {
  return state == TransactionState::empty || state == TransactionState::complete_commit ||
         state == TransactionState::complete_abort;
}

}  // namespace millrace::coordinator

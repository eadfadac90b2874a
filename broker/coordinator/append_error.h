// What an append to an internal topic's partition that failed means to the client whose request it belongs to. Pure functions; any thread.
#pragma once

#include "broker/protocol/error_code.h"

namespace millrace::coordinator {

// Of a group's record (GroupMetadataManager.storeGroup).
[[nodiscard]] protocol::ErrorCode group_store_error(protocol::ErrorCode append_error);
// Of the records of a group of the new protocol (CoordinatorRuntime, GroupCoordinatorService.handleOperationException of Kafka 4).
[[nodiscard]] protocol::ErrorCode consumer_group_store_error(protocol::ErrorCode append_error);
// Of its offsets (GroupMetadataManager.maybeConvertOffsetCommitError).
[[nodiscard]] protocol::ErrorCode offset_commit_error(protocol::ErrorCode append_error);
// Of a transaction's record (TransactionStateManager.appendTransactionToLog).
[[nodiscard]] protocol::ErrorCode transaction_store_error(protocol::ErrorCode append_error);

}  // namespace millrace::coordinator

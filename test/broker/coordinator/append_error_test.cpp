// As GroupMetadataManager and TransactionStateManager of Kafka 3.9 translate them.
#include "broker/coordinator/append_error.h"

#include <gtest/gtest.h>

#include <array>

namespace millrace::coordinator {
namespace {

using protocol::ErrorCode;

struct Row {
  ErrorCode append;
  ErrorCode group;
  ErrorCode offset;
  ErrorCode transaction;
};

constexpr std::array rows{
    Row{ErrorCode::none, ErrorCode::none, ErrorCode::none, ErrorCode::none},
    Row{ErrorCode::unknown_topic_or_partition, ErrorCode::coordinator_not_available,
        ErrorCode::coordinator_not_available, ErrorCode::coordinator_not_available},
    Row{ErrorCode::not_enough_replicas, ErrorCode::coordinator_not_available, ErrorCode::coordinator_not_available,
        ErrorCode::coordinator_not_available},
    Row{ErrorCode::not_enough_replicas_after_append, ErrorCode::coordinator_not_available,
        ErrorCode::coordinator_not_available, ErrorCode::coordinator_not_available},
    Row{ErrorCode::not_leader_or_follower, ErrorCode::not_coordinator, ErrorCode::not_coordinator,
        ErrorCode::not_coordinator},
    Row{ErrorCode::kafka_storage_error, ErrorCode::not_coordinator, ErrorCode::not_coordinator,
        ErrorCode::not_coordinator},
    Row{ErrorCode::request_timed_out, ErrorCode::rebalance_in_progress, ErrorCode::request_timed_out,
        ErrorCode::coordinator_not_available},
    Row{ErrorCode::message_too_large, ErrorCode::unknown_server_error, ErrorCode::invalid_commit_offset_size,
        ErrorCode::unknown_server_error},
    Row{ErrorCode::record_list_too_large, ErrorCode::unknown_server_error, ErrorCode::invalid_commit_offset_size,
        ErrorCode::unknown_server_error},
    Row{ErrorCode::invalid_fetch_size, ErrorCode::unknown_server_error, ErrorCode::invalid_commit_offset_size,
        ErrorCode::invalid_fetch_size},
    Row{ErrorCode::network_exception, ErrorCode::network_exception, ErrorCode::coordinator_load_in_progress,
        ErrorCode::network_exception},
    Row{ErrorCode::corrupt_message, ErrorCode::corrupt_message, ErrorCode::corrupt_message, ErrorCode::corrupt_message},
};

TEST(AppendErrors, AreTranslatedForTheClientWhoseRecordItIs) {
  for (const auto& row : rows) {
    SCOPED_TRACE(protocol::to_string(row.append));
    EXPECT_EQ(group_store_error(row.append), row.group);
    EXPECT_EQ(offset_commit_error(row.append), row.offset);
    EXPECT_EQ(transaction_store_error(row.append), row.transaction);
  }
}

}  // namespace
}  // namespace millrace::coordinator

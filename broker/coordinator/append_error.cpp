#include "broker/coordinator/append_error.h"

namespace millrace::coordinator {

using protocol::ErrorCode;

namespace {

// What groups and transactions have in common: the client asks again, or looks for the coordinator.
ErrorCode coordinator_error(ErrorCode append_error) {
  switch (append_error) {
    case ErrorCode::unknown_topic_or_partition:
    case ErrorCode::not_enough_replicas:
    case ErrorCode::not_enough_replicas_after_append:
      return ErrorCode::coordinator_not_available;
    case ErrorCode::not_leader_or_follower:
    case ErrorCode::kafka_storage_error:
      return ErrorCode::not_coordinator;
    default:
      return append_error;
  }
}

}  // namespace

ErrorCode group_store_error(ErrorCode append_error) {
  switch (append_error) {
    case ErrorCode::request_timed_out:
      return ErrorCode::rebalance_in_progress;
    case ErrorCode::message_too_large:
    case ErrorCode::record_list_too_large:
    case ErrorCode::invalid_fetch_size:
      return ErrorCode::unknown_server_error;
    default:
      return coordinator_error(append_error);
  }
}

ErrorCode consumer_group_store_error(ErrorCode append_error) {
  switch (append_error) {
    case ErrorCode::request_timed_out:
      return ErrorCode::coordinator_not_available;
    case ErrorCode::message_too_large:
    case ErrorCode::record_list_too_large:
    case ErrorCode::invalid_fetch_size:
      return ErrorCode::unknown_server_error;
    default:
      return coordinator_error(append_error);
  }
}

ErrorCode offset_commit_error(ErrorCode append_error) {
  switch (append_error) {
    case ErrorCode::network_exception:
      return ErrorCode::coordinator_load_in_progress;
    case ErrorCode::message_too_large:
    case ErrorCode::record_list_too_large:
    case ErrorCode::invalid_fetch_size:
      return ErrorCode::invalid_commit_offset_size;
    default:
      return coordinator_error(append_error);
  }
}

ErrorCode transaction_store_error(ErrorCode append_error) {
  switch (append_error) {
    case ErrorCode::request_timed_out:
      return ErrorCode::coordinator_not_available;
    case ErrorCode::message_too_large:
    case ErrorCode::record_list_too_large:
      return ErrorCode::unknown_server_error;
    default:
      return coordinator_error(append_error);
  }
}

}  // namespace millrace::coordinator

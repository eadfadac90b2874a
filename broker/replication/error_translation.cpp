#include "broker/replication/error_translation.h"

namespace millrace::replication {

using protocol::ErrorCode;

ErrorCode error_code_of(PartitionRefusal refusal) {
  switch (refusal) {
    case PartitionRefusal::not_leader:
      return ErrorCode::not_leader_or_follower;
    case PartitionRefusal::fenced_leader_epoch:
      return ErrorCode::fenced_leader_epoch;
    case PartitionRefusal::unknown_leader_epoch:
      return ErrorCode::unknown_leader_epoch;
    case PartitionRefusal::not_enough_replicas:
      return ErrorCode::not_enough_replicas;
    case PartitionRefusal::offline:
      return ErrorCode::kafka_storage_error;
  }
  return ErrorCode::unknown_server_error;
}

ErrorCode error_code_of(DeletionFailure failure) {
  switch (failure) {
    case DeletionFailure::not_leader:
      return ErrorCode::not_leader_or_follower;
    case DeletionFailure::offline:
      return ErrorCode::kafka_storage_error;
    case DeletionFailure::policy:
      return ErrorCode::policy_violation;
    case DeletionFailure::offset_out_of_range:
      return ErrorCode::offset_out_of_range;
  }
  return ErrorCode::unknown_server_error;
}

ErrorCode error_code_of(log::MoveRefusal refusal) {
  switch (refusal) {
    case log::MoveRefusal::name_too_long:
      return ErrorCode::invalid_topic_exception;
    case log::MoveRefusal::unknown_directory:
      return ErrorCode::log_dir_not_found;
    case log::MoveRefusal::offline:
      return ErrorCode::kafka_storage_error;
    case log::MoveRefusal::no_log:
      return ErrorCode::replica_not_available;
  }
  return ErrorCode::unknown_server_error;
}

ErrorCode error_code_of(log::AppendErrorKind kind) {
  switch (kind) {
    case log::AppendErrorKind::corrupt_batch:
      return ErrorCode::corrupt_message;
    case log::AppendErrorKind::invalid_record:
      return ErrorCode::invalid_record;
    case log::AppendErrorKind::invalid_timestamp:
      return ErrorCode::invalid_timestamp;
    case log::AppendErrorKind::unsupported_format:
      return ErrorCode::unsupported_for_message_format;
    case log::AppendErrorKind::unsupported_compression:
      return ErrorCode::unsupported_compression_type;
    case log::AppendErrorKind::batch_too_large:
      return ErrorCode::message_too_large;
    case log::AppendErrorKind::no_memory:
      // Every client, however old, tries again after it.
      return ErrorCode::request_timed_out;
    case log::AppendErrorKind::larger_than_segment:
      return ErrorCode::record_list_too_large;
    case log::AppendErrorKind::out_of_order_sequence:
      return ErrorCode::out_of_order_sequence_number;
    case log::AppendErrorKind::invalid_producer_epoch:
      return ErrorCode::invalid_producer_epoch;
    case log::AppendErrorKind::invalid_transaction_state:
    case log::AppendErrorKind::unverified:
      return ErrorCode::invalid_txn_state;
    case log::AppendErrorKind::coordinator_fenced:
      return ErrorCode::transaction_coordinator_fenced;
    case log::AppendErrorKind::offsets_out_of_order:
    case log::AppendErrorKind::unexpected_offset:
    case log::AppendErrorKind::takes_long:
      return ErrorCode::unknown_server_error;
    case log::AppendErrorKind::storage:
      return ErrorCode::kafka_storage_error;
    case log::AppendErrorKind::closed:
      return ErrorCode::not_leader_or_follower;
  }
  return ErrorCode::unknown_server_error;
}

ErrorCode error_code_of(log::ReadErrorKind kind) {
  switch (kind) {
    case log::ReadErrorKind::offset_out_of_range:
      return ErrorCode::offset_out_of_range;
    case log::ReadErrorKind::storage:
      return ErrorCode::kafka_storage_error;
    case log::ReadErrorKind::closed:
      return ErrorCode::not_leader_or_follower;
  }
  return ErrorCode::unknown_server_error;
}

ErrorCode error_code_of(const AppendFailure& failure) {
  return failure.refusal ? error_code_of(*failure.refusal) : error_code_of(failure.error.kind);
}

ErrorCode error_code_of(const FetchFailure& failure) {
  return failure.refusal ? error_code_of(*failure.refusal) : error_code_of(failure.error.kind);
}

}  // namespace millrace::replication

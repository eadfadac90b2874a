// Kafka's error codes for the failures of logs and partitions: here and in the handlers they are known. Pure functions; any thread.
#pragma once

#include "broker/log/append.h"
#include "broker/log/fetch_data.h"
#include "broker/log/log_manager.h"
#include "broker/protocol/error_code.h"
#include "broker/replication/partition.h"

namespace millrace::replication {

protocol::ErrorCode error_code_of(PartitionRefusal refusal);
protocol::ErrorCode error_code_of(DeletionFailure failure);
protocol::ErrorCode error_code_of(log::MoveRefusal refusal);
protocol::ErrorCode error_code_of(log::AppendErrorKind kind);
protocol::ErrorCode error_code_of(log::ReadErrorKind kind);
protocol::ErrorCode error_code_of(const AppendFailure& failure);
protocol::ErrorCode error_code_of(const FetchFailure& failure);

}  // namespace millrace::replication

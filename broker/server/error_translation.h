// Kafka's error codes for the failures of the layers below. Here and in the handlers is the only place that knows them.
#pragma once

#include "broker/log/append.h"
#include "broker/log/fetch_data.h"
#include "broker/log/log_manager.h"
#include "broker/protocol/error_code.h"
#include "broker/replication/partition.h"

namespace millrace::server {

protocol::ErrorCode error_code_of(replication::PartitionRefusal refusal);
protocol::ErrorCode error_code_of(replication::DeletionFailure failure);
protocol::ErrorCode error_code_of(log::MoveRefusal refusal);
protocol::ErrorCode error_code_of(log::AppendErrorKind kind);
protocol::ErrorCode error_code_of(log::ReadErrorKind kind);
protocol::ErrorCode error_code_of(const replication::AppendFailure& failure);
protocol::ErrorCode error_code_of(const replication::FetchFailure& failure);

}  // namespace millrace::server

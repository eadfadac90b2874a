#include "broker/server/handlers/produce.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/controller/topic_name.h"
#include "broker/metadata/cluster_image.h"
#include "broker/protocol/record_batch.h"
#include "broker/replication/error_translation.h"
#include "broker/replication/replica_manager.h"
#include "broker/server/fan_out.h"
#include "broker/server/request_context.h"
#include "broker/server/transaction_calls.h"

namespace millrace::server {
namespace {

using protocol::ErrorCode;
using protocol::ProduceRequest;
using protocol::ProduceResponse;
using PartitionResponse = ProduceResponse::Topic::Partition;

constexpr std::int16_t acks_all = -1;
constexpr protocol::Version first_version_with_whole_batches = 3;  // one batch of magic 2
constexpr protocol::Version first_version_with_zstd = 7;
constexpr protocol::Version first_version_with_abortable_transactions = 11;
// The only client id that may write to the topics that coordinators keep (Kafka: AdminUtils.ADMIN_CLIENT_ID).
constexpr std::string_view client_of_the_coordinators_topics = "__admin_client";

// One partition of the request on its way to its owner and back.
struct Append {
  std::string_view topic;
  PartitionIndex partition;
  MutableBytes records;
  bool settled = false;  // it goes nowhere: refused, or nothing in it
  ErrorCode refusal = ErrorCode::none;
  Offset log_start_offset = Offset::none();  // of a partition that refused the records for what they are
  replication::PartitionAppendOutcome outcome = tl::unexpected(replication::AppendFailure{});
  Job arrive{};                                          // the owner's, while it works
  std::optional<log::VerificationGuard> verification{};  // of transactional records that are verified
  std::string_view message{};                            // of the refusal

  // Its owner wants to know of the coordinator whether the partition is part of the transaction.
  [[nodiscard]] bool is_unverified() const {
    return !settled && !outcome && !outcome.error().refusal &&
           outcome.error().error.kind == log::AppendErrorKind::unverified;
  }
};

// The batches that have come whole: one that is cut off at the end is not looked at (Kafka: ByteBufferLogInputStream).
// What has no sensible length stays, for the log to name.
BytesView whole_batches(BytesView records) {
  std::size_t end = 0;
  while (records.size() - end >= protocol::batch_prefix_bytes) {
    auto prefix = protocol::parse_batch_prefix(records.subspan(end));
    if (!prefix) return records;
    if (prefix->size_bytes() > records.size() - end) break;
    end += prefix->size_bytes();
  }
  return records.first(end);
}

bool is_transactional(protocol::NullableBytes records) {
  if (!records) return false;
  auto header = protocol::parse_batch_header(*records);
  return header && header->attributes.is_transactional();
}

bool has_transactional_records(const ProduceRequest& request) {
  return std::ranges::any_of(request.topic_data, [](const auto& topic) {
    return std::ranges::any_of(topic.partition_data,
                               [](const auto& partition) { return is_transactional(partition.records); });
  });
}

// What can be refused without asking the partition's owner.
ErrorCode check_records(BytesView records, protocol::Version version) {
  if (version < first_version_with_whole_batches) return ErrorCode::none;
  if (records.empty()) return ErrorCode::invalid_record;
  auto prefix = protocol::parse_batch_prefix(records);
  if (prefix && (prefix->magic < protocol::current_magic || prefix->size_bytes() != records.size()))
    return ErrorCode::invalid_record;  // of the old formats, or more than one
  auto header = protocol::parse_batch_header(records);
  if (header && header->attributes.codec() == protocol::Codec::zstd && version < first_version_with_zstd) {
    return ErrorCode::unsupported_compression_type;
  }
  return ErrorCode::none;
}

ErrorCode check_acks(std::int16_t acks) {
  return acks < acks_all || acks > 1 ? ErrorCode::invalid_required_acks : ErrorCode::none;
}

std::vector<Append> appends_of(const ProduceRequest& request, RequestContext& context) {
  // Kafka asks whether the client may use its transactional id, and nobody may use none.
  const bool without_rights = !request.transactional_id && has_transactional_records(request);
  std::vector<Append> appends;
  for (const auto& topic : request.topic_data) {
    const auto known = context.image().topic(topic.name);
    const bool is_closed_to_clients =
        controller::is_internal_topic(topic.name) && context.header().client_id != client_of_the_coordinators_topics;
    for (const auto& partition : topic.partition_data) {
      Append append{topic.name, partition.index, {}};
      const auto* image = known ? known->partition(partition.index) : nullptr;
      if (without_rights) {
        append.refusal = ErrorCode::transactional_id_authorization_failed;
      } else if (image == nullptr) {
        append.refusal = ErrorCode::unknown_topic_or_partition;
      } else if (!partition.records) {
        append.refusal = ErrorCode::invalid_record;
      } else {
        const auto records = whole_batches(*partition.records);
        append.refusal = check_records(records, context.version());
        if (append.refusal == ErrorCode::none) append.refusal = check_acks(request.acks);
        if (append.refusal == ErrorCode::none && is_closed_to_clients)
          append.refusal = ErrorCode::invalid_topic_exception;
        if (append.refusal == ErrorCode::none) append.records = context.writable(records);
      }
      append.settled = append.records.empty();
      appends.push_back(std::move(append));
    }
  }
  return appends;
}

// Which failures come with the log's start (Kafka: ReplicaManager.appendToLocalLog).
bool tells_log_start(const replication::AppendFailure& failure) {
  if (failure.refusal) return failure.refusal == replication::PartitionRefusal::not_enough_replicas;
  switch (failure.error.kind) {
    case log::AppendErrorKind::corrupt_batch:
    case log::AppendErrorKind::batch_too_large:
    case log::AppendErrorKind::larger_than_segment:
    case log::AppendErrorKind::storage:
    case log::AppendErrorKind::closed:
      return false;
    default:
      return true;
  }
}

PartitionResponse response_of(const Append& append, RequestContext& context) {
  PartitionResponse response;
  response.index = append.partition;
  response.base_offset = Offset::none();
  response.error_code = append.refusal;
  if (!append.message.empty()) response.error_message = append.message;
  if (append.settled) return response;
  if (append.outcome) {
    response.base_offset = append.outcome->base_offset;
    response.log_append_time_ms = append.outcome->log_append_time;
    response.log_start_offset = append.outcome->log_start_offset;
    return response;
  }
  const auto& failure = append.outcome.error();
  response.error_code = error_code_of(failure);
  response.log_start_offset = append.log_start_offset;
  if (!failure.error.message.empty()) response.error_message = context.keep(failure.error.message);
  for (const auto& record : failure.error.record_errors) {
    response.record_errors.push_back({record.index, context.keep(record.message)});
  }
  return response;
}

// The two rounds of a request: everything, then what the coordinator has vouched for.
enum class Round : std::uint8_t { all, verified };

bool is_part_of(Round round, const Append& append) {
  if (append.settled) return false;
  return round == Round::all || (append.is_unverified() && append.verification != log::VerificationGuard::none());
}

// To be awaited: the coroutine goes on when all that are part of the round have their outcomes.
auto append_all(Round round, std::vector<Append>& appends, bool all_replicas, RequestContext& context) {
  auto& replicas = context.services().replicas;
  auto& shards = context.services().shards;
  const auto now = context.shard().clock().wall_clock();
  const auto source = context.connection().id;
  std::vector<ShardId> owners;
  owners.reserve(appends.size());
  for (const auto& append : appends) {
    owners.push_back(is_part_of(round, append) ? replication::owner_of(append.topic, append.partition, shards.size())
                                               : no_owner);
  }
  auto visit = [&appends, &replicas, now, all_replicas, source](ShardId shard, std::size_t index, Job arrive) {
    auto& append = appends[index];
    auto& table = replicas.table(shard);
    auto partition = table.find(append.topic, append.partition);
    if (!partition) {
      append.outcome = tl::unexpected(replication::AppendFailure{table.is_offline(append.topic, append.partition)
                                                                     ? replication::PartitionRefusal::offline
                                                                     : replication::PartitionRefusal::not_leader,
                                                                 {}});
      return arrive();
    }
    // What is kept for the completion is small, so that keeping it allocates nothing.
    append.arrive = std::move(arrive);
    replication::AppendCall call{append.records, now, all_replicas, source};
    call.verification = append.verification;
    partition->append(call, [&append, partition](replication::PartitionAppendOutcome outcome) {
      append.outcome = std::move(outcome);
      if (!append.outcome && tells_log_start(append.outcome.error()))
        append.log_start_offset = partition->log()->log_start_offset();
      std::exchange(append.arrive, nullptr)();
    });
  };
  return fan_out(context.shard(), shards, std::move(owners), std::move(visit));
}

// The one that the transactional records of a request are of; all of them are of one.
struct TransactionalWriter {
  ProducerId id;
  ProducerEpoch epoch;
  friend bool operator==(const TransactionalWriter&, const TransactionalWriter&) = default;
};

// nullopt: nothing is transactional. Errors: INVALID_PRODUCER_ID_MAPPING.
tl::expected<std::optional<TransactionalWriter>, ErrorCode> transactional_writer_of(
    const std::vector<Append>& appends) {
  std::optional<TransactionalWriter> found;
  for (const auto& append : appends) {
    if (append.settled) continue;
    const auto header = protocol::parse_batch_header(append.records);
    if (!header || !header->attributes.is_transactional() || header->producer_id == ProducerId::none()) continue;
    const TransactionalWriter writer{header->producer_id, header->producer_epoch};
    if (found && *found != writer) return tl::unexpected(ErrorCode::invalid_producer_id_mapping);
    found = writer;
  }
  return found;
}

// What a producer is told when the coordinator does not vouch for its records (Kafka:
// ReplicaManager.handleProduceAppend). NOT_ENOUGH_REPLICAS makes every client come again without asking for metadata.
void refuse_unverified(Append& append, ErrorCode verdict, RequestContext& context) {
  append.settled = true;
  append.refusal = verification_error_of(verdict, context.version() >= first_version_with_abortable_transactions);
  switch (append.refusal) {
    case ErrorCode::invalid_txn_state:
      append.message = "Partition was not added to the transaction";
      return;
    case ErrorCode::concurrent_transactions:
    case ErrorCode::network_exception:
    case ErrorCode::coordinator_load_in_progress:
    case ErrorCode::coordinator_not_available:
    case ErrorCode::not_coordinator:
      append.refusal = ErrorCode::not_enough_replicas;
      append.message =
          context.keep("Unable to verify the partition has been added to the transaction. Underlying error: " +
                       std::string(protocol::to_string(verdict)));
      return;
    default:
      return;
  }
}

// Asks the coordinator about those that their owners want to know about.
Task<void> verify_all(std::vector<Append>& appends, std::string_view transactional_id, TransactionalWriter writer,
                      RequestContext& context) {
  std::vector<Append*> asked;
  std::vector<TopicPartition> partitions;
  for (auto& append : appends) {
    if (!append.is_unverified()) continue;
    asked.push_back(&append);
    partitions.push_back({std::string(append.topic), append.partition});
  }
  if (asked.empty()) co_return;
  const auto verdicts =
      co_await verify_partitions(context, {transactional_id, writer.id, writer.epoch}, std::move(partitions));
  for (std::size_t index = 0; index < asked.size(); ++index) {
    const auto verdict = verdicts ? (*verdicts)[index].error : verdicts.error();
    if (verdict == ErrorCode::none) {
      asked[index]->verification = asked[index]->outcome.error().error.guard;
    } else {
      refuse_unverified(*asked[index], verdict, context);
    }
  }
}

Task<void> append_in_transaction(std::vector<Append>& appends, const ProduceRequest& request,
                                 TransactionalWriter writer, RequestContext& context) {
  const bool all_replicas = request.acks == acks_all;
  const bool verifies = request.transactional_id &&
                        context.configuration()->values().boolean("transaction.partition.verification.enable");
  if (verifies) {
    for (auto& append : appends) append.verification = log::VerificationGuard::none();
  }
  co_await append_all(Round::all, appends, all_replicas, context);
  if (!verifies) co_return;
  co_await verify_all(appends, *request.transactional_id, writer, context);
  co_await append_all(Round::verified, appends, all_replicas, context);
}

}  // namespace

Task<Result<std::optional<ProduceResponse>>> ProduceHandler::handle(const Request& request, RequestContext& context) {
  auto appends = appends_of(request, context);
  const auto writer = transactional_writer_of(appends);
  if (!writer) {
    for (auto& append : appends) {
      if (append.settled) continue;
      append.settled = true;
      append.refusal = writer.error();
      append.message = "Transactional records contained more than one producer ID";
    }
  } else if (*writer) {
    co_await append_in_transaction(appends, request, **writer, context);
  } else {
    co_await append_all(Round::all, appends, request.acks == acks_all, context);
  }

  Response response;
  std::size_t next = 0;
  ErrorCode first_error = ErrorCode::none;
  for (const auto& topic : request.topic_data) {
    if (topic.partition_data.empty()) continue;
    auto& answered = response.responses.emplace_back();
    answered.name = topic.name;
    answered.partition_responses.reserve(topic.partition_data.size());
    for (std::size_t i = 0; i < topic.partition_data.size(); ++i) {
      answered.partition_responses.push_back(response_of(appends[next++], context));
      auto code = answered.partition_responses.back().error_code;
      if (first_error == ErrorCode::none) first_error = code;
    }
  }
  if (request.acks != 0) co_return response;
  if (first_error != ErrorCode::none) {
    co_return fail(ErrorKind::invalid_argument, "produce with acks=0 failed with " +
                                                    std::string(protocol::to_string(first_error)) +
                                                    ", which only closing can tell");
  }
  co_return std::optional<Response>();
}

}  // namespace millrace::server

// What requests of transactions are told while the coordinator of their id is not here, or cannot read its log. What a coordinator in
// service says is compared with Kafka's answers by the compat suite.
#include "broker/server/transaction_calls.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>
#include <string_view>

#include "test/broker/server/broker_under_test.h"
#include "test/broker/server/damaged_file.h"

namespace millrace::server {
namespace {

using Errors = std::map<std::string_view, ErrorCode>;

const ConfigPairs one_partition{{"transaction.state.log.num.partitions", "1"},
                                {"transaction.state.log.replication.factor", "1"},
                                {"transaction.state.log.min.isr", "1"},
                                {"offsets.topic.num.partitions", "1"},
                                {"offsets.topic.replication.factor", "1"}};
constexpr ProducerId producer{0};
constexpr ProducerEpoch epoch{0};

ErrorCode find_coordinator(Client& client, protocol::CoordinatorType type) {
  protocol::FindCoordinatorRequest request;
  request.key = "id";
  request.key_type = type;
  return client.ask(request, 3)->error_code;
}

protocol::InitProducerIdResponse init(Client& client) {
  protocol::InitProducerIdRequest request;
  request.transactional_id = "id";
  request.transaction_timeout_ms = 60'000;
  return client.ask(request, 4).values;
}

template <class Request>
Request request_of() {
  Request request;
  request.transactional_id = "id";
  request.producer_id = producer;
  request.producer_epoch = epoch;
  return request;
}

ErrorCode add_partition(Client& client, protocol::Version version) {
  protocol::AddPartitionsToTxnRequest request;
  const protocol::Array<protocol::AddPartitionsToTxnRequest::Topic> topics{{"topic", {PartitionIndex(0)}}};
  if (version < 4) {
    request.v3_and_below_transactional_id = "id";
    request.v3_and_below_producer_id = producer;
    request.v3_and_below_producer_epoch = epoch;
    request.v3_and_below_topics = topics;
    return client.ask(request, version)
        ->results_by_topic_v3_and_below.at(0)
        .results_by_partition.at(0)
        .partition_error_code;
  }
  request.transactions.push_back({"id", producer, epoch, false, topics});
  const auto answer = client.ask(request, version);
  return answer.values.results_by_transaction.at(0).topic_results.at(0).results_by_partition.at(0).partition_error_code;
}

ErrorCode produce_in_transaction(Client& client) {
  protocol::RecordBatchBuilder builder(
      {.producer_id = producer, .producer_epoch = epoch, .base_sequence = Sequence(0), .is_transactional = true});
  builder.append(TimestampMs(1'600'000'000'000), std::nullopt, bytes_of("value"));
  const auto records = *builder.build();
  auto request = produce_request("topic", records);
  request.transactional_id = "id";
  return client.ask(request)->responses.at(0).partition_responses.at(0).error_code;
}

ErrorCode describe(Client& client) {
  protocol::DescribeTransactionsRequest request;
  request.transactional_ids.push_back("id");
  return client.ask(request)->transaction_states.at(0).error_code;
}

ErrorCode commit_offset(Client& client) {
  auto request = request_of<protocol::TxnOffsetCommitRequest>();
  request.group_id = "group";
  request.generation_id = -1;
  auto& topic = request.topics.emplace_back();
  topic.name = "topic";
  topic.partitions.emplace_back();
  return client.ask(request, 3)->topics.at(0).partitions.at(0).error_code;
}

Errors errors_of(Client& client) {
  Errors errors;
  errors["InitProducerId"] = init(client).error_code;
  errors["AddPartitionsToTxn 3"] = add_partition(client, 3);
  errors["AddPartitionsToTxn 4"] = add_partition(client, 4);
  auto offsets = request_of<protocol::AddOffsetsToTxnRequest>();
  offsets.group_id = "group";
  errors["AddOffsetsToTxn"] = client.ask(offsets, 3)->error_code;
  auto end = request_of<protocol::EndTxnRequest>();
  end.committed = true;
  errors["EndTxn"] = client.ask(end, 3)->error_code;
  errors["DescribeTransactions"] = describe(client);
  return errors;
}

void expect_all(const Errors& errors, ErrorCode expected) {
  for (const auto& [api, error] : errors) EXPECT_EQ(error, expected) << api;
}

TEST(TransactionCalls, AreToldThatNobodyCoordinatesBeforeAnybodyHasLookedForACoordinator) {
  BrokerUnderTest broker(one_partition);
  Client client(broker);
  create_topic(client, "topic");
  expect_all(errors_of(client), ErrorCode::not_coordinator);
  EXPECT_EQ(commit_offset(client), ErrorCode::not_coordinator);
  // The producer does not know that a coordinator was asked: it tries again.
  EXPECT_EQ(produce_in_transaction(client), ErrorCode::not_enough_replicas);
}

TEST(TransactionCalls, AreToldThatNobodyCoordinatesWhereTheDiskOfThePartitionFails) {
  BrokerUnderTest broker(one_partition);
  Client client(broker);
  create_topic(client, "topic");
  // Its directory cannot be made where a file is.
  std::ofstream(broker.log_directory() + "/__transaction_state-0") << "in the way";
  find_coordinator(client, protocol::CoordinatorType::transaction);
  expect_all(errors_of(client), ErrorCode::not_coordinator);
  EXPECT_EQ(produce_in_transaction(client), ErrorCode::not_enough_replicas);
}

// docs/compatibility.md: Kafka would serve it with what comes before the damage.
TEST(TransactionCalls, AreToldThatTheCoordinatorIsNotAvailableWhereItsLogCannotBeRead) {
  BrokerUnderTest broker(one_partition);
  {
    Client client(broker);
    create_topic(client, "topic");
    for (const auto type : {protocol::CoordinatorType::group, protocol::CoordinatorType::transaction})
      ASSERT_TRUE(eventually([&] { return find_coordinator(client, type) == ErrorCode::none; }));
    ASSERT_TRUE(eventually([&] { return init(client).error_code == ErrorCode::none; }));
  }
  const auto log = broker.log_directory() + "/__transaction_state-0/00000000000000000000.log";
  broker.restart([&] { damage_last_byte(log); });
  Client client(broker);
  ASSERT_TRUE(eventually([&] { return describe(client) != ErrorCode::coordinator_load_in_progress; }));
  expect_all(errors_of(client), ErrorCode::coordinator_not_available);
  EXPECT_EQ(commit_offset(client), ErrorCode::coordinator_not_available);
  EXPECT_EQ(produce_in_transaction(client), ErrorCode::not_enough_replicas);
}

TEST(TransactionCalls, FindAnOpenTransactionAfterARestart) {
  BrokerUnderTest broker(one_partition);
  {
    Client client(broker);
    create_topic(client, "topic");
    const auto type = protocol::CoordinatorType::transaction;
    ASSERT_TRUE(eventually([&] { return find_coordinator(client, type) == ErrorCode::none; }));
    ASSERT_TRUE(eventually([&] { return init(client).error_code == ErrorCode::none; }));
    ASSERT_EQ(add_partition(client, 3), ErrorCode::none);
  }
  broker.restart([] {});
  Client client(broker);
  ASSERT_TRUE(eventually([&] { return describe(client) == ErrorCode::none; }));
  EXPECT_EQ(produce_in_transaction(client), ErrorCode::none);
  auto end = request_of<protocol::EndTxnRequest>();
  end.committed = true;
  EXPECT_EQ(client.ask(end, 3)->error_code, ErrorCode::none);
}

}  // namespace
}  // namespace millrace::server

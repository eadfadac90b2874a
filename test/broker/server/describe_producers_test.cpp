#include <gtest/gtest.h>

#include "broker/protocol/messages/describe_producers.h"
#include "test/broker/server/broker_under_test.h"

namespace millrace::server {
namespace {

std::vector<std::uint8_t> idempotent_batch() {
  protocol::RecordBatchBuilder builder(
      {.producer_id = ProducerId(7000), .producer_epoch = ProducerEpoch(3), .base_sequence = Sequence(0)});
  builder.append(TimestampMs(1'600'000'000'000), std::nullopt, bytes_of("value"));
  return *builder.build();
}

protocol::DescribeProducersRequest request_of(std::string_view topic, std::size_t times, int partition = 0) {
  protocol::DescribeProducersRequest request;
  auto& wanted = request.topics.emplace_back();
  wanted.name = topic;
  for (std::size_t i = 0; i < times; ++i) wanted.partition_indexes.push_back(PartitionIndex(partition));
  return request;
}

TEST(DescribeProducers, ThatTakeTooMuchMemoryBecauseAPartitionIsNamedTooOftenClose) {
  BrokerUnderTest broker({{"millrace.request.arrays.max.bytes", "100000"}});
  Client client(broker);
  create_topic(client, "topic", 2);
  const auto records = idempotent_batch();
  auto produced = client.ask(produce_request("topic", records));
  ASSERT_EQ(produced->responses.at(0).partition_responses.at(0).error_code, ErrorCode::none);

  auto few = client.ask(request_of("topic", 2));
  ASSERT_EQ(few->topics.at(0).partitions.size(), 2);
  for (const auto& partition : few->topics[0].partitions) {
    ASSERT_EQ(partition.active_producers.size(), 1);
    EXPECT_EQ(partition.active_producers[0].producer_id, ProducerId(7000));
    EXPECT_EQ(partition.active_producers[0].last_sequence, Sequence(0));
  }
  // The request itself is not too large: each name takes four bytes in it, and several times that in an answer with a
  // producer.
  EXPECT_EQ(client.ask(request_of("topic", 10'000, 1))->topics.at(0).partitions.size(), 10'000);
  client.send(request_of("topic", 10'000));
  EXPECT_TRUE(client.raw().is_closed_by_peer());
  EXPECT_EQ(broker.counted("millrace_request_arrays_refused_total"), 1);
  Client after(broker);
  EXPECT_EQ(after.ask(request_of("topic", 1))->topics.at(0).partitions.at(0).active_producers.size(), 1);
}

TEST(DescribeProducers, PaysForTheAnswerOfEachPartitionWithItsMessage) {
  BrokerUnderTest broker({{"millrace.request.memory.bytes", "4000000"}, {"socket.request.max.bytes", "1000000"}});
  Client client(broker);
  const std::string invalid(30'000, '/');
  EXPECT_EQ(client.ask(request_of(invalid, 10))->topics.at(0).partitions.at(9).error_code,
            ErrorCode::invalid_topic_exception);
  client.send(request_of(invalid, 10'000));
  EXPECT_TRUE(client.raw().is_closed_by_peer());
  EXPECT_EQ(broker.counted("millrace_request_arrays_refused_total"), 1);
}

}  // namespace
}  // namespace millrace::server

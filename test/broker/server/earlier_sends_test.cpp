// What a connection asks behind a send that workers look through sees that send, as on Kafka, which answers a connection's requests one
// after another.
#include <gtest/gtest.h>

#include <string>

#include "broker/protocol/messages/delete_records.h"
#include "broker/protocol/messages/describe_producers.h"
#include "broker/protocol/messages/list_offsets.h"
#include "broker/protocol/messages/offset_for_leader_epoch.h"
#include "test/broker/server/broker_under_test.h"

namespace millrace::server {
namespace {

struct EarlierSends : testing::Test {
  static constexpr std::size_t value_bytes = 30'000'000;  // zeros: milliseconds to look through

  EarlierSends() {
    create_topic(client, "topic");
    protocol::RecordBatchBuilder builder({.codec = protocol::Codec::gzip,
                                          .producer_id = ProducerId(7000),
                                          .producer_epoch = ProducerEpoch(0),
                                          .base_sequence = Sequence(0)});
    builder.append(TimestampMs(1'600'000'000'000), std::nullopt, bytes_of(std::string(value_bytes, '\0')));
    heavy = *builder.build();
  }

  // The answer to a request that follows the send at once.
  template <class Request>
  Answer<typename Request::Response> ask_behind_the_send(const Request& request) {
    const auto sent = client.send(produce_request("topic", heavy));
    const auto asked = client.send(request);
    auto produced = client.receive<protocol::ProduceResponse>(sent);
    EXPECT_TRUE(produced.has_value());
    EXPECT_EQ((*produced)->responses.at(0).partition_responses.at(0).error_code, ErrorCode::none);
    auto answer = client.receive<typename Request::Response>(asked);
    EXPECT_TRUE(answer.has_value());
    return std::move(*answer);
  }

  BrokerUnderTest broker{{{"max.message.bytes", "1000000"}}};
  Client client{broker};
  std::vector<std::uint8_t> heavy;
};

TEST_F(EarlierSends, AreSeenByDescribeProducers) {
  protocol::DescribeProducersRequest request;
  auto& topic = request.topics.emplace_back();
  topic.name = "topic";
  topic.partition_indexes.push_back(PartitionIndex(0));
  auto answer = ask_behind_the_send(request);
  EXPECT_EQ(answer->topics.at(0).partitions.at(0).active_producers.size(), 1);
}

TEST_F(EarlierSends, AreSeenByOffsetForLeaderEpoch) {
  protocol::OffsetForLeaderEpochRequest request;
  auto& topic = request.topics.emplace_back();
  topic.topic = "topic";
  auto& partition = topic.partitions.emplace_back();
  partition.partition = PartitionIndex(0);
  partition.current_leader_epoch = LeaderEpoch(0);
  partition.leader_epoch = LeaderEpoch(0);
  auto answer = ask_behind_the_send(request);
  EXPECT_EQ(answer->topics.at(0).partitions.at(0).end_offset, Offset(1));
}

TEST_F(EarlierSends, AreSeenByDeleteRecords) {
  protocol::DeleteRecordsRequest request;
  request.timeout_ms = 30'000;
  auto& topic = request.topics.emplace_back();
  topic.name = "topic";
  topic.partitions.push_back({PartitionIndex(0), Offset::none()});
  auto answer = ask_behind_the_send(request);
  EXPECT_EQ(answer->topics.at(0).partitions.at(0).error_code, ErrorCode::none);
  EXPECT_EQ(answer->topics.at(0).partitions.at(0).low_watermark, Offset(1));
}

TEST_F(EarlierSends, AreSeenByListOffsets) {
  protocol::ListOffsetsRequest request;
  auto& topic = request.topics.emplace_back();
  topic.name = "topic";
  auto& partition = topic.partitions.emplace_back();
  partition.partition_index = PartitionIndex(0);
  partition.timestamp = log::OffsetSpec::latest;
  auto answer = ask_behind_the_send(request);
  EXPECT_EQ(answer->topics.at(0).partitions.at(0).offset, Offset(1));
}

}  // namespace
}  // namespace millrace::server

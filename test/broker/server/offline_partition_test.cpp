// A partition whose log cannot be used: every request about its records says that it is the disk.
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "test/broker/server/broker_under_test.h"

namespace millrace::server {
namespace {

TEST(OfflinePartition, IsAnsweredWithAStorageErrorByProduceFetchAndListOffsets) {
  BrokerUnderTest broker;
  Client client(broker);
  // Its directory cannot be made where a file is.
  std::ofstream(broker.log_directory() + "/topic-0") << "in the way";
  client.ask(creation("topic"));

  EXPECT_EQ(produce(client, "topic", "value"), ErrorCode::kafka_storage_error);

  protocol::FetchRequest fetch;
  fetch.max_wait_ms = 0;
  fetch.topics.push_back({});
  fetch.topics[0].topic = "topic";
  fetch.topics[0].partitions.push_back({});
  EXPECT_EQ(client.ask(fetch, 12)->responses.at(0).partitions.at(0).error_code, ErrorCode::kafka_storage_error);

  protocol::ListOffsetsRequest lookup;
  lookup.topics.push_back({});
  lookup.topics[0].name = "topic";
  lookup.topics[0].partitions.push_back({});
  lookup.topics[0].partitions[0].timestamp = protocol::offset_spec::latest;
  EXPECT_EQ(client.ask(lookup)->topics.at(0).partitions.at(0).error_code, ErrorCode::kafka_storage_error);
}

}  // namespace
}  // namespace millrace::server

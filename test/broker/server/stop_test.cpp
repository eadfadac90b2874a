// A broker that stops while requests are in work, some of clients that have gone.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "test/broker/server/broker_under_test.h"

namespace millrace::server {
namespace {

TEST(Stop, WaitsForNobodyAndLeavesNothingThatRequestsOfClosedConnectionsStillUse) {
  constexpr int topics = 30;
  for (int round = 0; round < 5; ++round) {
    BrokerUnderTest broker;
    Client client(broker);
    std::vector<std::string> names;
    protocol::CreateTopicsRequest creation;
    protocol::DeleteTopicsRequest deletion;
    for (int number = 0; number < topics; ++number) names.push_back("topic-" + std::to_string(number));
    for (const auto& name : names) {
      creation.topics.push_back({name, 1, 1, {}, {}});
      auto& topic = deletion.topics.emplace_back();
      topic.name = name;
    }
    client.ask(creation);
    client.send(deletion);
    ASSERT_TRUE(eventually([&] { return broker.answered("CreateTopics") == 1; }));
    client.raw().close();
    EXPECT_TRUE((*broker).stop().has_value());
  }
}

}  // namespace
}  // namespace millrace::server

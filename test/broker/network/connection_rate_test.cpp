#include <chrono>
#include <list>

#include "broker/security/connection_rates.h"
#include "test/broker/network/server_under_test.h"

namespace millrace::network {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

bool answers(RawClient& client) { return client.send(framed("x")) && client.receive_frame() == "x"; }

TEST(ConnectionRate, OfTheBrokerLetsTheNextConnectionsWait) {
  NetworkConfig config;
  config.connection_rates.window = {2, 500};  // five connections in half a second
  config.connection_rates.broker = 10;
  ServerUnderTest server(echo, config);
  const auto start = Clock::now();
  std::list<RawClient> clients;
  for (int i = 0; i < 20; ++i) {
    clients.emplace_back(server.port);
    EXPECT_TRUE(answers(clients.back()));
  }
  // Twenty take about two seconds, of which the first five take none.
  EXPECT_GT(Clock::now() - start, 900ms);
  EXPECT_GT(metric(server.metrics, "millrace_connection_accepts_delayed_total"), 0);
  EXPECT_EQ(server.refused_by("connection_creation_rate"), 0);
}

TEST(ConnectionRate, OfAListenerIsItsOwnWhateverItsNamesCase) {
  NetworkConfig config;
  config.connection_rates.window = {2, 500};
  config.connection_rates.listeners = {{"plaintext", 10}, {"other", 1}};
  ServerUnderTest server(echo, config);
  std::list<RawClient> clients;
  for (int i = 0; i < 10; ++i) {
    clients.emplace_back(server.port);
    EXPECT_TRUE(answers(clients.back()));
  }
  EXPECT_GT(metric(server.metrics, "millrace_connection_accepts_delayed_total"), 0);
}

TEST(ConnectionRate, OfAnAddressRefusesAfterAWhile) {
  NetworkConfig config;
  config.connection_rates.window = {2, 300};
  ServerUnderTest server(echo, config);
  server.server->connection_rates().set_address_rate("127.0.0.1", 10);
  std::list<RawClient> clients;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(answers(clients.emplace_back(server.port)));
  const auto start = Clock::now();
  RawClient refused(server.port);
  EXPECT_FALSE(answers(refused));
  EXPECT_GT(Clock::now() - start, 20ms);
  EXPECT_EQ(server.refused_by("connection_creation_rate"), 1);
  for (auto& client : clients) EXPECT_TRUE(answers(client));
  server.server->connection_rates().set_address_rate("127.0.0.1", std::nullopt);
  RawClient late(server.port);
  EXPECT_TRUE(answers(late));
}

TEST(ConnectionRate, OfAnAddressHoldsNoMoreConnectionsThanItMay) {
  NetworkConfig config;
  config.max_held_connections = 2;
  ServerUnderTest server(echo, config);
  server.server->connection_rates().set_default_address_rate(0.001);
  std::list<RawClient> clients;
  for (int i = 0; i < 20; ++i) clients.emplace_back(server.port);
  EXPECT_TRUE(eventually([&] { return server.refused_by("connection_creation_rate") == 20; }));
}

}  // namespace
}  // namespace millrace::network

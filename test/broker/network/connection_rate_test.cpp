#include <chrono>
#include <list>

#include "broker/security/connection_rates.h"
#include "test/broker/network/server_under_test.h"

namespace millrace::network {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// Connected at once, however long the machine takes for anything else: the listener finds all of them waiting.
std::list<RawClient> connect(const ServerUnderTest& server, int count) {
  std::list<RawClient> clients;
  for (int i = 0; i < count; ++i) clients.emplace_back(server.port);
  return clients;
}

bool answers(RawClient& client) { return client.send(framed("x")) && client.receive_frame() == "x"; }

TEST(ConnectionRate, OfTheBrokerLetsTheNextConnectionsWait) {
  NetworkConfig config;
  config.connection_rates.window = {2, 500};  // five connections in half a second
  config.connection_rates.broker = 10;
  ServerUnderTest server(echo, config);
  const auto start = Clock::now();
  auto clients = connect(server, 20);
  for (auto& client : clients) EXPECT_TRUE(answers(client));
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
  auto clients = connect(server, 10);
  for (auto& client : clients) EXPECT_TRUE(answers(client));
  EXPECT_GT(metric(server.metrics, "millrace_connection_accepts_delayed_total"), 0);
}

TEST(ConnectionRate, OfAnAddressRefusesAfterAWhile) {
  NetworkConfig config;
  config.connection_rates.window = {2, 1500};  // three connections in one and a half seconds
  ServerUnderTest server(echo, config);
  server.server->connection_rates().set_address_rate("127.0.0.1", 2);
  const auto start = Clock::now();
  auto clients = connect(server, 3);
  RawClient refused(server.port);
  for (auto& client : clients) EXPECT_TRUE(answers(client));
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

#include "broker/network/network_config.h"

#include <gtest/gtest.h>

#include "broker/network/connection_limits.h"

namespace millrace::network {
namespace {

TEST(Listener, IsReadFromKafkasNotation) {
  auto plain = parse_listener("PLAINTEXT://localhost:9092");
  ASSERT_TRUE(plain.has_value());
  EXPECT_EQ(plain->name, "PLAINTEXT");
  EXPECT_EQ(plain->host, "localhost");
  EXPECT_EQ(plain->port, 9092);
  EXPECT_EQ(parse_listener("EXTERNAL://:0")->host, "");
  EXPECT_EQ(parse_listener("A://[::1]:1")->host, "::1");
  EXPECT_EQ(parse_listener("A://10.0.0.1:65535")->port, 65535);
}

TEST(Listener, IsRefusedWithAWordOnWhatIsWrong) {
  for (const auto* text :
       {"", "localhost:9092", "://localhost:9092", "A://localhost", "A://localhost:", "A://localhost:65536",
        "A://localhost:-1", "A://localhost:90x", "A://::1:9092", "A://[zz!]:1", "A://a b:1"}) {
    auto listener = parse_listener(text);
    ASSERT_FALSE(listener.has_value()) << text;
    EXPECT_EQ(listener.error().kind, ErrorKind::invalid_argument);
    EXPECT_NE(listener.error().message.find(text), std::string::npos) << listener.error().message;
  }
}

TEST(NetworkConfig, IsRefusedWhereABoundCannotHoldOneRequest) {
  EXPECT_TRUE(check(NetworkConfig{}).has_value());
  NetworkConfig small;
  small.queued_max_request_bytes = small.socket_request_max_bytes - 1;
  auto checked = check(small);
  ASSERT_FALSE(checked.has_value());
  EXPECT_EQ(checked.error().message, "queued.max.request.bytes is 104857599, it must be at least 104857600");
  NetworkConfig huge;
  huge.socket_request_max_bytes = 0x8000'0000;
  EXPECT_FALSE(check(huge).has_value());
  NetworkConfig none;
  none.max_in_flight_requests_per_connection = 0;
  EXPECT_FALSE(check(none).has_value());
}

TEST(ConnectionLimits, CountAddressesAndAllAndKeepPlacesForReservedListeners) {
  NetworkConfig config;
  config.max_connections = 3;
  config.max_connections_per_ip = 2;
  config.max_reserved_connections = 1;
  config.max_connections_per_ip_overrides["10.0.0.9"] = 0;
  auto limits = std::make_shared<ConnectionLimits>(config);
  std::string_view refusal;
  auto a = limits->admit("10.0.0.1", false, refusal);
  auto b = limits->admit("10.0.0.1", false, refusal);
  EXPECT_TRUE(a && b);
  EXPECT_FALSE(limits->admit("10.0.0.1", false, refusal));
  EXPECT_EQ(refusal, "max_connections_per_ip");
  EXPECT_FALSE(limits->admit("10.0.0.9", false, refusal));
  auto c = limits->admit("10.0.0.2", false, refusal);
  EXPECT_TRUE(c.has_value());
  EXPECT_FALSE(limits->admit("10.0.0.3", false, refusal));
  EXPECT_EQ(refusal, "max_connections");
  auto peer = limits->admit("10.0.0.1", true, refusal);
  EXPECT_TRUE(peer.has_value());
  EXPECT_FALSE(limits->admit("10.0.0.4", true, refusal));
  EXPECT_EQ(refusal, "max_reserved_connections");
  EXPECT_EQ(limits->connections(), 4U);
  a.reset();
  EXPECT_TRUE(limits->admit("10.0.0.3", false, refusal).has_value());
}

}  // namespace
}  // namespace millrace::network

// What strangers do to a broker: it refuses them, forgets them, and serves the others in the meantime.
#include <sys/resource.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <thread>

#include <gtest/gtest.h>

#include "broker/base/random.h"
#include "test/broker/base/failing_accepts.h"
#include "test/broker/network/server_under_test.h"

namespace millrace::network {
namespace {

// The soft limit of open files, put back at the end.
class FileLimit {
 public:
  explicit FileLimit(rlim_t files) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit limit{std::min(files, before_.rlim_max), before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  ~FileLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  FileLimit(const FileLimit&) = delete;
  FileLimit& operator=(const FileLimit&) = delete;

 private:
  rlimit before_{};
};

void expect_service(std::uint16_t port) {
  RawClient client(port);
  ASSERT_TRUE(client.send_frame("still there?"));
  ASSERT_EQ(client.receive_frame(), "still there?");
}

// A thousand connections, or as many as the process may open: both of their ends are here.
std::size_t many_connections() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return std::min<std::size_t>(1'000, (limit.rlim_cur - 100) / 2);
}

double client_memory(const ServerUnderTest& test) {
  return metric(test.metrics, "millrace_request_memory_bytes{budget=\"clients\"}");
}

TEST(Abuse, FrameLengthsThatAreNegativeZeroOrHugeEndTheConnection) {
  ServerUnderTest test(echo);
  int closed = 0;
  for (std::int32_t length :
       {0, -1, std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max(), 104'857'601}) {
    RawClient client(test.port);
    client.send(length_only(length) + "some bytes");
    EXPECT_TRUE(client.is_closed_by_peer()) << length;
    ++closed;
    EXPECT_TRUE(eventually([&] { return test.closed_by("bad_frame_length") == closed; }));
    expect_service(test.port);
  }
  EXPECT_EQ(test.handler.handled, closed);
}

TEST(Abuse, RandomBytesNeverHurtTheOthers) {
  ServerUnderTest test(echo);
  SeededRandom random(5);
  for (int round = 0; round < 200; ++round) {
    RawClient client(test.port);
    std::string bytes(random.below(2'000), '\0');
    random.fill({reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()});
    if (round % 2 == 0) bytes = length_only(static_cast<std::int32_t>(random.below(100'000'000))) + bytes;
    client.send(bytes);
  }
  expect_service(test.port);
}

TEST(Abuse, AThousandConnectionsThatAnnounceLargeFramesCostNoMemory) {
  FileLimit files(8'000);
  const auto count = many_connections();
  NetworkConfig config;
  // All of them are there at once, however long it takes.
  config.first_request_deadline = config.read_progress_window = std::chrono::minutes(10);
  ServerUnderTest test(echo, config);
  std::vector<RawClient> clients;
  for (std::size_t each = 0; each < count; ++each) {
    clients.emplace_back(test.port);
    ASSERT_TRUE(clients.back().connected()) << each;
    ASSERT_TRUE(clients.back().send(length_only(104'857'600)));
  }
  EXPECT_TRUE(eventually([&] { return test.server->connections() == count; }));
  expect_service(test.port);
  EXPECT_TRUE(eventually([&] { return client_memory(test) == 0; })) << "but for the request that was just answered";
  clients.clear();
  EXPECT_TRUE(eventually([&] { return test.server->connections() == 0; }));
}

TEST(Abuse, AThousandConnectionsThatSendByteByByteHoldLittleAndAreClosedAtTheDeadline) {
  FileLimit files(8'000);
  const auto count = many_connections();
  NetworkConfig config;
  config.first_request_deadline = std::chrono::seconds(2);
  ServerUnderTest test(echo, config);
  std::vector<RawClient> clients;
  for (std::size_t each = 0; each < count; ++each) {
    clients.emplace_back(test.port);
    clients.back().send(length_only(50'000'000) + "x");
  }
  expect_service(test.port);
  EXPECT_TRUE(eventually([&] {
    for (auto& client : clients) client.send_some("x");
    EXPECT_LE(client_memory(test), static_cast<double>(count * 8'192));
    return test.closed_by("no_first_request") >= static_cast<double>(count);
  }));
  expect_service(test.port);
  EXPECT_TRUE(eventually([&] { return client_memory(test) == 0; }));
}

TEST(Abuse, AConnectionThatSendsNothingIsClosedAtTheFirstRequestDeadlineAndOneThatHasSentIsNot) {
  NetworkConfig config;
  config.first_request_deadline = std::chrono::seconds(1);  // in which a busy machine brings the first request
  ServerUnderTest test(echo, config);
  RawClient known(test.port);
  known.send_frame("x");
  ASSERT_EQ(known.receive_frame(), "x");
  RawClient silent(test.port);
  EXPECT_TRUE(silent.is_closed_by_peer());
  EXPECT_EQ(test.closed_by("no_first_request"), 1);
  // It was there first: its own deadline is over too.
  EXPECT_FALSE(known.is_closed_by_peer(std::chrono::milliseconds(300)));
  known.send_frame("y");
  EXPECT_EQ(known.receive_frame(), "y");
}

TEST(Abuse, ASenderBelowTheMinimumRateIsClosedAndAFastOneIsNot) {
  NetworkConfig config;
  // One of the fast sender's pieces in each window is enough: it may be held up by all else that the machine does.
  config.read_progress_window = std::chrono::seconds(1);
  config.min_bytes_per_second = 5'000;
  config.first_request_deadline = std::chrono::minutes(10);
  ServerUnderTest test(echo, config);
  RawClient slow(test.port);
  slow.send_frame("x");
  ASSERT_EQ(slow.receive_frame(), "x");
  slow.send(length_only(1'000'000) + "x");
  std::thread fast([&] {
    // Several windows long, each with enough bytes.
    RawClient client(test.port);
    client.send(length_only(2'000'000));
    for (int piece = 0; piece < 200; ++piece) {
      ASSERT_TRUE(client.send(std::string(10'000, 'x')));
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    auto answer = client.receive_frame();
    ASSERT_TRUE(answer.has_value());
    ASSERT_EQ(answer->size(), 2'000'000U);
  });
  EXPECT_TRUE(eventually([&] {
    slow.send_some("x");
    return test.closed_by("slow_sender") == 1;
  }));
  fast.join();
  EXPECT_EQ(test.closed_by("slow_sender"), 1);
}

TEST(Abuse, AReaderThatTakesNothingIsClosedInTheEnd) {
  NetworkConfig config;
  config.write_progress_window = std::chrono::milliseconds(200);
  config.socket_send_buffer_bytes = 8'192;
  ServerUnderTest test([](Request, Responder responder) { responder.answer(chain_of(std::string(10'000'000, 'x'))); },
                       config);
  RawClient client(test.port, 8'192);
  client.send_frame("x");
  EXPECT_TRUE(eventually([&] { return test.closed_by("slow_reader") == 1; }));
}

TEST(Abuse, AnIdleConnectionIsClosedAndABusyOneIsNot) {
  NetworkConfig config;
  config.connections_max_idle = std::chrono::seconds(1);
  std::vector<Responder> waiting;
  ServerUnderTest test(
      [&](Request request, Responder responder) {
        if (as_text(request.frame->bytes()) != "long poll") return echo(request, std::move(responder));
        request.connection.shard->after(std::chrono::milliseconds(2'500), [responder = std::move(responder)]() mutable {
          responder.answer(chain_of("at last"));
        });
      },
      config, 1);
  RawClient idle(test.port);
  idle.send_frame("x");
  RawClient polling(test.port);
  polling.send_frame("long poll");
  RawClient lively(test.port);
  EXPECT_TRUE(eventually([&] {
    lively.send_frame("x");
    EXPECT_EQ(lively.receive_frame(), "x");
    return test.closed_by("idle") >= 1;
  }));
  EXPECT_TRUE(idle.is_closed_by_peer());
  EXPECT_EQ(polling.receive_frame(), "at last");
}

TEST(Abuse, ConnectionsBeyondTheLimitsAreRefusedCountedAndLeaveRoomForReservedListeners) {
  NetworkConfig config;
  config.max_connections = 5;
  config.max_reserved_connections = 2;
  ServerUnderTest test(echo, config);
  auto reserved_port = test.server->add_listener({.name = "INTERNAL", .host = "127.0.0.1", .reserved = true});
  std::vector<RawClient> clients;
  for (int each = 0; each < 5; ++each) {
    clients.emplace_back(test.port);
    clients.back().send_frame("x");
    ASSERT_EQ(clients.back().receive_frame(), "x");
  }
  RawClient refused(test.port);
  EXPECT_TRUE(refused.is_closed_by_peer());
  EXPECT_EQ(test.refused_by("max_connections"), 1);
  std::vector<RawClient> brokers;
  for (int each = 0; each < 2; ++each) {
    brokers.emplace_back(*reserved_port);
    brokers.back().send_frame("x");
    ASSERT_EQ(brokers.back().receive_frame(), "x");
  }
  EXPECT_TRUE(RawClient(*reserved_port).is_closed_by_peer());
  EXPECT_EQ(test.refused_by("max_reserved_connections"), 1);
  EXPECT_EQ(test.refused_by("max_connections"), 1);
  clients.pop_back();
  brokers.pop_back();
  for (auto port : {test.port, *reserved_port}) {
    EXPECT_TRUE(eventually([&] {
      RawClient again(port);
      return again.send_frame("x") && again.receive_frame() == "x";
    }));
  }
}

TEST(Abuse, AnAddressHasItsOwnLimitAndItsOwnExceptions) {
  NetworkConfig config;
  config.max_connections_per_ip = 100;
  config.max_connections_per_ip_overrides["127.0.0.1"] = 2;
  ServerUnderTest test(echo, config);
  RawClient first(test.port);
  RawClient second(test.port);
  for (auto* client : {&first, &second}) {
    client->send_frame("x");
    ASSERT_EQ(client->receive_frame(), "x");
  }
  EXPECT_TRUE(RawClient(test.port).is_closed_by_peer());
  EXPECT_EQ(test.refused_by("max_connections_per_ip"), 1);
}

TEST(Abuse, ABrokerOutOfFilesServesOnAndAcceptsAgainWhenThereAreSome) {
  ServerUnderTest test(echo);
  RawClient before(test.port);
  before.send_frame("x");
  ASSERT_EQ(before.receive_frame(), "x");
  auto accept_errors =
      test.metrics.counter("millrace_accept_errors_total", "Failures of accept, such as too many open files");
  std::optional<FailingAccepts> no_files(std::in_place);
  RawClient waiting(test.port);
  ASSERT_TRUE(waiting.connected());
  waiting.send_frame("when there is room");
  EXPECT_TRUE(eventually([&] { return accept_errors.value() >= 2; }));
  before.send_frame("y");
  EXPECT_EQ(before.receive_frame(), "y");
  no_files.reset();
  EXPECT_EQ(waiting.receive_frame(), "when there is room");
}

TEST(Abuse, PeersThatDisappearAtAnyMomentLeaveNothingBehind) {
  ServerUnderTest test(echo);
  SeededRandom random(9);
  for (int round = 0; round < 300; ++round) {
    RawClient client(test.port);
    auto bytes = framed("first") + framed(std::string(100'000, 'x'));
    client.send(bytes.substr(0, random.below(bytes.size())));
    if (round % 3 == 0) {
      linger reset{1, 0};
      ::setsockopt(client.descriptor(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    }
  }
  // That none is open may also mean that some wait to be accepted.
  EXPECT_TRUE(eventually([&] { return test.handler.closed_connections == 300; }));
  EXPECT_TRUE(eventually([&] { return test.server->connections() == 0; }));
  expect_service(test.port);
  EXPECT_TRUE(eventually([&] { return client_memory(test) == 0; }));
}

}  // namespace
}  // namespace millrace::network

// The request memory budget as connections feel it: back-pressure, and no deadlock.
#include <future>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>

#include "test/broker/network/server_under_test.h"

namespace millrace::network {
namespace {

constexpr std::uint32_t frame_max = 1'000'000;

NetworkConfig small_memory() {
  NetworkConfig config;
  config.socket_request_max_bytes = frame_max;
  config.queued_max_request_bytes = frame_max;
  config.reserved_request_bytes = frame_max;
  return config;
}

double used_bytes(const ServerUnderTest& test, const std::string& budget) {
  return metric(test.metrics, "millrace_request_memory_bytes{budget=\"" + budget + "\"}");
}

// Keeps requests until they are let go.
struct Keeper {
  void keep(std::shared_ptr<RequestBuffer> frame, Responder responder) {
    std::scoped_lock lock(mutex);
    kept.emplace_back(std::move(frame), std::move(responder));
  }
  // Answers all that are kept now, on their shards.
  void let_go() {
    std::vector<std::pair<std::shared_ptr<RequestBuffer>, Responder>> all;
    {
      std::scoped_lock lock(mutex);
      all.swap(kept);
    }
    for (auto& one : all) {
      auto& shard = one.second.shard();
      shard.post([frame = std::move(one.first), responder = std::move(one.second)]() mutable {
        frame.reset();
        responder.answer(chain_of("done"));
      });
    }
  }
  std::size_t size() {
    std::scoped_lock lock(mutex);
    return kept.size();
  }
  // Ends the server, and lets go of requests that nobody waits for: their shards must still be there.
  void end(ServerUnderTest& test) {
    test.server->stop(Duration::zero());
    std::scoped_lock lock(mutex);
    kept.clear();
  }
  std::mutex mutex;
  std::vector<std::pair<std::shared_ptr<RequestBuffer>, Responder>> kept;
};

TEST(RequestMemory, BoundsTheBytesInFlightAndServesAllWhoWaitInTheEnd) {
  Keeper keeper;
  std::atomic<std::uint64_t> held{0};
  ServerUnderTest test(
      [&](Request request, Responder responder) {
        held += request.frame->bytes().size();
        keeper.keep(std::move(request.frame), std::move(responder));
      },
      small_memory());
  constexpr std::size_t clients = 12;
  std::vector<std::thread> threads;
  std::atomic<std::size_t> answered{0};
  for (std::size_t each = 0; each < clients; ++each) {
    threads.emplace_back([&] {
      RawClient client(test.port);
      client.send_frame(std::string(400'000, 'x'));
      if (client.receive_frame() == "done") ++answered;
    });
  }
  // Two of 400,000 fit in a million and one more may go beyond; when parts of frames fill the budget, it is that one alone.
  EXPECT_TRUE(eventually([&] { return keeper.size() >= 1; }));
  EXPECT_TRUE(eventually([&] { return metric(test.metrics, "millrace_request_memory_waits_total") > 0; }));
  EXPECT_FALSE(eventually([&] { return held > 2 * frame_max; }, std::chrono::milliseconds(100)));
  EXPECT_TRUE(eventually([&] {
    keeper.let_go();
    return answered == clients;
  }));
  for (auto& thread : threads) thread.join();
  keeper.end(test);
}

TEST(RequestMemory, CompletesFramesThatEachHoldAPartAndWaitForTheRest) {
  ServerUnderTest test(echo, small_memory());
  constexpr int clients = 10;
  std::string payload(900'000, 'x');
  std::vector<RawClient> all;
  for (int each = 0; each < clients; ++each) all.emplace_back(test.port);
  // Together the halves are far more than the budget, whichever of them get in.
  std::vector<std::thread> threads;
  std::atomic<int> answered{0};
  std::atomic<int> half_sent{0};
  for (auto& client : all) {
    threads.emplace_back([&] {
      auto frame = framed(payload);
      std::string_view rest = frame;
      auto half = client.send_some(rest.substr(0, 450'000));
      rest.remove_prefix(half);
      ++half_sent;
      eventually([&] { return half_sent == clients; });
      client.send(rest);
      auto answer = client.receive_frame();
      if (answer && answer->size() == payload.size()) ++answered;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(answered, clients);
}

TEST(RequestMemory, IsGivenBackByAnEarlyRelease) {
  Keeper keeper;
  ServerUnderTest test(
      [&](Request request, Responder responder) {
        request.frame->release();  // the records are appended; acks=all waits
        keeper.keep(std::move(request.frame), std::move(responder));
      },
      small_memory());
  std::vector<RawClient> clients;
  for (int each = 0; each < 8; ++each) {
    clients.emplace_back(test.port);
    ASSERT_TRUE(clients.back().send_frame(std::string(600'000, 'x')));
  }
  EXPECT_TRUE(eventually([&] { return keeper.size() == 8; }));
  keeper.let_go();
  for (auto& client : clients) EXPECT_EQ(client.receive_frame(), "done");
  keeper.end(test);
}

TEST(RequestMemory, OfReservedListenersIsNotTheClients) {
  Keeper keeper;
  ServerUnderTest test(
      [&](Request request, Responder responder) {
        if (request.connection.reserved) {
          echo(request, std::move(responder));
          keeper.let_go();  // a follower's fetch lets the produce requests go
        } else {
          keeper.keep(std::move(request.frame), std::move(responder));
        }
      },
      small_memory());
  auto port = test.server->add_listener({.name = "INTERNAL", .host = "127.0.0.1", .reserved = true});
  ASSERT_TRUE(port.has_value());
  std::vector<RawClient> clients;
  std::vector<std::thread> threads;
  for (int each = 0; each < 6; ++each) clients.emplace_back(test.port);
  for (auto& client : clients) threads.emplace_back([&] { client.send_frame(std::string(500'000, 'x')); });
  EXPECT_TRUE(eventually([&] { return metric(test.metrics, "millrace_request_memory_waits_total") > 0; }));
  RawClient follower(*port);
  auto fetch = [&] {
    follower.send_frame(std::string(500'000, 'f'));
    auto answer = follower.receive_frame();
    return answer && answer->size() == 500'000;
  };
  std::atomic<int> answered{0};
  for (auto& client : clients) {
    threads.emplace_back([&] {
      if (client.receive_frame() == "done") ++answered;
    });
  }
  EXPECT_TRUE(eventually([&] { return fetch() && answered == 6; }));
  for (auto& thread : threads) thread.join();
  keeper.end(test);
}

TEST(RequestMemory, OfAConnectionThatClosesWhileItWaitsGoesToTheNext) {
  Keeper keeper;
  ServerUnderTest test(
      [&](Request request, Responder responder) { keeper.keep(std::move(request.frame), std::move(responder)); },
      small_memory());
  RawClient holder(test.port);
  ASSERT_TRUE(holder.send_frame(std::string(frame_max, 'x')));
  EXPECT_TRUE(eventually([&] { return keeper.size() == 1; }));
  auto waits = [&] { return metric(test.metrics, "millrace_request_memory_waits_total"); };
  RawClient impatient(test.port);
  ASSERT_TRUE(impatient.send_frame(std::string(1'000, 'x')));
  EXPECT_TRUE(eventually([&] { return waits() >= 1; }));
  RawClient patient(test.port);
  ASSERT_TRUE(patient.send_frame(std::string(1'000, 'x')));
  EXPECT_TRUE(eventually([&] { return waits() >= 2; }));
  impatient.close();
  keeper.let_go();
  EXPECT_EQ(holder.receive_frame(), "done");
  EXPECT_TRUE(eventually([&] {
    keeper.let_go();
    return patient.readable(std::chrono::milliseconds(0));
  }));
  EXPECT_EQ(patient.receive_frame(), "done");
  keeper.end(test);
}

TEST(RequestMemory, IsTakenFromThoseWhoDripWhileOthersWait) {
  auto config = small_memory();
  // Long enough for the honest one to end its frames on a busy machine too.
  config.pressure_progress_window = std::chrono::milliseconds(500);
  config.pressure_min_bytes_per_second = 100'000;
  ServerUnderTest test(echo, config);
  // They hold the budget with parts of frames that they never end.
  std::vector<RawClient> drippers;
  for (int each = 0; each < 3; ++each) {
    drippers.emplace_back(test.port);
    drippers.back().send_frame("first");
    ASSERT_EQ(drippers.back().receive_frame(), "first");
  }
  std::vector<std::thread> threads;
  for (auto& dripper : drippers)
    threads.emplace_back([&] { dripper.send(length_only(frame_max) + std::string(frame_max - 1, 'x')); });
  EXPECT_TRUE(eventually([&] { return metric(test.metrics, "millrace_request_memory_waits_total") > 0; }))
      << "they hold too little";
  RawClient honest(test.port);
  std::atomic<int> answered{0};
  threads.emplace_back([&] {
    for (int request = 0; request < 3; ++request) {
      honest.send_frame(std::string(800'000, 'h'));
      auto answer = honest.receive_frame();
      if (answer && answer->size() == 800'000) ++answered;
    }
  });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(answered, 3);
  EXPECT_GE(test.closed_by("slow_sender_under_memory_pressure"), 1);
}

TEST(RequestMemory, BeforeAuthenticationIsSmallAndCountedApart) {
  auto config = small_memory();
  config.unauthenticated_request_max_bytes = 1'000;
  config.unauthenticated_request_bytes = 2'000;
  ServerUnderTest test(
      [](Request request, Responder responder) {
        if (as_text(request.frame->bytes()) == "secret") request.connection.authenticated = true;
        echo(request, std::move(responder));
      },
      config, 1, {.name = "SASL", .host = "", .authenticates = true});
  RawClient stranger(test.port);
  stranger.send(framed(std::string(1'001, 'x')));
  EXPECT_TRUE(stranger.is_closed_by_peer());
  RawClient friendly(test.port);
  friendly.send_frame(std::string(1'000, 'x'));
  EXPECT_EQ(friendly.receive_frame(), std::string(1'000, 'x'));
  // The frame behind is begun before the connection is authenticated, and is counted as it began.
  friendly.send(framed("secret") + framed(std::string(900, 'y')));
  EXPECT_EQ(friendly.receive_frame(), "secret");
  EXPECT_EQ(friendly.receive_frame(), std::string(900, 'y'));
  friendly.send_frame(std::string(500'000, 'z'));
  EXPECT_EQ(friendly.receive_frame(), std::string(500'000, 'z'));
  EXPECT_TRUE(eventually([&] { return used_bytes(test, "clients") == 0 && used_bytes(test, "unauthenticated") == 0; }));
}

}  // namespace
}  // namespace millrace::network

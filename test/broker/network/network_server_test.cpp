#include "broker/network/network_server.h"

#include <future>
#include <mutex>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "test/broker/network/on_shard.h"
#include "test/broker/network/server_under_test.h"

namespace millrace::network {
namespace {

TEST(NetworkServer, AnswersAFrameWithAFrame) {
  ServerUnderTest test(echo);
  RawClient client(test.port);
  ASSERT_TRUE(client.send_frame("hello"));
  EXPECT_EQ(client.receive_frame(), "hello");
  EXPECT_TRUE(eventually(
      [&] { return metric(test.metrics, "millrace_connections_accepted_total{listener=\"PLAINTEXT\"}") == 1; }));
}

TEST(NetworkServer, TellsTheHandlerWhoCallsAndOnWhichShard) {
  ConnectionInfo seen;
  bool on_its_shard = false;
  std::atomic<bool> done{false};
  ServerUnderTest test([&](Request request, Responder responder) {
    seen = request.connection;
    on_its_shard = request.connection.shard->is_current();
    done = true;  // before the answer, which the client may see at once
    echo(request, std::move(responder));
  });
  RawClient client(test.port);
  client.send_frame("x");
  client.receive_frame();
  ASSERT_TRUE(done);
  EXPECT_EQ(seen.listener, "PLAINTEXT");
  EXPECT_EQ(seen.peer_host, "127.0.0.1");
  EXPECT_EQ(seen.local_host, "127.0.0.1");
  EXPECT_EQ(seen.local_port, test.port);
  EXPECT_NE(seen.peer_port, 0);
  EXPECT_TRUE(on_its_shard);
}

TEST(NetworkServer, SaysWhenARequestCameNotWhenTheShardLastWoke) {
  MonotonicTime received{};
  ServerUnderTest under_test([&](const Request& request, Responder responder) {
    received = request.received;
    echo(request, std::move(responder));
  });
  RawClient client(under_test.port);
  // A turn that goes on can read a request that came after it began: most of them, not all, come to a shard that sleeps.
  int in_its_own_turn = 0;
  for (int request = 0; request < 100; ++request) {
    const auto before = SystemClock().now();
    client.send(framed("x"));
    ASSERT_EQ(client.receive_frame(), "x");
    EXPECT_LE(received, SystemClock().now());
    if (received >= before) ++in_its_own_turn;
  }
  EXPECT_GT(in_its_own_turn, 0);
}

TEST(NetworkServer, AnswersPipelinedRequestsInTheirOrder) {
  ServerUnderTest test(echo);
  RawClient client(test.port);
  constexpr int requests = 5'000;
  std::thread sender([&] {
    std::string bytes;
    for (int number = 0; number < requests; ++number) bytes += framed("request " + std::to_string(number));
    client.send(bytes);
  });
  for (int number = 0; number < requests; ++number)
    ASSERT_EQ(client.receive_frame(), "request " + std::to_string(number));
  sender.join();
}

TEST(NetworkServer, SendsAnswersInTheOrderOfTheRequestsWhateverOrderTheyAreGivenIn) {
  // Three requests wait for a fourth, then all are answered from the last to the first.
  std::vector<std::pair<std::string, Responder>> waiting;
  ServerUnderTest test([&](Request request, Responder responder) {
    waiting.emplace_back(as_text(request.frame->bytes()), std::move(responder));
    if (waiting.size() < 4) return;
    while (!waiting.empty()) {
      waiting.back().second.answer(chain_of("answer to " + waiting.back().first));
      waiting.pop_back();
    }
  });
  RawClient client(test.port);
  client.send(framed("1") + framed("2") + framed("3") + framed("4"));
  for (const auto* number : {"1", "2", "3", "4"}) EXPECT_EQ(client.receive_frame(), std::string("answer to ") + number);
}

TEST(NetworkServer, SendsAnswersGivenAtRandomTimesThroughOtherShardsInOrder) {
  ShardRuntime* runtime = nullptr;
  ServerUnderTest test(
      [&](Request request, Responder responder) {
        auto& home = *request.connection.shard;
        auto number = std::stoi(std::string(as_text(request.frame->bytes())));
        auto& other = runtime->at((home.id() + static_cast<ShardId>(number)) % static_cast<ShardId>(runtime->size()));
        other.post([&home, frame = request.frame, responder = std::move(responder), number]() mutable {
          home.post([&home, frame, responder = std::move(responder), number]() mutable {
            home.after(std::chrono::microseconds(number * 7919 % 3000),
                       [frame, responder = std::move(responder)]() mutable {
                         responder.answer(chain_of(as_text(frame->bytes())));
                       });
          });
        });
      },
      {}, 3);
  runtime = test.runtime.get();
  std::vector<std::thread> clients;
  for (int each = 0; each < 6; ++each) {
    clients.emplace_back([&] {
      RawClient client(test.port);
      std::string bytes;
      for (int number = 0; number < 300; ++number) bytes += framed(std::to_string(number));
      ASSERT_TRUE(client.send(bytes));
      for (int number = 0; number < 300; ++number) ASSERT_EQ(client.receive_frame(), std::to_string(number));
    });
  }
  for (auto& client : clients) client.join();
}

TEST(NetworkServer, ReadsNoMoreRequestsThanMayBeInWorkUntilOneIsAnswered) {
  NetworkConfig config;
  config.max_in_flight_requests_per_connection = 3;
  std::mutex mutex;
  std::vector<Responder> waiting;
  ServerUnderTest test(
      [&](Request, Responder responder) {
        std::scoped_lock lock(mutex);
        waiting.push_back(std::move(responder));
      },
      config);
  RawClient client(test.port);
  std::string bytes;
  for (int request = 0; request < 10; ++request) bytes += framed("x");
  client.send(bytes);
  auto& handled = test.handler.handled;
  EXPECT_TRUE(eventually([&] { return handled == 3; }));
  EXPECT_FALSE(eventually([&] { return handled > 3; }, std::chrono::milliseconds(50)));
  for (int answered = 0; answered < 10; ++answered) {
    ASSERT_TRUE(eventually([&] { return handled == std::min(10, 3 + answered); }));
    Responder next = [&] {
      std::scoped_lock lock(mutex);
      Responder first = std::move(waiting.front());
      waiting.erase(waiting.begin());
      return first;
    }();
    auto& shard = next.shard();
    on(shard, [responder = std::move(next)]() mutable { responder.answer(chain_of("y")); });
    ASSERT_EQ(client.receive_frame(), "y");
  }
}

TEST(NetworkServer, SendsNothingForARequestThatHasNoAnswer) {
  ServerUnderTest test([](Request request, Responder responder) {
    as_text(request.frame->bytes()) == "quiet" ? responder.no_answer() : echo(request, std::move(responder));
  });
  RawClient client(test.port);
  client.send(framed("quiet") + framed("loud") + framed("quiet") + framed("louder"));
  EXPECT_EQ(client.receive_frame(), "loud");
  EXPECT_EQ(client.receive_frame(), "louder");
}

TEST(NetworkServer, AnswersEarlierRequestsBeforeItClosesForALaterOneAndHandlesNoneAfterIt) {
  std::vector<Responder> first;
  ServerUnderTest test([&](Request request, Responder responder) {
    auto text = as_text(request.frame->bytes());
    if (text == "slow") {
      first.push_back(std::move(responder));
      auto& shard = *request.connection.shard;
      shard.after(std::chrono::milliseconds(20), [&first] {
        first.back().answer(chain_of("late"));
        first.clear();
      });
    } else {
      responder.close("an unknown key");
    }
  });
  RawClient client(test.port);
  client.send(framed("slow") + framed("bad") + framed("never"));
  EXPECT_EQ(client.receive_frame(), "late");
  EXPECT_TRUE(client.is_closed_by_peer());
  EXPECT_EQ(test.handler.handled, 2);
  EXPECT_TRUE(
      eventually([&] { return test.closed_by("closed_by_handler") == 1 && test.handler.closed_connections == 1; }));
}

TEST(NetworkServer, ClosesWhenARequestIsDroppedOnItsShardOrOnAnyOtherThread) {
  ServerUnderTest test([](Request request, Responder responder) {
    if (as_text(request.frame->bytes()) == "elsewhere") {
      request.connection.shard->pool().submit([responder = std::move(responder)] {});
    }
  });
  for (const auto* where : {"here", "elsewhere"}) {
    RawClient client(test.port);
    client.send_frame(where);
    EXPECT_TRUE(client.is_closed_by_peer()) << where;
  }
  EXPECT_TRUE(eventually([&] { return test.closed_by("request_dropped") == 2; }));
}

TEST(NetworkServer, IgnoresAnswersAfterThePeerHasGoneAndSaysThatItHasGone) {
  std::promise<Responder> asked;
  ServerUnderTest test([&](Request, Responder responder) { asked.set_value(std::move(responder)); });
  auto client = std::make_unique<RawClient>(test.port);
  client->send_frame("x");
  auto responder = asked.get_future().get();
  client.reset();
  EXPECT_TRUE(eventually([&] { return test.handler.closed_connections == 1; }));
  auto& shard = responder.shard();
  EXPECT_FALSE(on(shard, [late = std::move(responder)]() mutable {
    bool open = late.is_open();
    late.answer(chain_of("nobody hears"));
    return open;
  }));
}

TEST(NetworkServer, ReadsNothingFromAMutedConnectionUntilTheTimeIsOver) {
  ServerUnderTest test([](Request request, Responder responder) {
    bool loud = as_text(request.frame->bytes()) == "loud";
    responder.answer(chain_of("ok"), loud ? std::chrono::milliseconds(200) : std::chrono::milliseconds(0));
  });
  RawClient client(test.port);
  auto begin = std::chrono::steady_clock::now();
  client.send(framed("loud"));
  ASSERT_EQ(client.receive_frame(), "ok") << "the answer itself is not delayed";
  client.send(framed("next"));
  ASSERT_EQ(client.receive_frame(), "ok");
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(200));
}

TEST(NetworkServer, SpreadsConnectionsOverTheShards) {
  std::mutex mutex;
  std::map<ShardId, int> by_shard;
  ServerUnderTest test(
      [&](Request request, Responder responder) {
        {
          std::scoped_lock lock(mutex);
          ++by_shard[request.connection.shard->id()];
        }
        echo(request, std::move(responder));
      },
      {}, 4);
  std::vector<RawClient> clients;
  for (int each = 0; each < 40; ++each) {
    clients.emplace_back(test.port);
    clients.back().send_frame("x");
    ASSERT_EQ(clients.back().receive_frame(), "x");
  }
  std::scoped_lock lock(mutex);
  for (ShardId id = 0; id < 4; ++id) EXPECT_EQ(by_shard[id], 10);
}

TEST(NetworkServer, NamesTheListenerItsAddressAndTheReasonWhenAPortIsInUse) {
  ServerUnderTest test(echo);
  auto taken = test.server->add_listener({.name = "SECOND", .host = "127.0.0.1", .port = test.port});
  ASSERT_FALSE(taken.has_value());
  EXPECT_EQ(taken.error().kind, ErrorKind::conflict);
  auto port = std::to_string(test.port);
  EXPECT_EQ(taken.error().message, "cannot listen on SECOND://127.0.0.1:" + port + ": port " + port +
                                       " is in use by another process (Address already in use)");
}

TEST(NetworkServer, RefusesAddressesThatThisMachineDoesNotHaveAndUnknownHosts) {
  ServerUnderTest test(echo);
  for (const auto* host : {"192.0.2.1", "no-such-host.invalid"}) {
    auto listener = test.server->add_listener({.name = "X", .host = host});
    ASSERT_FALSE(listener.has_value());
    EXPECT_EQ(listener.error().kind, ErrorKind::invalid_argument) << listener.error().message;
  }
  EXPECT_EQ(test.server->add_listener({.name = "PLAINTEXT", .host = ""}).error().kind, ErrorKind::already_exists);
}

TEST(NetworkServer, BindsAtOnceAndRefusesClientsUntilItIsStarted) {
  MetricsRegistry metrics;
  LambdaHandler handler(echo);
  auto runtime = ShardRuntime::start({}, metrics);
  auto server = NetworkServer::create(**runtime, {}, handler, metrics);
  auto port = (*server)->add_listener({.name = "A", .host = ""});
  ASSERT_TRUE(port.has_value());
  EXPECT_FALSE(RawClient(*port).connected());
  ASSERT_TRUE((*server)->start().has_value());
  RawClient client(*port);
  client.send_frame("x");
  EXPECT_EQ(client.receive_frame(), "x");
}

TEST(NetworkServer, AddsAndRemovesListenersWhileItServesAndKeepsTheirConnections) {
  ServerUnderTest test(
      [](Request request, Responder responder) { responder.answer(chain_of(request.connection.listener)); });
  auto port = test.server->add_listener({.name = "LATER", .host = "localhost"});
  ASSERT_TRUE(port.has_value());
  RawClient client(*port);
  client.send_frame("?");
  EXPECT_EQ(client.receive_frame(), "LATER");
  EXPECT_EQ(test.server->listeners().size(), 2U);
  ASSERT_TRUE(test.server->remove_listener("LATER").has_value());
  EXPECT_FALSE(RawClient(*port).connected());
  client.send_frame("?");
  EXPECT_EQ(client.receive_frame(), "LATER");
  EXPECT_EQ(test.server->remove_listener("LATER").error().kind, ErrorKind::not_found);
}

TEST(NetworkServer, FinishesRequestsInWorkBeforeItStops) {
  std::atomic<bool> asked{false};
  ServerUnderTest test([&](Request request, Responder responder) {
    asked = true;
    request.connection.shard->after(std::chrono::milliseconds(100), [responder = std::move(responder)]() mutable {
      responder.answer(chain_of("finished"));
    });
  });
  RawClient busy(test.port);
  RawClient idle(test.port);
  busy.send_frame("x");
  EXPECT_TRUE(eventually([&] { return asked.load(); }));
  EXPECT_TRUE(test.server->stop(patience));
  EXPECT_EQ(busy.receive_frame(), "finished");
  EXPECT_TRUE(busy.is_closed_by_peer());
  EXPECT_TRUE(idle.is_closed_by_peer());
  EXPECT_FALSE(RawClient(test.port).connected());
  EXPECT_EQ(test.server->connections(), 0U);
}

TEST(NetworkServer, CutsRequestsOffWhenItsPatienceEndsAndSaysSo) {
  std::vector<Responder> kept;
  std::atomic<bool> asked{false};
  ServerUnderTest test([&](Request, Responder responder) {
    kept.push_back(std::move(responder));
    asked = true;
  });
  RawClient client(test.port);
  client.send_frame("x");
  EXPECT_TRUE(eventually([&] { return asked.load(); }));
  EXPECT_FALSE(test.server->stop(std::chrono::milliseconds(20)));
  EXPECT_TRUE(client.is_closed_by_peer());
  kept.clear();  // the responder outlives its connection
}

TEST(NetworkServer, StopsUnderLoad) {
  for (int round = 0; round < 5; ++round) {
    ServerUnderTest test(echo, {}, 2);
    std::atomic<bool> stop{false};
    std::vector<std::thread> clients;
    for (int each = 0; each < 4; ++each) {
      clients.emplace_back([&] {
        while (!stop) {
          RawClient client(test.port);
          for (int request = 0; request < 50 && client.connected() && !stop; ++request) {
            if (!client.send_frame("load") || client.receive_frame() != "load") break;
          }
        }
      });
    }
    EXPECT_TRUE(eventually([&] { return test.handler.handled > 200; }));
    test.server->stop(std::chrono::seconds(10));
    EXPECT_EQ(test.server->connections(), 0U);
    stop = true;
    for (auto& client : clients) client.join();
  }
}

}  // namespace
}  // namespace millrace::network

#include "broker/http/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "test/broker/base/failing_accepts.h"

namespace millrace::http {
namespace {

constexpr int patience_ms = 30'000;

class Client {
 public:
  explicit Client(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  Client(Client&& other) noexcept : socket_(std::exchange(other.socket_, -1)), connected_(other.connected_) {}
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  Client& operator=(Client&&) = delete;
  ~Client() {
    if (socket_ >= 0) ::close(socket_);
  }

  [[nodiscard]] bool connected() const { return connected_; }
  void send(std::string_view bytes) { ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }

  [[nodiscard]] bool readable() const {
    pollfd wanted{socket_, POLLIN, 0};
    return ::poll(&wanted, 1, patience_ms) > 0;
  }

  // All until the server closes; "(no end)" in the result when it never does.
  std::string receive_all(int timeout_ms = patience_ms) {
    std::string all;
    for (;;) {
      pollfd wanted{socket_, POLLIN, 0};
      if (::poll(&wanted, 1, timeout_ms) <= 0) return all + "(no end)";
      char piece[4096];
      auto count = ::recv(socket_, piece, sizeof piece, 0);
      if (count <= 0) return all;
      all.append(piece, static_cast<std::size_t>(count));
    }
  }

  // One response with a content-length.
  std::string receive_response() {
    std::string all;
    for (;;) {
      auto header_end = all.find("\r\n\r\n");
      if (header_end != std::string::npos) {
        auto at = all.find("Content-Length: ");
        auto length = at == std::string::npos ? 0 : std::stoul(all.substr(at + 16));
        if (all.size() >= header_end + 4 + length) return all;
      }
      pollfd wanted{socket_, POLLIN, 0};
      if (::poll(&wanted, 1, patience_ms) <= 0) return all + "(no end)";
      char piece[4096];
      auto count = ::recv(socket_, piece, sizeof piece, 0);
      if (count <= 0) return all + "(closed)";
      all.append(piece, static_cast<std::size_t>(count));
    }
  }

 private:
  int socket_;
  bool connected_ = false;
};

struct HttpServerTest : testing::Test {
  void start(HttpConfig config = {}) {
    config.host = "127.0.0.1";
    auto started = HttpServer::start(config);
    ASSERT_TRUE(started.has_value()) << started.error().message;
    server = std::move(*started);
    server->handle("/livez", [](const HttpRequest&) { return HttpResponse{.body = "alive\n"}; });
    server->handle("/echo",
                   [](const HttpRequest& request) { return HttpResponse{.body = request.path + "|" + request.query}; });
    server->handle("/large", [](const HttpRequest&) { return HttpResponse{.body = std::string(3'000'000, 'm')}; });
    server->handle("/readyz", [](const HttpRequest&) { return HttpResponse{.status = 503, .body = "recovering\n"}; });
    server->handle("/throws", [](const HttpRequest&) -> HttpResponse { throw std::runtime_error("words"); });
  }
  std::string ask(std::string_view request) {
    Client client(server->port());
    client.send(request);
    return client.receive_all();
  }
  static bool has(const std::string& all, std::string_view part) { return all.find(part) != std::string::npos; }
  static std::string status_of(const std::string& response) { return response.substr(0, response.find("\r\n")); }

  std::unique_ptr<HttpServer> server;
};

TEST_F(HttpServerTest, AnswersAGetWithStatusTypeAndBody) {
  start();
  auto response = ask("GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(status_of(response), "HTTP/1.1 200 OK");
  EXPECT_TRUE(has(response, "Content-Type: text/plain; charset=utf-8\r\n")) << response;
  EXPECT_TRUE(has(response, "Content-Length: 6\r\n"));
  EXPECT_TRUE(response.ends_with("\r\n\r\nalive\n"));
  EXPECT_EQ(status_of(ask("GET /readyz HTTP/1.1\r\nConnection: close\r\n\r\n")), "HTTP/1.1 503 Service Unavailable");
  EXPECT_EQ(status_of(ask("GET /livez HTTP/1.0\r\n\r\n")), "HTTP/1.1 200 OK");
}

TEST_F(HttpServerTest, AnswersAHeadWithoutABodyAndTheLengthOfTheBody) {
  start();
  auto response = ask("HEAD /livez HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(status_of(response), "HTTP/1.1 200 OK");
  EXPECT_TRUE(has(response, "Content-Length: 6\r\n"));
  EXPECT_TRUE(response.ends_with("\r\n\r\n"));
}

TEST_F(HttpServerTest, SplitsPathAndQuery) {
  start();
  EXPECT_TRUE(ask("GET /echo?a=1&b=2 HTTP/1.1\r\nConnection: close\r\n\r\n").ends_with("/echo|a=1&b=2"));
}

TEST_F(HttpServerTest, RefusesUnknownPathsAndOtherMethods) {
  start();
  EXPECT_EQ(status_of(ask("GET /nothing HTTP/1.1\r\nConnection: close\r\n\r\n")), "HTTP/1.1 404 Not Found");
  auto refused = ask("POST /livez HTTP/1.1\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_EQ(status_of(refused), "HTTP/1.1 405 Method Not Allowed");
  EXPECT_TRUE(has(refused, "Allow: GET, HEAD\r\n"));
}

TEST_F(HttpServerTest, KeepsAConnectionForSeveralRequests) {
  start();
  Client client(server->port());
  for (int request = 0; request < 100; ++request) {
    client.send("GET /echo?" + std::to_string(request) + " HTTP/1.1\r\n\r\n");
    ASSERT_TRUE(client.receive_response().ends_with("/echo|" + std::to_string(request)));
  }
  client.send("GET /echo?1 HTTP/1.1\r\n\r\nGET /echo?2 HTTP/1.1\r\nConnection: close\r\n\r\n");
  auto both = client.receive_all();
  EXPECT_LT(both.find("/echo|1"), both.find("/echo|2"));
  EXPECT_TRUE(both.ends_with("/echo|2"));
}

TEST_F(HttpServerTest, SendsLargeBodiesWhole) {
  start();
  auto response = ask("GET /large HTTP/1.1\r\nConnection: close\r\n\r\n");
  auto body = response.substr(response.find("\r\n\r\n") + 4);
  EXPECT_EQ(body.size(), 3'000'000U);
}

TEST_F(HttpServerTest, SaysThatAHandlerFailed) {
  start();
  auto response = ask("GET /throws HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(status_of(response), "HTTP/1.1 500 Internal Server Error");
  EXPECT_TRUE(has(response, "words"));
}

TEST_F(HttpServerTest, RefusesWhatIsNotHttp) {
  start();
  for (std::string_view bytes :
       {std::string_view("hello\r\n\r\n"), std::string_view("GET\r\n\r\n"),
        std::string_view("GET /livez HTTP/9\r\n\r\n"), std::string_view("GET /livez HTTP/1.1\r\nno colon\r\n\r\n"),
        std::string_view("\x16\x03\x01\x02\x00\x01", 6), std::string_view("\0\0\0\x10\0\x12\0\0", 8)}) {
    auto response = ask(std::string(bytes) + "\r\n\r\n");
    EXPECT_EQ(status_of(response), "HTTP/1.1 400 Bad Request") << bytes;
  }
  EXPECT_EQ(status_of(ask("GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n")), "HTTP/1.1 200 OK");
}

TEST_F(HttpServerTest, BoundsHeadersAndBodies) {
  start();
  auto long_header = "GET /livez HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n";
  EXPECT_EQ(status_of(ask(long_header)), "HTTP/1.1 431 Request Header Fields Too Large");
  EXPECT_EQ(status_of(ask("GET /livez HTTP/1.1\r\nContent-Length: 4097\r\n\r\n")), "HTTP/1.1 413 Payload Too Large");
  EXPECT_EQ(status_of(ask("GET /livez HTTP/1.1\r\nContent-Length: 99999999999999\r\n\r\n")),
            "HTTP/1.1 413 Payload Too Large");
  auto within = "GET /livez HTTP/1.1\r\nConnection: close\r\nContent-Length: 4096\r\n\r\n" + std::string(4'096, 'b');
  EXPECT_EQ(status_of(ask(within)), "HTTP/1.1 200 OK");
}

TEST_F(HttpServerTest, ClosesConnectionsThatAreSilentOrTakeTooLong) {
  // A whole request is made within a second on a busy machine too.
  start({.host = {}, .request_timeout = std::chrono::seconds(1), .idle_timeout = std::chrono::milliseconds(100)});
  EXPECT_EQ(Client(server->port()).receive_all(), "") << "nothing was asked";
  Client slow(server->port());
  slow.send("GET /livez HT");
  EXPECT_EQ(slow.receive_all(), "");
  Client idle(server->port());
  idle.send("GET /livez HTTP/1.1\r\n\r\n");
  EXPECT_EQ(status_of(idle.receive_response()), "HTTP/1.1 200 OK");
  EXPECT_EQ(idle.receive_all(), "");
}

TEST_F(HttpServerTest, ClosesAReaderThatTakesNothing) {
  start({.host = {}, .request_timeout = std::chrono::milliseconds(100)});
  server->handle("/huge", [](const HttpRequest&) { return HttpResponse{.body = std::string(50'000'000, 'h')}; });
  // The reader's own idleness; a longer one where the machine is too busy to end the connection in time.
  std::size_t received = 50'000'000;
  for (auto idleness : {std::chrono::milliseconds(300), std::chrono::milliseconds(3'000)}) {
    Client client(server->port());
    client.send("GET /huge HTTP/1.1\r\n\r\n");
    EXPECT_TRUE(client.readable());
    std::this_thread::sleep_for(idleness);
    received = client.receive_all().size();
    if (received < 50'000'000U) break;
  }
  EXPECT_LT(received, 50'000'000U);
}

TEST_F(HttpServerTest, MakesRoomByClosingAnIdleConnectionAndRefusesWhenAllAreBusy) {
  start({.host = {}, .max_connections = 2});
  Client idle(server->port());
  idle.send("GET /livez HTTP/1.1\r\n\r\n");
  idle.receive_response();
  Client busy(server->port());
  busy.send("GET /li");
  Client probe(server->port());
  probe.send("GET /livez HTTP/1.1\r\n\r\n");
  EXPECT_EQ(status_of(probe.receive_response()), "HTTP/1.1 200 OK");
  EXPECT_EQ(idle.receive_all(), "");
  busy.send("vez HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(status_of(busy.receive_all()), "HTTP/1.1 200 OK");
}

TEST_F(HttpServerTest, AnswersAProbeThoughSilentConnectionsHoldEveryPlace) {
  start({.host = {}, .max_connections = 2});
  Client silent(server->port());
  Client partial(server->port());
  partial.send("GET /li");
  for (int probe = 0; probe < 5; ++probe) {
    Client client(server->port());
    client.send("GET /livez HTTP/1.1\r\n\r\n");
    EXPECT_EQ(status_of(client.receive_response()), "HTTP/1.1 200 OK") << probe;
  }
}

TEST_F(HttpServerTest, ServesManyClientsAtOnce) {
  start({.host = {}, .max_connections = 16});
  std::vector<std::thread> threads;
  std::atomic<int> answered{0};
  for (int each = 0; each < 8; ++each) {
    threads.emplace_back([&] {
      for (int request = 0; request < 50; ++request) {
        if (status_of(ask("GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n")) == "HTTP/1.1 200 OK") ++answered;
      }
    });
  }
  for (int each = 0; each < 50; ++each)
    server->handle("/more" + std::to_string(each), [](const HttpRequest&) { return HttpResponse{}; });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(answered, 400);
}

TEST_F(HttpServerTest, NamesTheAddressAndTheReasonWhenItCannotListen) {
  start();
  auto port = std::to_string(server->port());
  auto taken = HttpServer::start({.host = "127.0.0.1", .port = server->port()});
  ASSERT_FALSE(taken.has_value());
  EXPECT_EQ(taken.error().kind, ErrorKind::conflict);
  EXPECT_EQ(taken.error().message, "cannot listen on http://127.0.0.1:" + port + ": port " + port +
                                       " is in use by another process (Address already in use)");
  EXPECT_EQ(HttpServer::start({.host = "not an address"}).error().kind, ErrorKind::invalid_argument);
  EXPECT_EQ(HttpServer::start({.host = "192.0.2.1"}).error().kind, ErrorKind::invalid_argument);
  EXPECT_TRUE(HttpServer::start({.host = ""}).has_value());
}

TEST_F(HttpServerTest, StopsWithConnectionsInEveryState) {
  start();
  Client silent(server->port());
  Client partial(server->port());
  partial.send("GET /");
  Client idle(server->port());
  idle.send("GET /livez HTTP/1.1\r\n\r\n");
  idle.receive_response();
  Client reading(server->port());
  reading.send("GET /large HTTP/1.1\r\n\r\n");
  auto port = server->port();
  server->stop();
  server->stop();
  EXPECT_FALSE(Client(port).connected());
  EXPECT_EQ(silent.receive_all(), "");
  server.reset();
}

TEST_F(HttpServerTest, ServesOnWhenTheProcessRunsOutOfFiles) {
  start();
  std::optional<FailingAccepts> no_files(std::in_place);
  Client waiting(server->port());
  ASSERT_TRUE(waiting.connected());
  waiting.send("GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n");
  for (int wait = 0; no_files->count() < 2 && wait < patience_ms; ++wait)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_GE(no_files->count(), 2);
  no_files.reset();
  EXPECT_EQ(status_of(waiting.receive_all()), "HTTP/1.1 200 OK");
}

}  // namespace
}  // namespace millrace::http

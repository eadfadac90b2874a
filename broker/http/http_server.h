// The small web server for /metrics, /livez and /readyz (Boost.Beast), on a port and a thread of its own, so that it answers
// even when a shard is stuck. GET and HEAD only.
//
// Bounded: connections, header and body bytes, time per request. Handlers run on the server's thread, one at a time: they read
// shared state and return, they never wait for a shard.
//
// Threads: start, handle and stop from any. Errors: invalid_argument (host), io / permission_denied / conflict (port in use) with the
// address and the system's word.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "broker/base/clock.h"
#include "broker/base/result.h"

namespace millrace::http {

struct HttpConfig {
  std::string host;        // a numeric address; empty: all addresses, IPv4 and IPv6
  std::uint16_t port = 0;  // 0: the system chooses
  std::size_t max_connections = 64;
  std::size_t max_header_bytes = 8'192;
  std::size_t max_body_bytes = 4'096;  // GET has none; what comes is read up to here and ignored
  Duration request_timeout = std::chrono::seconds(10);
  Duration idle_timeout = std::chrono::seconds(30);  // between two requests of a connection
};

struct HttpRequest {
  std::string path;   // without the query
  std::string query;  // after '?', undecoded
};

struct HttpResponse {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

class HttpServer {
 public:
  // Binds and serves. Paths that nobody has registered yet are 404.
  static Result<std::unique_ptr<HttpServer>> start(const HttpConfig& config);
  ~HttpServer();  // stops
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Serves `path` (exact) by `handler`, replacing an earlier one.
  void handle(const std::string& path, HttpHandler handler);

  [[nodiscard]] std::uint16_t port() const;

  // Closes all connections and joins the thread. No handler runs afterwards.
  void stop();

 private:
  class State;
  explicit HttpServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace millrace::http

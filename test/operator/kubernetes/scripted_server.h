// An HTTP server on port 0 whose answers a test writes byte by byte: chunks that end in the middle of a line, connections that break,
// answers that never come. Each connection has a thread; the handler runs on it and writes to the Connection.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

struct ssl_ctx_st;
struct ssl_st;

namespace millrace::kubernetes {

struct ScriptedRequest {
  std::string method;
  std::string target;                          // path and query, as sent
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  [[nodiscard]] std::string path() const { return target.substr(0, target.find('?')); }
  // The decoded value of a query parameter, or "(none)".
  [[nodiscard]] std::string query(const std::string& key) const;
  [[nodiscard]] std::string header(const std::string& name) const {
    auto found = headers.find(name);
    return found == headers.end() ? "(none)" : found->second;
  }
};

class ScriptedConnection {
 public:
  ScriptedConnection(int socket, ssl_st* ssl) : socket_(socket), ssl_(ssl) {}
  ~ScriptedConnection();

  void answer(int status, std::string_view body, std::string_view more_headers = "");
  void begin_chunks(int status = 200);
  void chunk(std::string_view bytes);
  void end_chunks() { write("0\r\n\r\n"); }
  void write(std::string_view bytes);
  // Ends the connection without a word.
  void break_off();
  // Until the client closes the connection or the server stops.
  void wait_until_closed();

  // For the server.
  bool handshake();
  bool read_request(ScriptedRequest& request);
  void shut_down();

 private:
  long read_some(char* bytes, std::size_t size);

  int socket_;
  ssl_st* ssl_;
  std::string unread_;
};

class ScriptedServer {
 public:
  using Handler = std::function<void(const ScriptedRequest&, ScriptedConnection&)>;

  // With a TLS context (owned by the caller) it speaks HTTPS.
  explicit ScriptedServer(Handler handler, ssl_ctx_st* tls = nullptr);
  ~ScriptedServer();

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string url() const;
  [[nodiscard]] int connection_count() const { return connection_count_; }

  // The requests so far.
  [[nodiscard]] std::vector<ScriptedRequest> requests() const;
  bool wait_for_requests(std::size_t count, std::chrono::seconds timeout = std::chrono::seconds(30)) const;

 private:
  void accept_connections();
  void serve(int socket);

  Handler handler_;
  ssl_ctx_st* tls_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connection_count_{0};
  std::atomic<bool> stopping_{false};

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<ScriptedRequest> requests_;
  std::vector<ScriptedConnection*> open_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace millrace::kubernetes

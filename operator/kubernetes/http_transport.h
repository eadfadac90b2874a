// HTTP requests to one server, each a blocking call with a deadline. The HTTP library (cpprest) stays behind this header.
//
// All of its I/O runs on one thread for the whole process: it only moves bytes, callers parse them, and closing a connection is
// done there as well, so that a connection's state is never touched by two threads at once.
// The library sends a request again by itself when a kept connection turns out to be closed.
// Any thread. The destructor stops and waits for the calls under way.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "broker/base/clock.h"
#include "broker/base/result.h"
#include "operator/kubernetes/http_exchange.h"

namespace millrace::kubernetes {

class TlsIdentity;

struct HttpRequest {
  std::string method{};
  std::string target{};  // path and query, encoded
  std::string content_type{};
  std::string body{};
  std::string authorization{};
};

struct HttpAnswer {
  HttpHead head{};
  std::string body{};
};

struct HttpTransportOptions {
  std::string server{};     // https://host:port/path
  std::string host_name{};  // for the Host header and the certificate, where it differs from the server's
  std::string user_agent{};
  bool verify_server = true;
  std::size_t answer_bytes_max = 64UL << 20;
};

struct StreamLimits {
  Duration head_timeout{};  // until the answer begins
  Duration silence_max{};   // without a byte: the stream is taken for dead
  std::size_t line_bytes_max = 8UL << 20;
};

class HttpTransport {
 public:
  using LineHandler = std::function<Status(std::string_view line)>;

  static Result<std::unique_ptr<HttpTransport>> make(const HttpTransportOptions& options,
                                                     std::shared_ptr<TlsIdentity> identity);
  ~HttpTransport();
  HttpTransport(const HttpTransport&) = delete;
  HttpTransport& operator=(const HttpTransport&) = delete;

  // Any answer, also an error's, is a success here. Nothing is sent once the time is over.
  Result<HttpAnswer> exchange(const HttpRequest& request, Duration timeout, const std::stop_token& stop = {});

  // An answer of 200 is given line by line until it ends, or is silent too long (both: an answer without a body), or `each`
  // fails. Another answer is returned whole.
  Result<HttpAnswer> stream_lines(const HttpRequest& request, const StreamLimits& limits, const LineHandler& each,
                                  const std::stop_token& stop);

  // Waits; cancelled when stopped meanwhile.
  Status pause(Duration duration, const std::stop_token& stop = {});

  // Calls under way and later ones return cancelled.
  void stop();

 private:
  class Implementation;
  explicit HttpTransport(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace millrace::kubernetes

#include "operator/kubernetes/http_transport.h"

#define _TURN_OFF_PLATFORM_STRING  // NOLINT(bugprone-reserved-identifier): cpprest's own switch
#include <cpprest/http_client.h>
#include <pplx/threadpool.h>

#include <charconv>
#include <condition_variable>
#include <mutex>
#include <set>
#include <utility>

#include "operator/kubernetes/http_body_sink.h"
#include "operator/kubernetes/tls_identity.h"

namespace millrace::kubernetes {

namespace {

using web::http::client::http_client;
using web::http::client::http_client_config;

// The library's own timeout counts from the last byte, and would end quiet watches; our deadlines come first.
constexpr std::chrono::seconds library_timeout{3600};

// How the library's messages begin when a request could not be written.
constexpr std::string_view write_failure = "Failed to write request";
// Kept connections that the server has closed meanwhile, at worst all of them.
constexpr int write_attempt_count_max = 4;

// Once per process, before anything of the library runs; its default would be 40 threads.
void limit_library_threads() {
  static const bool done = [] {
    try {
      crossplat::threadpool::initialize_with_threads(1);
    } catch (const std::exception&) {
      return false;  // somebody else was first
    }
    return true;
  }();
  static_cast<void>(done);
}

// The library drops the error's category. End of file, its most frequent one, has the number of a missing file.
std::string reason_of(int code) {
  constexpr int end_of_file = 2;
  constexpr int largest_system_error = 133;
  if (code == end_of_file) return ": the connection was closed by the other side";
  if (code <= 0 || code > largest_system_error) return {};
  return ": " + std::generic_category().message(code);
}

Error error_of(const std::exception& exception, TlsFailureNote& note) {
  std::string message = exception.what();
  std::string tls = note.take();
  if (!tls.empty()) return Error{ErrorKind::unavailable, tls};
  if (const auto* http = dynamic_cast<const web::http::http_exception*>(&exception)) {
    if (http->error_code() == std::errc::operation_canceled) return Error{ErrorKind::cancelled, "stopped"};
    if (http->error_code() == std::errc::timed_out) return Error{ErrorKind::timed_out, message};
    message += reason_of(http->error_code().value());
  }
  // Before the request was written, so it has had no effect.
  for (std::string_view early :
       {"Failed to connect", "Error resolving", "Failed to resolve", "Error in SSL handshake"}) {
    if (message.starts_with(early)) return Error{ErrorKind::unavailable, message};
  }
  return Error{ErrorKind::connection_loss, message};
}

HttpHead head_of(const web::http::http_response& response) {
  HttpHead head{.status = response.status_code()};
  auto found = response.headers().find("Retry-After");
  if (found != response.headers().end()) {
    int seconds = 0;
    const std::string& text = found->second;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error == std::errc() && end == text.data() + text.size() && seconds >= 0)
      head.retry_after = std::chrono::seconds(seconds);
  }
  return head;
}

web::http::http_request library_request(const HttpRequest& request, const HttpTransportOptions& options) {
  web::http::http_request made(request.method);
  made.set_request_uri(web::uri(request.target));
  made.headers().add("Accept", "application/json");
  made.headers().add("User-Agent", options.user_agent);
  if (!options.host_name.empty()) made.headers().add("Host", options.host_name);
  if (!request.authorization.empty()) made.headers().add("Authorization", request.authorization);
  if (!request.body.empty()) made.set_body(request.body, request.content_type);
  return made;
}

http_client_config library_configuration(const HttpTransportOptions& options,
                                         const std::shared_ptr<TlsIdentity>& identity) {
  http_client_config configuration;
  configuration.set_timeout(library_timeout);
  configuration.set_max_redirects(0);  // a redirected request would carry our token elsewhere
  configuration.set_validate_certificates(options.verify_server);
  configuration.set_ssl_context_callback(
      [identity](boost::asio::ssl::context& context) { identity->apply(context.native_handle()); });
  return configuration;
}

}  // namespace

class HttpTransport::Implementation {
 public:
  Implementation(const HttpTransportOptions& options, std::shared_ptr<TlsIdentity> identity)
      : options_(options),
        identity_(std::move(identity)),
        client_(options.server, library_configuration(options, identity_)) {}

  ~Implementation() {
    stop();
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return exchanges_.empty(); });
  }

  void stop() {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    for (HttpExchange* exchange : exchanges_) exchange->interrupt();
    changed_.notify_all();
  }

  // A request that nobody answers.
  Status pause(Duration duration, const std::stop_token& stop) {
    HttpExchange silence;
    if (!enter(&silence)) return fail(ErrorKind::cancelled, "stopped");
    Result<HttpHead> head;
    {
      std::stop_callback on_stop(stop, [&silence] { silence.interrupt(); });
      head = silence.wait_head(std::chrono::steady_clock::now() + duration);
    }
    leave(&silence);
    if (!head && head.error().kind == ErrorKind::cancelled) return tl::unexpected<Error>(head.error());
    return {};
  }

  // Sends, lets `receive` take the answer from the exchange, and cleans up whatever way that ends.
  template <class Receive>
  Result<HttpAnswer> run(const HttpRequest& request, const std::stop_token& stop, const Receive& receive) {
    auto exchange = std::make_shared<HttpExchange>();
    if (!enter(exchange.get())) return fail(ErrorKind::cancelled, "stopped");
    pplx::cancellation_token_source cancellation;
    Result<HttpAnswer> answer;
    {
      std::stop_callback on_stop(stop, [&exchange] { exchange->interrupt(); });
      Status sent = start(request, exchange, cancellation.get_token());
      answer = sent ? receive(*exchange) : tl::unexpected<Error>(sent.error());
    }
    exchange->abandon();
    if (!exchange->is_finished()) cancel(cancellation);
    leave(exchange.get());
    return answer;
  }

  const HttpTransportOptions& options() const { return options_; }

 private:
  bool enter(HttpExchange* exchange) {
    std::lock_guard lock(mutex_);
    if (stopped_) return false;
    exchanges_.insert(exchange);
    return true;
  }

  void leave(HttpExchange* exchange) {
    std::lock_guard lock(mutex_);
    exchanges_.erase(exchange);
    changed_.notify_all();
  }

  // On the library's thread: it alone touches connections.
  static void cancel(const pplx::cancellation_token_source& cancellation) {
    pplx::create_task([cancellation] { cancellation.cancel(); });
  }

  Status start(const HttpRequest& request, const std::shared_ptr<HttpExchange>& exchange,
               const pplx::cancellation_token& token) {
    try {
      web::http::http_request sent = library_request(request, options_);
      concurrency::streams::streambuf<std::uint8_t> sink(std::make_shared<HttpBodySink>(exchange));
      sent.set_response_stream(concurrency::streams::ostream(sink));
      auto identity = identity_;
      client_.request(sent, token).then([exchange, identity](const pplx::task<web::http::http_response>& task) {
        try {
          web::http::http_response response = task.get();
          exchange->receive_head(head_of(response));
          response.content_ready().then([exchange, identity](const pplx::task<web::http::http_response>& body) {
            try {
              body.get();
              exchange->finish(std::nullopt);
            } catch (const std::exception& exception) {
              exchange->finish(error_of(exception, identity->failure_note()));
            }
          });
        } catch (const std::exception& exception) {
          exchange->finish(error_of(exception, identity->failure_note()));
        }
      });
      return {};
    } catch (const std::exception& exception) {
      return fail(ErrorKind::invalid_argument,
                  "cannot send " + request.method + " " + request.target + ": " + exception.what());
    }
  }

  HttpTransportOptions options_;
  std::shared_ptr<TlsIdentity> identity_;
  http_client client_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<HttpExchange*> exchanges_;
  bool stopped_ = false;
};

namespace {

Result<std::string> take_body(HttpExchange& exchange, MonotonicTime deadline, std::size_t bytes_max) {
  std::string body;
  while (true) {
    Result<std::string> portion = exchange.wait_bytes(deadline);
    if (!portion) return portion;
    if (portion->empty()) return body;
    if (body.size() + portion->size() > bytes_max) {
      return fail(ErrorKind::resource_exhausted, "the answer is longer than " + std::to_string(bytes_max) + " bytes");
    }
    body.empty() ? body = std::move(*portion) : body += *portion;
  }
}

// Cuts portions of any size into lines.
class LineSplitter {
 public:
  LineSplitter(std::size_t line_bytes_max, const HttpTransport::LineHandler& each)
      : bytes_max_(line_bytes_max), each_(each) {}

  Status take(std::string_view portion) {
    while (!portion.empty()) {
      std::size_t end = portion.find('\n');
      std::string_view piece = portion.substr(0, end);
      if (begun_.size() + piece.size() > bytes_max_) {
        return fail(ErrorKind::resource_exhausted, "a line is longer than " + std::to_string(bytes_max_) + " bytes");
      }
      if (end == std::string_view::npos) {
        begun_ += piece;
        return {};
      }
      portion.remove_prefix(end + 1);
      if (Status done = take_line(piece); !done) return done;
    }
    return {};
  }

  [[nodiscard]] bool inside_line() const { return !begun_.empty(); }

 private:
  Status take_line(std::string_view piece) {
    Status done;
    if (begun_.empty()) {
      if (!piece.empty()) done = each_(piece);
    } else {
      begun_ += piece;
      done = each_(begun_);
      begun_ = {};  // a large object's buffer is not kept
    }
    return done;
  }

  std::size_t bytes_max_;
  const HttpTransport::LineHandler& each_;
  std::string begun_;
};

Result<HttpAnswer> take_lines(HttpExchange& exchange, const HttpHead& head, const StreamLimits& limits,
                              const HttpTransport::LineHandler& each) {
  LineSplitter lines(limits.line_bytes_max, each);
  while (true) {
    Result<std::string> portion = exchange.wait_bytes(std::chrono::steady_clock::now() + limits.silence_max);
    if (!portion && portion.error().kind == ErrorKind::timed_out) return HttpAnswer{head, {}};
    if (!portion) return tl::unexpected<Error>(portion.error());
    if (portion->empty()) break;
    if (Status taken = lines.take(*portion); !taken) return tl::unexpected<Error>(taken.error());
  }
  if (lines.inside_line()) return fail(ErrorKind::connection_loss, "the stream ended in the middle of a line");
  return HttpAnswer{head, {}};
}

}  // namespace

HttpTransport::HttpTransport(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}
HttpTransport::~HttpTransport() = default;

Result<std::unique_ptr<HttpTransport>> HttpTransport::make(const HttpTransportOptions& options,
                                                           std::shared_ptr<TlsIdentity> identity) {
  limit_library_threads();
  try {
    return std::unique_ptr<HttpTransport>(
        new HttpTransport(std::make_unique<Implementation>(options, std::move(identity))));
  } catch (const std::exception& exception) {
    return fail(ErrorKind::invalid_argument,
                "server \"" + options.server + "\" is not a URL that can be used: " + exception.what());
  }
}

Result<HttpAnswer> HttpTransport::exchange(const HttpRequest& request, Duration timeout, const std::stop_token& stop) {
  MonotonicTime deadline = std::chrono::steady_clock::now() + timeout;
  std::size_t bytes_max = implementation_->options().answer_bytes_max;
  auto receive = [deadline, bytes_max](HttpExchange& exchange) -> Result<HttpAnswer> {
    Result<HttpHead> head = exchange.wait_head(deadline);
    if (!head) return tl::unexpected<Error>(head.error());
    Result<std::string> body = take_body(exchange, deadline, bytes_max);
    if (!body) return tl::unexpected<Error>(body.error());
    return HttpAnswer{*head, std::move(*body)};
  };
  for (int attempt = 1;; ++attempt) {
    // What is sent after its time may have an effect that nobody expects any more.
    if (std::chrono::steady_clock::now() >= deadline)
      return fail(ErrorKind::timed_out, "the time was over before it was sent");
    Result<HttpAnswer> answer = implementation_->run(request, stop, receive);
    bool unwritten = !answer && answer.error().message.starts_with(write_failure);
    if (!unwritten || attempt >= write_attempt_count_max) return answer;
  }
}

Result<HttpAnswer> HttpTransport::stream_lines(const HttpRequest& request, const StreamLimits& limits,
                                               const LineHandler& each, const std::stop_token& stop) {
  MonotonicTime deadline = std::chrono::steady_clock::now() + limits.head_timeout;
  return implementation_->run(request, stop, [&](HttpExchange& exchange) -> Result<HttpAnswer> {
    Result<HttpHead> head = exchange.wait_head(deadline);
    if (!head) return tl::unexpected<Error>(head.error());
    if (head->status == 200) return take_lines(exchange, *head, limits, each);
    Result<std::string> body = take_body(exchange, deadline, limits.line_bytes_max);
    if (!body) return tl::unexpected<Error>(body.error());
    return HttpAnswer{*head, std::move(*body)};
  });
}

Status HttpTransport::pause(Duration duration, const std::stop_token& stop) {
  return implementation_->pause(duration, stop);
}

void HttpTransport::stop() { implementation_->stop(); }

}  // namespace millrace::kubernetes

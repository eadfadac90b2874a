// One connection of the web server: requests one after the other, each within its time and size. Internal (has Beast types).
// Owned by the server's thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "broker/base/unique_function.h"
#include "broker/http/http_server.h"

namespace millrace::http {

class HttpSession : public std::enable_shared_from_this<HttpSession> {
 public:
  // Answers a request of an allowed method.
  using Respond = std::function<HttpResponse(const HttpRequest&)>;
  using Ended = UniqueFunction<void()>;

  HttpSession(boost::asio::ip::tcp::socket socket, const HttpConfig& config, Respond respond, Ended ended);

  void start();
  void close();
  // Between two requests: nobody misses it when room is needed.
  [[nodiscard]] bool is_idle() const { return idle_; }
  // Whether a whole request is being answered.
  [[nodiscard]] bool has_asked() const { return asked_; }

 private:
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using Response = boost::beast::http::response<boost::beast::http::string_body>;

  void await_request(Duration timeout);
  void on_some_of_request(const boost::beast::error_code& error);
  void on_request(const boost::beast::error_code& error);
  void refuse(const boost::beast::error_code& error);
  void send(HttpResponse content, bool without_body, bool keep_alive);
  void on_sent(const boost::beast::error_code& error, bool keep_alive);

  boost::beast::tcp_stream stream_;
  const HttpConfig& config_;
  Respond respond_;
  Ended ended_;
  boost::beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  std::optional<Response> response_;
  std::optional<boost::beast::http::response<boost::beast::http::empty_body>> response_without_body_;
  bool idle_ = false;
  bool asked_ = false;
  bool closed_ = false;
};

}  // namespace millrace::http

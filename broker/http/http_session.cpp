#include "broker/http/http_session.h"

#include <exception>
#include <utility>

#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

namespace millrace::http {

namespace beast = boost::beast;

HttpSession::HttpSession(boost::asio::ip::tcp::socket socket, const HttpConfig& config, Respond respond, Ended ended)
    : stream_(std::move(socket)),
      config_(config),
      respond_(std::move(respond)),
      ended_(std::move(ended)),
      // A header line may end in the middle of a read, so the buffer must hold more than the header's limit.
      buffer_(2 * (config.max_header_bytes + config.max_body_bytes)) {}

void HttpSession::start() { await_request(config_.request_timeout); }

void HttpSession::close() {
  if (std::exchange(closed_, true)) return;
  beast::error_code ignored;
  stream_.socket().shutdown(boost::asio::ip::tcp::socket::shutdown_both, ignored);
  stream_.close();
  if (auto ended = std::move(ended_)) ended();
}

void HttpSession::await_request(Duration timeout) {
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(config_.max_header_bytes));
  parser_->body_limit(config_.max_body_bytes);
  stream_.expires_after(timeout);
  beast::http::async_read_some(
      stream_, buffer_, *parser_,
      [self = shared_from_this()](const beast::error_code& error, std::size_t) { self->on_some_of_request(error); });
}

// The rest has the time of one request, whatever the connection waited before.
void HttpSession::on_some_of_request(const beast::error_code& error) {
  if (closed_) return;
  idle_ = false;
  if (error || parser_->is_done()) {
    on_request(error);
    return;
  }
  stream_.expires_after(config_.request_timeout);
  beast::http::async_read(
      stream_, buffer_, *parser_,
      [self = shared_from_this()](const beast::error_code& rest_error, std::size_t) { self->on_request(rest_error); });
}

void HttpSession::on_request(const beast::error_code& error) {
  if (closed_) return;
  if (error) {
    refuse(error);
    return;
  }
  asked_ = true;
  const auto& request = parser_->get();
  bool keep_alive = request.keep_alive();
  bool head = request.method() == beast::http::verb::head;
  if (!head && request.method() != beast::http::verb::get) {
    send({405, "text/plain; charset=utf-8", "only GET and HEAD are allowed\n"}, false, keep_alive);
    return;
  }
  std::string target(request.target());
  auto question = target.find('?');
  HttpRequest wanted{target.substr(0, question),
                     question == std::string::npos ? std::string() : target.substr(question + 1)};
  HttpResponse content;
  try {
    content = respond_(wanted);
  } catch (const std::exception& failure) {
    content = {500, "text/plain; charset=utf-8", std::string("the handler failed: ") + failure.what() + "\n"};
  }
  send(std::move(content), head, keep_alive);
}

void HttpSession::refuse(const beast::error_code& error) {
  if (error == beast::http::error::header_limit || error == beast::http::error::buffer_overflow) {
    send({431, "text/plain; charset=utf-8", "the header is larger than allowed\n"}, false, false);
  } else if (error == beast::http::error::body_limit) {
    send({413, "text/plain; charset=utf-8", "the body is larger than allowed\n"}, false, false);
  } else if (error == beast::error::timeout || error == beast::http::error::end_of_stream ||
             error == beast::http::error::partial_message ||
             error.category() != make_error_code(beast::http::error::bad_method).category()) {
    close();
  } else {
    send({400, "text/plain; charset=utf-8", "the request is malformed: " + error.message() + "\n"}, false, false);
  }
}

void HttpSession::send(HttpResponse content, bool without_body, bool keep_alive) {
  stream_.expires_after(config_.request_timeout);
  auto fill = [&](auto& response) {
    response.result(content.status);
    response.version(11);
    response.set(beast::http::field::content_type, content.content_type);
    if (content.status == 405) response.set(beast::http::field::allow, "GET, HEAD");
    response.keep_alive(keep_alive);
    response.content_length(content.body.size());
  };
  auto sent = [self = shared_from_this(), keep_alive](const beast::error_code& error, std::size_t) {
    self->on_sent(error, keep_alive);
  };
  if (without_body) {
    fill(response_without_body_.emplace());
    beast::http::async_write(stream_, *response_without_body_, std::move(sent));
  } else {
    fill(response_.emplace());
    response_->body() = std::move(content.body);
    beast::http::async_write(stream_, *response_, std::move(sent));
  }
}

void HttpSession::on_sent(const beast::error_code& error, bool keep_alive) {
  if (closed_) return;
  response_.reset();
  response_without_body_.reset();
  if (error || !keep_alive) {
    close();
    return;
  }
  idle_ = true;
  asked_ = false;
  await_request(config_.idle_timeout);
}

}  // namespace millrace::http

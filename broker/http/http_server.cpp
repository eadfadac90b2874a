#include "broker/http/http_server.h"

#include <pthread.h>

#include <algorithm>
#include <list>
#include <map>
#include <mutex>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "broker/base/logging.h"
#include "broker/base/thread_signals.h"
#include "broker/http/http_listener.h"
#include "broker/http/http_session.h"

namespace millrace::http {
namespace {

namespace asio = boost::asio;
constexpr Logger logger{"http"};
constexpr Duration accept_pause = std::chrono::milliseconds(100);

}  // namespace

class HttpServer::State {
 public:
  explicit State(const HttpConfig& config) : config_(config), acceptor_(context_), pause_(context_) {}

  Status start() {
    if (auto listening = listen(acceptor_, config_); !listening) return listening;
    port_ = acceptor_.local_endpoint().port();
    accept();
    try {
      SignalsBlocked blocked;
      thread_ = std::thread([this] {
        pthread_setname_np(pthread_self(), "http");
        context_.run();
      });
    } catch (const std::system_error& error) {
      return fail(ErrorKind::resource_exhausted, std::string("cannot start the web server's thread: ") + error.what());
    }
    return {};
  }

  void stop() {
    if (!thread_.joinable()) return;
    asio::post(context_, [this] {
      stopping_ = true;
      boost::system::error_code ignored;
      acceptor_.close(ignored);
      pause_.cancel();
      while (!sessions_.empty()) sessions_.front()->close();
    });
    thread_.join();
  }

  void handle(const std::string& path, HttpHandler handler) {
    std::scoped_lock lock(mutex_);
    handlers_[path] = std::move(handler);
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  void accept() {
    acceptor_.async_accept(context_, [this](const boost::system::error_code& error, asio::ip::tcp::socket socket) {
      if (stopping_) return;
      if (!error) {
        serve(std::move(socket));
        accept();
        return;
      }
      // Out of files, most likely: those that wait stay in the system's queue.
      logger.warning("cannot accept a connection now: " + error.message());
      pause_.expires_after(accept_pause);
      pause_.async_wait([this](const boost::system::error_code& cancelled) {
        if (!cancelled && !stopping_) accept();
      });
    });
  }

  void serve(asio::ip::tcp::socket socket) {
    if (sessions_.size() >= config_.max_connections) {
      // Who is silent must not keep a probe out: the idle ones go first, then the oldest that has not asked yet.
      auto gone = std::ranges::find_if(sessions_, [](const auto& session) { return session->is_idle(); });
      if (gone == sessions_.end())
        gone = std::ranges::find_if(sessions_, [](const auto& session) { return !session->has_asked(); });
      if (gone == sessions_.end()) return;           // closes it
      std::shared_ptr<HttpSession>(*gone)->close();  // which erases it from the list
    }
    auto at = sessions_.emplace(sessions_.end());
    auto session = std::make_shared<HttpSession>(
        std::move(socket), config_, [this](const HttpRequest& request) { return respond(request); },
        [this, at] { sessions_.erase(at); });
    *at = session;
    session->start();
  }

  HttpResponse respond(const HttpRequest& request) {
    HttpHandler handler;
    {
      std::scoped_lock lock(mutex_);
      auto found = handlers_.find(request.path);
      if (found == handlers_.end()) return {404, "text/plain; charset=utf-8", "there is nothing at this path\n"};
      handler = found->second;
    }
    return handler(request);
  }

  const HttpConfig config_;
  asio::io_context context_{1};
  asio::ip::tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  std::list<std::shared_ptr<HttpSession>> sessions_;
  std::uint16_t port_ = 0;
  bool stopping_ = false;
  std::thread thread_;
  std::mutex mutex_;
  std::map<std::string, HttpHandler, std::less<>> handlers_;
};

Result<std::unique_ptr<HttpServer>> HttpServer::start(const HttpConfig& config) {
  try {
    auto state = std::make_unique<State>(config);
    if (auto started = state->start(); !started) return tl::unexpected(started.error());
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
  } catch (const boost::system::system_error& error) {
    return fail(ErrorKind::resource_exhausted, std::string("cannot make the web server's event loop: ") + error.what());
  }
}

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

HttpServer::~HttpServer() { stop(); }

void HttpServer::handle(const std::string& path, HttpHandler handler) { state_->handle(path, std::move(handler)); }

std::uint16_t HttpServer::port() const { return state_->port(); }

void HttpServer::stop() { state_->stop(); }

}  // namespace millrace::http

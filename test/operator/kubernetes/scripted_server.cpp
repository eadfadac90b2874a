#include "test/operator/kubernetes/scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace millrace::kubernetes {

namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string decoded(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '%' && at + 2 < text.size()) {
      plain += static_cast<char>(std::strtol(std::string(text.substr(at + 1, 2)).c_str(), nullptr, 16));
      at += 2;
    } else {
      plain += text[at];
    }
  }
  return plain;
}

}  // namespace

std::string ScriptedRequest::query(const std::string& key) const {
  std::size_t begin = target.find('?');
  while (begin != std::string::npos) {
    std::size_t end = std::min(target.find('&', begin + 1), target.size());
    std::string_view pair = std::string_view(target).substr(begin + 1, end - begin - 1);
    if (pair.substr(0, pair.find('=')) == key) return decoded(pair.substr(pair.find('=') + 1));
    begin = end == target.size() ? std::string::npos : end;
  }
  return "(none)";
}

ScriptedConnection::~ScriptedConnection() {
  if (ssl_ != nullptr) SSL_free(ssl_);
  ::close(socket_);
}

bool ScriptedConnection::handshake() {
  if (ssl_ == nullptr) return true;
  bool done = SSL_accept(ssl_) == 1;
  ERR_clear_error();
  return done;
}

long ScriptedConnection::read_some(char* bytes, std::size_t size) {
  return ssl_ != nullptr ? SSL_read(ssl_, bytes, static_cast<int>(size)) : ::recv(socket_, bytes, size, 0);
}

void ScriptedConnection::write(std::string_view bytes) {
  while (!bytes.empty()) {
    long count = ssl_ != nullptr ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                                 : ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

void ScriptedConnection::answer(int status, std::string_view body, std::string_view more_headers) {
  write("HTTP/1.1 " + std::to_string(status) + " Text\r\nContent-Type: application/json\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n" + std::string(more_headers) + "\r\n" + std::string(body));
}

void ScriptedConnection::begin_chunks(int status) {
  write("HTTP/1.1 " + std::to_string(status) +
        " Text\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
}

void ScriptedConnection::chunk(std::string_view bytes) {
  std::array<char, 32> size{};
  std::snprintf(size.data(), size.size(), "%zx\r\n", bytes.size());
  write(std::string(size.data()) + std::string(bytes) + "\r\n");
}

void ScriptedConnection::break_off() {
  // A reset, as when a machine dies: what was written is there already.
  ::shutdown(socket_, SHUT_RDWR);
}

void ScriptedConnection::wait_until_closed() {
  std::array<char, 4096> ignored{};
  while (read_some(ignored.data(), ignored.size()) > 0) {
  }
}

void ScriptedConnection::shut_down() { ::shutdown(socket_, SHUT_RDWR); }

bool ScriptedConnection::read_request(ScriptedRequest& request) {
  std::array<char, 16384> portion{};
  auto more = [&] {
    long count = read_some(portion.data(), portion.size());
    if (count > 0) unread_.append(portion.data(), static_cast<std::size_t>(count));
    return count > 0;
  };
  std::size_t end = 0;
  while ((end = unread_.find("\r\n\r\n")) == std::string::npos) {
    if (!more()) return false;
  }
  std::string head = unread_.substr(0, end + 2);
  unread_.erase(0, end + 4);
  std::size_t line_end = head.find("\r\n");
  std::string first = head.substr(0, line_end);
  request.method = first.substr(0, first.find(' '));
  request.target = first.substr(request.method.size() + 1, first.rfind(' ') - request.method.size() - 1);
  for (std::size_t at = line_end + 2; at < head.size(); at = line_end + 2) {
    line_end = head.find("\r\n", at);
    std::string line = head.substr(at, line_end - at);
    std::size_t colon = line.find(':');
    std::size_t value = line.find_first_not_of(' ', colon + 1);
    request.headers[lower(line.substr(0, colon))] = value == std::string::npos ? "" : line.substr(value);
  }
  auto length = request.headers.find("content-length");
  std::size_t size = length == request.headers.end() ? 0 : std::stoul(length->second);
  while (unread_.size() < size) {
    if (!more()) return false;
  }
  request.body = unread_.substr(0, size);
  unread_.erase(0, size);
  return true;
}

ScriptedServer::ScriptedServer(Handler handler, ssl_ctx_st* tls) : handler_(std::move(handler)), tls_(tls) {
  // OpenSSL writes to a socket whose client has gone without a flag that would prevent it.
  std::signal(SIGPIPE, SIG_IGN);
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address));
  ::listen(listener_, 64);
  socklen_t size = sizeof(address);
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_connections(); });
}

ScriptedServer::~ScriptedServer() {
  stopping_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  {
    std::lock_guard lock(mutex_);
    for (ScriptedConnection* connection : open_) connection->shut_down();
  }
  for (std::thread& thread : threads_) thread.join();
  ::close(listener_);
}

std::string ScriptedServer::url() const {
  return std::string(tls_ != nullptr ? "https" : "http") + "://127.0.0.1:" + std::to_string(port_);
}

std::vector<ScriptedRequest> ScriptedServer::requests() const {
  std::lock_guard lock(mutex_);
  return requests_;
}

bool ScriptedServer::wait_for_requests(std::size_t count, std::chrono::seconds timeout) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, timeout, [&] { return requests_.size() >= count; });
}

void ScriptedServer::accept_connections() {
  while (!stopping_) {
    int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) return;
    ++connection_count_;
    std::lock_guard lock(mutex_);
    threads_.emplace_back([this, socket] { serve(socket); });
  }
}

void ScriptedServer::serve(int socket) {
  ssl_st* ssl = nullptr;
  if (tls_ != nullptr) {
    ssl = SSL_new(tls_);
    SSL_set_fd(ssl, socket);
  }
  ScriptedConnection connection(socket, ssl);
  {
    std::lock_guard lock(mutex_);
    open_.push_back(&connection);
  }
  if (stopping_) connection.shut_down();
  if (connection.handshake()) {
    ScriptedRequest request;
    while (!stopping_ && connection.read_request(request)) {
      {
        std::lock_guard lock(mutex_);
        requests_.push_back(request);
        changed_.notify_all();
      }
      handler_(request, connection);
      request = {};
    }
  }
  std::lock_guard lock(mutex_);
  std::erase(open_, &connection);
}

}  // namespace millrace::kubernetes

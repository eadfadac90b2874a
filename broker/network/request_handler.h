// What a connection hands to the layer that knows the protocol: one frame, and a responder to answer it with.
//
// Requests of one connection are handed over in arrival order and may be in work at once, up to a bound; the answers may come
// in any order and leave in the order of the requests. Everything here belongs to the connection's shard: handlers that work
// on other shards hop back before they answer. Only RequestBuffer may be read and dropped anywhere.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "broker/base/output_chain.h"
#include "broker/base/shard.h"
#include "broker/network/request_buffer.h"

namespace millrace::network {

class Connection;

// Who is at the other end. Lives as long as a Responder of the connection, and at least until RequestHandler::closed returns.
struct ConnectionInfo {
  std::uint64_t id = 0;  // unique in the process
  std::string listener;  // the name in `listeners`
  std::string peer_host;
  std::string local_host;
  std::uint16_t peer_port = 0;
  std::uint16_t local_port = 0;
  bool reserved = false;  // came in by an inter-broker or controller listener
  bool authenticated =
      false;  // set by the handler; until then an authenticating listener bounds frames to the unauthenticated size
  bool closed = false;  // the connection has gone; requests of it may still be in work
  // For the handler of ApiVersions and of authentication to fill in.
  std::string client_software_name;
  std::string client_software_version;
  std::string principal = "User:ANONYMOUS";
  Shard* shard = nullptr;
};

// Answers one request: exactly one of answer, no_answer and close, once. Dropping it unanswered closes the connection with a
// log line, from whatever thread. After the connection has gone the calls do nothing.
class Responder {
 public:
  Responder(Responder&& other) noexcept;
  Responder& operator=(Responder&& other) noexcept;
  Responder(const Responder&) = delete;
  Responder& operator=(const Responder&) = delete;
  ~Responder();

  // Sends the frame: its length goes in front of `body` here. `mute` keeps the connection from reading further requests for
  // that long (quotas answer with throttle_time_ms and mute; KIP-219).
  void answer(OutputChain body, Duration mute = Duration::zero());
  // The request has no answer (produce with acks=0).
  void no_answer(Duration mute = Duration::zero());
  // Reads no further request, sends the answers of the earlier ones and closes. `reason` goes to the log.
  void close(std::string_view reason);

  // False when the peer has gone: work that nobody waits for may be given up.
  [[nodiscard]] bool is_open() const;
  [[nodiscard]] ConnectionInfo& connection() const;
  [[nodiscard]] Shard& shard() const;

 private:
  friend class Connection;
  Responder(std::shared_ptr<Connection> connection, std::uint64_t sequence);
  void drop();

  std::shared_ptr<Connection> connection_;
  std::uint64_t sequence_ = 0;
};

struct Request {
  ConnectionInfo& connection;
  std::shared_ptr<RequestBuffer> frame;  // without its length
  MonotonicTime received;                // when the last byte had come
};

// One for all connections; called on the connection's shard. May answer at once or later.
class RequestHandler {
 public:
  RequestHandler() = default;
  RequestHandler(const RequestHandler&) = delete;
  RequestHandler& operator=(const RequestHandler&) = delete;
  virtual ~RequestHandler() = default;

  virtual void handle(Request request, Responder responder) = 0;
  // The connection has gone, whoever ended it. Its responders may still be alive.
  virtual void closed(ConnectionInfo&) {}
};

}  // namespace millrace::network

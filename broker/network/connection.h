// One accepted connection: reads frames, hands them to the handler, sends the answers in the order of the requests.
// Internal to the network layer. Owned by its shard; its set keeps it alive until it is closed.
//
// It reads while
//   fewer than the maximum of requests are in work, and
//   no more than the maximum of output waits for the peer, and
//   it is not muted, not waiting for request memory, not about to close.
// Each of these ends by an event that calls schedule_read(). Nothing is held while it is idle.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/intrusive/list_hook.hpp>

#include "broker/network/connection_limits.h"
#include "broker/network/event_loop.h"
#include "broker/network/frame_reader.h"
#include "broker/network/network_context.h"
#include "broker/network/output_queue.h"
#include "broker/network/request_handler.h"
#include "broker/network/stream.h"
#include "broker/network/unique_fd.h"

namespace millrace::network {

class ConnectionSet;

class Connection final : public SocketWatcher, public std::enable_shared_from_this<Connection> {
 public:
  using Hook = boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

  enum class AnswerKind : std::uint8_t { pending, frame, none, close, dropped };
  struct Answer {
    AnswerKind kind = AnswerKind::pending;
    Duration mute = Duration::zero();
    OutputChain body;
    std::string reason;  // of close
  };

  Connection(ConnectionSet& set, std::shared_ptr<NetworkContext> context, UniqueFd socket, ConnectionInfo info,
             Admission admission);
  ~Connection();

  void start();
  void close(CloseReason reason, std::string_view detail = {});
  // Reads nothing more and closes as soon as what is in work is answered.
  void drain();

  // From Responder.
  void complete(std::uint64_t sequence, Answer answer);
  [[nodiscard]] bool is_open() const { return !closed_; }
  [[nodiscard]] ConnectionInfo& info() { return info_; }

  // From the shard's poller.
  void on_ready(Readiness readiness) override;

  // From the set's sweep. Whether there is still something to watch; may close the connection.
  bool check_progress(MonotonicTime now);
  [[nodiscard]] bool is_busy() const { return !in_work_.empty() || output_.pending_bytes() > 0 || reader_.in_frame(); }
  [[nodiscard]] bool waits_for_memory() const { return waits_for_memory_; }
  [[nodiscard]] std::size_t requests_in_work() const { return in_work_.size(); }

  // Lists of the set.
  Hook activity_hook;
  Hook newcomer_hook;
  Hook watch_hook;
  MonotonicTime last_activity{};
  MonotonicTime accepted{};

 private:
  struct Window {
    MonotonicTime start{};
    std::uint64_t bytes = 0;  // at its start
  };

  EventLoop& loop() { return as_event_loop(*info_.shard); }
  [[nodiscard]] bool may_read() const;
  [[nodiscard]] MemoryBudget& memory();
  [[nodiscard]] std::uint32_t frame_max_bytes() const;

  void schedule_read();
  void continue_read();
  void read_turn();
  void read_frames();
  void dispatch(std::shared_ptr<RequestBuffer> frame);
  void await_memory();
  void on_memory(MemoryCharge charge);
  void refuse_frame();
  void mute(Duration duration);

  void send_completed();
  void schedule_flush();
  void flush();
  void continue_flush();
  void warm_slice();
  void read_slice();
  void close_if_done();
  void watch();
  bool is_slow(Window& window, MonotonicTime now, std::uint64_t bytes, std::uint64_t bytes_per_second,
               Duration length) const;

  ConnectionSet* set_;  // null when closed
  std::shared_ptr<NetworkContext> context_;
  ConnectionInfo info_;
  UniqueFd socket_;
  PlainStream stream_;
  Admission admission_;
  FrameReader reader_;
  OutputQueue output_;
  std::vector<Answer> in_work_;  // from first_sequence_ on
  std::uint64_t first_sequence_ = 0;
  MemoryBudget* frame_memory_ = nullptr;
  MemoryBudget::Ticket memory_ticket_ = 0;
  MonotonicTime muted_until_{};
  Window read_window_;
  Window write_window_;
  std::optional<CloseReason> closing_;  // the answer in front was close: ends when the output is out
  std::string close_reason_;
  bool closed_ = false;
  bool draining_ = false;
  bool stops_reading_ = false;
  bool waits_for_memory_ = false;
  bool muted_ = false;
  bool first_request_seen_ = false;
  bool in_read_turn_ = false;
  bool waits_for_bytes_ = false;
  bool read_scheduled_ = false;
  bool waits_for_room_ = false;
  bool continues_flush_ = false;  // in the next turn
  bool flush_scheduled_ = false;
  bool pool_busy_ = false;  // a slice is being read
};

}  // namespace millrace::network

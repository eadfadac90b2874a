#include "broker/network/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "broker/base/check.h"
#include "broker/base/logging.h"
#include "broker/network/connection_set.h"
#include "broker/network/file_residency.h"

namespace millrace::network {
namespace {

constexpr Logger logger{"network"};
constexpr int frames_per_turn = 64;

std::string name_of(const ConnectionInfo& info) {
  bool brackets = info.peer_host.find(':') != std::string::npos;
  return (brackets ? "[" + info.peer_host + "]" : info.peer_host) + ":" + std::to_string(info.peer_port) + " on " +
         info.listener;
}

// What a stranger did, or we could not do, is worth a line; the rest is daily business.
bool is_noteworthy(CloseReason reason) {
  switch (reason) {
    case CloseReason::peer_closed:
    case CloseReason::peer_reset:
    case CloseReason::idle:
    case CloseReason::shutdown:
      return false;
    default:
      return true;
  }
}

std::string_view sentence(CloseReason reason) {
  switch (reason) {
    case CloseReason::peer_closed:
      return "the peer closed it";
    case CloseReason::peer_reset:
      return "the peer reset it";
    case CloseReason::idle:
      return "it was idle";
    case CloseReason::no_first_request:
      return "no whole request came before the deadline";
    case CloseReason::slow_sender:
      return "its request comes too slowly";
    case CloseReason::slow_sender_under_memory_pressure:
      return "its request comes too slowly while others wait for request memory";
    case CloseReason::slow_reader:
      return "it takes its answers too slowly";
    case CloseReason::bad_frame_length:
      return "its frame has a length that is not allowed";
    case CloseReason::out_of_memory:
      return "there is no memory for its request";
    case CloseReason::closed_by_handler:
      return "its request was refused";
    case CloseReason::request_dropped:
      return "a request was dropped without an answer";
    case CloseReason::answer_too_large:
      return "an answer is larger than a frame can be";
    case CloseReason::file_ended_early:
      return "a file ended inside an answer";
    case CloseReason::io_error:
      return "the system reported an error";
    case CloseReason::shutdown:
      return "the broker stops";
  }
  return "";
}

}  // namespace

Connection::Connection(ConnectionSet& set, std::shared_ptr<NetworkContext> context, UniqueFd socket,
                       ConnectionInfo info, Admission admission)
    : set_(&set),
      context_(std::move(context)),
      info_(std::move(info)),
      socket_(std::move(socket)),
      stream_(socket_.get()),
      admission_(std::move(admission)) {}

Connection::~Connection() = default;

void Connection::start() {
  if (auto watched = loop().sockets().watch(socket_.get(), *this); !watched) {
    close(CloseReason::io_error, "it cannot be watched for input: " + watched.error().message);
    return;
  }
  schedule_read();
}

void Connection::close(CloseReason reason, std::string_view detail) {
  if (closed_) return;
  closed_ = true;
  auto self = shared_from_this();
  context_->closed[static_cast<std::size_t>(reason)].add();
  if (is_noteworthy(reason) || log_enabled(LogLevel::debug, logger.component)) {
    std::string line = "closed the connection of " + name_of(info_) + ": " + std::string(sentence(reason));
    if (!detail.empty()) line += " (" + std::string(detail) + ")";
    is_noteworthy(reason) ? context_->log.warning(line) : logger.debug(line);
  }
  loop().sockets().forget(socket_.get(), *this);
  socket_.reset();
  if (waits_for_memory_) memory().cancel(memory_ticket_);
  reader_.reset();
  output_.clear();
  auto in_work = std::exchange(in_work_, {});
  std::exchange(set_, nullptr)->remove(*this);
  admission_.give_back();
  info_.closed = true;
  context_->handler.closed(info_);
}

void Connection::drain() {
  stops_reading_ = true;
  draining_ = true;
  close_if_done();
}

void Connection::complete(std::uint64_t sequence, Answer answer) {
  if (closed_) return;
  MILLRACE_INVARIANT(loop().is_current(), "a request was answered from outside its connection's shard");
  auto at = sequence - first_sequence_;
  MILLRACE_INVARIANT(at < in_work_.size() && in_work_[at].kind == AnswerKind::pending, "a request was answered twice");
  if (answer.kind == AnswerKind::close || answer.kind == AnswerKind::dropped) stops_reading_ = true;
  if (answer.mute > Duration::zero()) mute(answer.mute);
  in_work_[at] = std::move(answer);
  if (at == 0) send_completed();
}

bool Connection::may_read() const {
  return !closed_ && !stops_reading_ && !waits_for_memory_ && !muted_ &&
         in_work_.size() < context_->config.max_in_flight_requests_per_connection &&
         output_.pending_bytes() <= context_->config.output_max_bytes_per_connection;
}

// The whole of a frame is paid from one budget, even when the connection is authenticated in its middle.
MemoryBudget& Connection::memory() {
  if (frame_memory_ == nullptr || reader_.is_between_frames()) {
    frame_memory_ = info_.reserved        ? context_->reserved_memory.get()
                    : info_.authenticated ? context_->client_memory.get()
                                          : context_->unauthenticated_memory.get();
  }
  return *frame_memory_;
}

std::uint32_t Connection::frame_max_bytes() const {
  auto max = context_->config.socket_request_max_bytes;
  return info_.authenticated ? max : std::min(max, context_->config.unauthenticated_request_max_bytes);
}

void Connection::schedule_read() {
  if (in_read_turn_ || waits_for_bytes_ || read_scheduled_ || !may_read()) return;
  read_scheduled_ = true;
  loop().post([self = shared_from_this()] {
    self->read_scheduled_ = false;
    self->read_turn();
  });
}

void Connection::on_ready(Readiness readiness) {
  auto self = shared_from_this();
  if (readiness.readable) {
    reader_.on_readable(readiness.ended);
    if (std::exchange(waits_for_bytes_, false)) read_turn();
  }
  if (readiness.writable && std::exchange(waits_for_room_, false)) flush();
}

void Connection::read_turn() {
  if (waits_for_bytes_ || !may_read()) return;
  in_read_turn_ = true;
  auto before = reader_.received_bytes();
  read_frames();
  in_read_turn_ = false;
  if (closed_) return;
  reader_.stash();
  set_->received_bytes.add(static_cast<double>(reader_.received_bytes() - before));
  if (reader_.in_frame()) watch();
  flush();
}

void Connection::read_frames() {
  auto receive_until = reader_.received_bytes() + context_->config.turn_max_bytes;
  int frames = 0;
  while (may_read()) {
    auto outcome = reader_.next(stream_, set_->scratch(), frame_max_bytes(), memory(), receive_until);
    if (outcome == FrameReader::Outcome::frame) {
      dispatch(reader_.take_frame());
      if (++frames < frames_per_turn) continue;
      outcome = FrameReader::Outcome::turn_over;
    }
    switch (outcome) {
      case FrameReader::Outcome::frame:
        break;
      case FrameReader::Outcome::would_block:
        waits_for_bytes_ = true;
        break;
      case FrameReader::Outcome::turn_over:
        if (!closed_) continue_read();
        break;
      case FrameReader::Outcome::needs_memory:
        await_memory();
        break;
      case FrameReader::Outcome::end_of_stream:
        close(CloseReason::peer_closed);
        break;
      case FrameReader::Outcome::bad_length:
        refuse_frame();
        break;
      case FrameReader::Outcome::out_of_memory:
        close(CloseReason::out_of_memory);
        break;
      case FrameReader::Outcome::failed:
        if (reader_.error() == ECONNRESET || reader_.error() == EPIPE || reader_.error() == ETIMEDOUT) {
          close(CloseReason::peer_reset);
        } else {
          close(CloseReason::io_error, std::system_category().message(reader_.error()));
        }
        break;
    }
    return;
  }
}

// A timer runs in the next turn: the other connections come first.
void Connection::continue_read() {
  read_scheduled_ = true;
  loop().after(Duration::zero(), [self = shared_from_this()] {
    self->read_scheduled_ = false;
    self->read_turn();
  });
}

void Connection::dispatch(std::shared_ptr<RequestBuffer> frame) {
  set_->requests.add();
  set_->touch(*this);
  if (!std::exchange(first_request_seen_, true)) set_->on_first_request(*this);
  read_window_ = {loop().turn_time(), reader_.received_bytes()};
  auto sequence = first_sequence_ + in_work_.size();
  in_work_.emplace_back();
  context_->handler.handle(Request{info_, std::move(frame), loop().turn_time()},
                           Responder(shared_from_this(), sequence));
}

void Connection::await_memory() {
  waits_for_memory_ = true;
  context_->memory_waits.add();
  auto granted = [weak = weak_from_this(), &shard = *info_.shard](MemoryCharge charge) {
    shard.post([weak, charge = std::move(charge)]() mutable {
      if (auto self = weak.lock()) self->on_memory(std::move(charge));
    });
  };
  memory_ticket_ = reader_.holds_memory()
                       ? memory().wait_for_rest(reader_.wanted_bytes(), reader_.rest_bytes(), std::move(granted))
                       : memory().wait(reader_.wanted_bytes(), std::move(granted));
}

void Connection::on_memory(MemoryCharge charge) {
  waits_for_memory_ = false;
  if (closed_) return;
  reader_.grant(std::move(charge));
  schedule_read();
}

void Connection::refuse_frame() {
  auto length = static_cast<std::uint32_t>(reader_.length());
  std::string detail =
      "length " + std::to_string(reader_.length()) + ", allowed are 1 to " + std::to_string(frame_max_bytes());
  if (length >> 16 == 0x1603) detail += "; it looks like TLS on a plaintext listener";
  if (length == 0x47455420) detail += "; it looks like HTTP";
  close(CloseReason::bad_frame_length, detail);
}

void Connection::mute(Duration duration) {
  auto until = loop().clock().now() + duration;
  muted_until_ = std::max(muted_until_, until);
  if (std::exchange(muted_, true)) return;
  loop().after(duration, [weak = weak_from_this()] {
    auto self = weak.lock();
    if (self == nullptr || self->closed_) return;
    self->muted_ = false;
    auto left = self->muted_until_ - self->loop().clock().now();
    left > Duration::zero() ? self->mute(left) : self->schedule_read();
  });
}

void Connection::send_completed() {
  std::size_t done = 0;
  while (done < in_work_.size() && in_work_[done].kind != AnswerKind::pending && !closing_) {
    auto& answer = in_work_[done++];
    if (answer.kind == AnswerKind::frame && !output_.push(std::move(answer.body))) {
      close(CloseReason::answer_too_large);
      return;
    }
    if (answer.kind != AnswerKind::close && answer.kind != AnswerKind::dropped) continue;
    closing_ = answer.kind == AnswerKind::dropped ? CloseReason::request_dropped : CloseReason::closed_by_handler;
    close_reason_ = std::move(answer.reason);
  }
  in_work_.erase(in_work_.begin(), in_work_.begin() + static_cast<std::ptrdiff_t>(done));
  first_sequence_ += done;
  schedule_flush();
}

void Connection::schedule_flush() {
  // Answers of one turn leave together.
  if (in_read_turn_ || flush_scheduled_) return;
  flush_scheduled_ = true;
  loop().post([self = shared_from_this()] {
    self->flush_scheduled_ = false;
    self->flush();
  });
}

void Connection::flush() {
  if (closed_ || waits_for_room_ || continues_flush_ || pool_busy_) return;
  auto before = output_.sent_bytes();
  auto outcome = output_.flush(stream_, context_->config.turn_max_bytes);
  if (auto sent = output_.sent_bytes() - before; sent > 0) {
    set_->sent_bytes.add(static_cast<double>(sent));
    set_->touch(*this);
  }
  switch (outcome) {
    case OutputQueue::Outcome::drained:
      break;
    case OutputQueue::Outcome::would_block:
      waits_for_room_ = true;
      break;
    case OutputQueue::Outcome::turn_over:
      continue_flush();
      break;
    case OutputQueue::Outcome::cold:
      warm_slice();
      break;
    case OutputQueue::Outcome::unreadable:
      read_slice();
      break;
    case OutputQueue::Outcome::short_file:
      close(CloseReason::file_ended_early, output_.failed_file());
      return;
    case OutputQueue::Outcome::failed:
      if (output_.error() == ECONNRESET || output_.error() == EPIPE || output_.error() == ETIMEDOUT) {
        close(CloseReason::peer_reset);
      } else {
        close(CloseReason::io_error, std::system_category().message(output_.error()));
      }
      return;
  }
  if (output_.pending_bytes() > 0) watch();
  close_if_done();
  schedule_read();
}

// As continue_read().
void Connection::continue_flush() {
  continues_flush_ = true;
  loop().after(Duration::zero(), [self = shared_from_this()] {
    self->continues_flush_ = false;
    self->flush();
  });
}

// Reads the next range into the page cache, on a thread that may wait for the disk.
void Connection::warm_slice() {
  pool_busy_ = true;
  loop().pool().submit([self = shared_from_this(), &shard = *info_.shard, slice = output_.next_slice()]() mutable {
    bring_in(slice.file->descriptor(), slice.position, slice.length_bytes);
    shard.post([self = std::move(self), bytes = slice.length_bytes] {
      self->pool_busy_ = false;
      self->output_.warmed(bytes);
      self->flush();
    });
  });
}

void Connection::read_slice() {
  pool_busy_ = true;
  loop().pool().submit([self = shared_from_this(), &shard = *info_.shard, slice = output_.next_slice()]() mutable {
    OutputChain::Buffer bytes(slice.length_bytes);
    auto count = slice.file->read_at(slice.position, bytes);
    auto failure = !count ? count.error().message : *count < bytes.size() ? slice.file->path() : std::string();
    shard.post(
        [self = std::move(self), bytes = std::move(bytes), failure = std::move(failure), io_error = !count]() mutable {
          self->pool_busy_ = false;
          if (self->closed_) return;
          if (!failure.empty()) {
            self->close(io_error ? CloseReason::io_error : CloseReason::file_ended_early, failure);
            return;
          }
          self->output_.replace_slice(std::move(bytes));
          self->flush();
        });
  });
}

void Connection::close_if_done() {
  if (closed_ || output_.pending_bytes() > 0) return;
  if (closing_) {
    close(*closing_, close_reason_);
  } else if (draining_ && in_work_.empty()) {
    close(CloseReason::shutdown);
  }
}

void Connection::watch() {
  if (watch_hook.is_linked()) return;
  auto now = loop().turn_time();
  read_window_ = {now, reader_.received_bytes()};
  write_window_ = {now, output_.sent_bytes()};
  set_->watch(*this);
}

bool Connection::check_progress(MonotonicTime now) {
  const auto& config = context_->config;
  // Time counts only while the peer has to move.
  if (!reader_.in_frame() || !may_read()) {
    read_window_ = {now, reader_.received_bytes()};
  } else if (memory().waiting() > 0 && reader_.holds_memory() &&
             is_slow(read_window_, now, reader_.received_bytes(), config.pressure_min_bytes_per_second,
                     config.pressure_progress_window)) {
    close(CloseReason::slow_sender_under_memory_pressure);
    return false;
  } else if (is_slow(read_window_, now, reader_.received_bytes(), config.min_bytes_per_second,
                     config.read_progress_window)) {
    close(CloseReason::slow_sender);
    return false;
  }
  if (output_.pending_bytes() == 0 || pool_busy_) {
    write_window_ = {now, output_.sent_bytes()};
  } else if (is_slow(write_window_, now, output_.sent_bytes(), config.min_bytes_per_second,
                     config.write_progress_window)) {
    close(CloseReason::slow_reader);
    return false;
  }
  return reader_.in_frame() || output_.pending_bytes() > 0;
}

bool Connection::is_slow(Window& window, MonotonicTime now, std::uint64_t bytes, std::uint64_t bytes_per_second,
                         Duration length) const {
  auto elapsed = now - window.start;
  if (elapsed < length) return false;
  auto wanted = static_cast<double>(bytes_per_second) * std::chrono::duration<double>(elapsed).count();
  if (static_cast<double>(bytes - window.bytes) < wanted) return true;
  window = {now, bytes};
  return false;
}

// ---- Responder

Responder::Responder(std::shared_ptr<Connection> connection, std::uint64_t sequence)
    : connection_(std::move(connection)), sequence_(sequence) {}

Responder::Responder(Responder&& other) noexcept
    : connection_(std::move(other.connection_)), sequence_(other.sequence_) {}

Responder& Responder::operator=(Responder&& other) noexcept {
  if (this != &other) {
    drop();
    connection_ = std::move(other.connection_);
    sequence_ = other.sequence_;
  }
  return *this;
}

Responder::~Responder() { drop(); }

void Responder::answer(OutputChain body, Duration mute) {
  MILLRACE_INVARIANT(connection_ != nullptr, "a request was answered twice");
  std::exchange(connection_, nullptr)->complete(sequence_, {Connection::AnswerKind::frame, mute, std::move(body), {}});
}

void Responder::no_answer(Duration mute) {
  MILLRACE_INVARIANT(connection_ != nullptr, "a request was answered twice");
  std::exchange(connection_, nullptr)->complete(sequence_, {Connection::AnswerKind::none, mute, {}, {}});
}

void Responder::close(std::string_view reason) {
  MILLRACE_INVARIANT(connection_ != nullptr, "a request was answered twice");
  std::exchange(connection_, nullptr)
      ->complete(sequence_, {Connection::AnswerKind::close, {}, {}, std::string(reason)});
}

bool Responder::is_open() const { return connection_ != nullptr && connection_->is_open(); }

ConnectionInfo& Responder::connection() const {
  MILLRACE_INVARIANT(connection_ != nullptr, "the request was answered already");
  return connection_->info();
}

Shard& Responder::shard() const { return *connection().shard; }

void Responder::drop() {
  auto connection = std::exchange(connection_, nullptr);
  if (connection == nullptr) return;
  auto& shard = *connection->info().shard;
  if (shard.is_current()) {
    connection->complete(sequence_, {Connection::AnswerKind::dropped, {}, {}, {}});
    return;
  }
  shard.post([connection = std::move(connection), sequence = sequence_] {
    connection->complete(sequence, {Connection::AnswerKind::dropped, {}, {}, {}});
  });
}

}  // namespace millrace::network

#include "operator/kubernetes/http_exchange.h"

#include <utility>

namespace millrace::kubernetes {

void HttpExchange::receive_head(const HttpHead& head) {
  std::lock_guard lock(mutex_);
  head_ = head;
  changed_.notify_all();
}

bool HttpExchange::receive(std::string_view bytes, std::function<void()> resume) {
  std::lock_guard lock(mutex_);
  if (abandoned_) return true;
  bytes_.append(bytes);
  changed_.notify_all();
  if (bytes_.size() <= buffer_bytes_max) return true;
  resume_ = std::move(resume);
  return false;
}

void HttpExchange::finish(std::optional<Error> failure) {
  std::lock_guard lock(mutex_);
  if (finished_) return;
  finished_ = true;
  failure_ = std::move(failure);
  changed_.notify_all();
}

void HttpExchange::interrupt() {
  std::lock_guard lock(mutex_);
  interrupted_ = true;
  changed_.notify_all();
}

void HttpExchange::abandon() {
  std::function<void()> resume;
  {
    std::lock_guard lock(mutex_);
    abandoned_ = true;
    bytes_ = {};
    resume = std::exchange(resume_, nullptr);
  }
  if (resume) resume();
}

bool HttpExchange::is_finished() {
  std::lock_guard lock(mutex_);
  return finished_;
}

Result<HttpHead> HttpExchange::wait_head(MonotonicTime deadline) {
  std::unique_lock lock(mutex_);
  bool in_time = changed_.wait_until(lock, deadline, [this] { return head_ || finished_ || interrupted_; });
  if (interrupted_) return fail(ErrorKind::cancelled, "stopped");
  if (head_) return *head_;
  if (!in_time) return fail(ErrorKind::timed_out, "no answer in time");
  if (failure_) return tl::unexpected<Error>(*failure_);
  return fail(ErrorKind::connection_loss, "the connection ended without an answer");
}

Result<std::string> HttpExchange::wait_bytes(MonotonicTime deadline) {
  std::string taken;
  std::function<void()> resume;
  {
    std::unique_lock lock(mutex_);
    bool in_time = changed_.wait_until(lock, deadline, [this] { return !bytes_.empty() || finished_ || interrupted_; });
    if (interrupted_) return fail(ErrorKind::cancelled, "stopped");
    if (!in_time) return fail(ErrorKind::timed_out, "the answer did not end in time");
    // What arrived before a failure is still worth having: a watch's last events.
    if (bytes_.empty() && failure_) return tl::unexpected<Error>(*failure_);
    taken = std::exchange(bytes_, {});
    resume = std::exchange(resume_, nullptr);
  }
  if (resume) resume();
  return taken;
}

}  // namespace millrace::kubernetes

// One HTTP request's way back: the I/O thread of the HTTP library puts the answer in, the calling thread takes it out and waits.
// The body is handed over in bounded portions: with more than buffer_bytes_max waiting, the I/O thread is told to read on
// only after the caller has taken them.
//
// Threads: receive_head, receive and finish on the I/O thread; the rest on the caller's; interrupt on any.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "broker/base/clock.h"
#include "broker/base/result.h"

namespace millrace::kubernetes {

struct HttpHead {
  int status = 0;
  std::optional<std::chrono::seconds> retry_after{};
};

class HttpExchange {
 public:
  static constexpr std::size_t buffer_bytes_max = 256 << 10;

  void receive_head(const HttpHead& head);
  // True: taken, read on. False: taken, and `resume` is called, once, when there is room again.
  bool receive(std::string_view bytes, std::function<void()> resume);
  void finish(std::optional<Error> failure);

  // Wakes the caller: the transport stops or the caller was asked to stop.
  void interrupt();
  // The caller goes away: what still arrives is dropped.
  void abandon();

  // timed_out at the deadline, cancelled when interrupted.
  Result<HttpHead> wait_head(MonotonicTime deadline);
  [[nodiscard]] bool is_finished();
  // The next portion of the body; empty at its end.
  Result<std::string> wait_bytes(MonotonicTime deadline);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<HttpHead> head_;
  std::string bytes_;
  std::function<void()> resume_;
  bool finished_ = false;
  bool interrupted_ = false;
  bool abandoned_ = false;
  std::optional<Error> failure_;
};

}  // namespace millrace::kubernetes

// A thread keeps one context of a codec for its next stream: making one costs more than decompressing a small batch. For the codec
// sources only.
#pragma once

#include <memory>
#include <utility>

namespace millrace::protocol {

template <class Context, class Deleter>
class CodecContext {
 public:
  using Owner = std::unique_ptr<Context, Deleter>;

  // The thread's kept context, or nullptr: then the caller makes one.
  static Owner take() { return std::exchange(kept(), Owner()); }
  // For the next stream of this thread.
  static void give_back(Owner context) { kept() = std::move(context); }

 private:
  static Owner& kept() {
    thread_local Owner context;
    return context;
  }
};

}  // namespace millrace::protocol

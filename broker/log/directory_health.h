// Which of a broker's log directories serve (Kafka: LogDirFailureChannel). A directory that has failed is offline for
// the life of the process: what its disk has lost meanwhile only a start can tell.
//
// Any thread. The listener runs on the thread that met the failure, which may hold locks of its own: it must not block,
// nor call back.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/result.h"

namespace millrace::log {

// Whether an answer of the disk means that it is not to be written to any more. What is missing, there already or
// damaged, and a process without descriptors, say nothing of the disk.
bool is_directory_failure(const Error& error);

class DirectoryHealth {
 public:
  // `directory` is the number of one in the constructor's list.
  using Listener = std::function<void(std::size_t directory, const Error& why)>;

  explicit DirectoryHealth(const std::vector<std::string>& paths);

  // Once, before anything can fail.
  void listen(Listener listener) { listener_ = std::move(listener); }

  // The one that `path` lies in, or is; the number of directories when it lies in none.
  [[nodiscard]] std::size_t directory_of(std::string_view path) const;
  // A path that lies in no log directory is online.
  [[nodiscard]] bool is_online(std::string_view path) const { return is_online(directory_of(path)); }
  [[nodiscard]] bool is_online(std::size_t directory) const {
    return directory >= directories_.size() || !directories_[directory]->offline.load(std::memory_order_acquire);
  }
  // Of one that is offline: what its disk said first.
  [[nodiscard]] std::string reason(std::size_t directory) const;
  [[nodiscard]] std::size_t size() const { return directories_.size(); }
  [[nodiscard]] std::size_t offline_count() const { return offline_count_.load(std::memory_order_acquire); }

  // The first failure of a directory takes it offline and is told to the listener; all others are passed over.
  void report(std::size_t directory, const Error& error);
  // The same, whatever kind of error it is.
  void take_offline(std::size_t directory, const Error& error);
  // What the calls on an offline directory answer: unavailable.
  [[nodiscard]] Error offline_error(std::size_t directory) const;

 private:
  struct Directory {
    std::string path;
    std::atomic<bool> offline{false};
    std::string reason;  // under mutex_
  };

  std::vector<std::unique_ptr<Directory>> directories_;
  std::atomic<std::size_t> offline_count_{0};
  mutable std::mutex mutex_;
  Listener listener_;
};

}  // namespace millrace::log

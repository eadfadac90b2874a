// Runs something on a shard and waits for its value.
#pragma once

#include <future>
#include <memory>
#include <type_traits>
#include <utility>

#include "broker/base/shard.h"

namespace millrace::network {

template <class Work>
auto on(Shard& shard, Work work) {
  using T = std::invoke_result_t<Work&>;
  // Shared: the waiter may be gone before set_value has returned.
  auto result = std::make_shared<std::promise<T>>();
  auto future = result->get_future();
  shard.post([result, work = std::move(work)]() mutable {
    if constexpr (std::is_void_v<T>) {
      work();
      result->set_value();
    } else {
      result->set_value(work());
    }
  });
  return future.get();
}

}  // namespace millrace::network

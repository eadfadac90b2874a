// Runs many blocking jobs on several threads and the caller's, and waits until all are done: load and close of all logs.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "broker/base/shard.h"

namespace millrace::log {

// At most `helpers` of the pool's threads join in. The caller works too, so that this ends even when the pool is busy.
void run_in_parallel(BlockingPool& pool, std::size_t helpers, std::vector<std::function<void()>> jobs);
// The same with threads that are made for it and end with it, where the pool has stopped. With fewer when the system gives no more.
void run_on_own_threads(std::size_t helpers, std::vector<std::function<void()>> jobs);

}  // namespace millrace::log

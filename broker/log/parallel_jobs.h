// Runs many blocking jobs on the pool's threads and the caller's, and waits until all are done: load and close of all logs.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "broker/base/shard.h"

namespace millrace::log {

// At most `helpers` of the pool's threads join in. The caller works too, so that this ends even when the pool is busy.
void run_in_parallel(BlockingPool& pool, std::size_t helpers, std::vector<std::function<void()>> jobs);

}  // namespace millrace::log

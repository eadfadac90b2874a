// What the runtime tells each of its event loops. Values only.
#pragma once

#include <chrono>

#include "broker/base/clock.h"
#include "broker/base/shard.h"

namespace millrace::network {

struct EventLoopConfig {
  Duration slow_turn_warning = std::chrono::seconds(1);
  Duration slice = Shard::usual_slice;  // of long requests: Shard::slice
};

}  // namespace millrace::network

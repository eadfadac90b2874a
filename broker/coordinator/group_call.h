// What each call to a group coordinator says besides its request.
#pragma once

#include <string_view>

#include "broker/base/clock.h"
#include "broker/protocol/versions.h"

namespace millrace::coordinator {

struct GroupTime {
  MonotonicTime now;
  TimestampMs wall;
};

// Who sent a request, and in which version.
struct GroupClient {
  protocol::Version version = 0;
  std::string_view client_id;
  std::string_view host;  // as Kafka writes it: "/127.0.0.1"
};

}  // namespace millrace::coordinator

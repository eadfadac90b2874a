// What an answer takes while it is made, where a small request can ask for a large one. The first MiB is free; beyond it the answer is
// paid for like the request that asked (millrace.request.memory.bytes), so that who asks for much can cost no more than that.
//
// Owned by the handler; on the connection's shard.
#pragma once

#include <cstdint>

#include "broker/base/result.h"
#include "broker/server/request_context.h"

namespace millrace::server {

class AnswerMemory {
 public:
  explicit AnswerMemory(RequestContext& context) : context_(context) {}

  // `bytes` more. resource_exhausted: there is no memory for them, and the request cannot be answered.
  Status add(std::uint64_t bytes) {
    unpaid_bytes_ += bytes + bytes / 4;  // what allocators round up, and lists that grow
    if (unpaid_bytes_ <= step_bytes) return {};
    if (!context_.charge_arrays(unpaid_bytes_))
      return fail(ErrorKind::resource_exhausted, "there is no memory for the answer");
    unpaid_bytes_ = 0;
    return {};
  }

 private:
  static constexpr std::uint64_t step_bytes = std::uint64_t{1} << 20;

  RequestContext& context_;
  std::uint64_t unpaid_bytes_ = 0;
};

}  // namespace millrace::server

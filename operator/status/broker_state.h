// What a broker's pod is doing, in one word and, where there is something to say, in a sentence that a person can act on.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace millrace::status {

enum class BrokerState : std::uint8_t {
  pending,      // no pod yet, or none that a node runs
  starting,     // runs, does not serve yet
  running,      // serves
  stopping,     // its pod is going
  failing,      // cannot start, or ends again and again
  unreachable,  // its node no longer answers: it may or may not serve
};

[[nodiscard]] std::string_view to_string(BrokerState state);

struct BrokerCondition {
  BrokerState state = BrokerState::pending;
  std::string message;
};

// `pod` as the API server has it.
[[nodiscard]] BrokerCondition judge_pod(const nlohmann::json& pod);

}  // namespace millrace::status

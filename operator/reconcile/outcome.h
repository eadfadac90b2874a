// What one aspect's reconciliation came to: its condition, and when to look again. An aspect that fails sets its own
// condition and backs off; it keeps no other aspect from its work.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "broker/base/clock.h"
#include "broker/base/result.h"
#include "operator/status/condition.h"

namespace millrace::reconcile {

struct Outcome {
  enum class Kind : std::uint8_t {
    done,     // as it should be
    waiting,  // on its way, nothing for a person to do
    problem,  // stays so until a person acts; told as a warning event
    failed,   // the API server refused or did not answer: back off and try again
    retry,    // something changed while we looked: look again at once; a condition of this generation stays as it was
  };

  Kind kind = Kind::done;
  std::string reason;
  std::string message;
  std::optional<Duration> look_again;

  [[nodiscard]] status::ConditionStatus condition_status() const {
    return kind == Kind::done ? status::ConditionStatus::is_true : status::ConditionStatus::is_false;
  }
};

[[nodiscard]] Outcome done(std::string reason, std::string message);
// Watches bring the news of most changes; `look_again` is for those that nothing announces.
[[nodiscard]] Outcome waiting(std::string reason, std::string message,
                              std::optional<Duration> look_again = std::nullopt);
[[nodiscard]] Outcome problem(std::string reason, std::string message,
                              std::optional<Duration> look_again = std::nullopt);
[[nodiscard]] Outcome failed(const Error& error);

}  // namespace millrace::reconcile

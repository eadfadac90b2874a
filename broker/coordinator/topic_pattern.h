// The regular expression that a member of a group subscribes to (KIP-848): RE2's syntax, as Kafka 4 has it (com.google.re2j), matched against
// whole names of topics, in time that is linear in the name. Pure; any thread.
#pragma once

#include <memory>
#include <string_view>

#include "broker/base/result.h"

namespace re2 {
class RE2;
}

namespace millrace::coordinator {

class TopicPattern {
 public:
  // Errors: invalid_argument, in words, for what is no regular expression or compiles to more than a bounded size.
  static Result<TopicPattern> parse(std::string_view text);

  TopicPattern(TopicPattern&&) noexcept;
  TopicPattern& operator=(TopicPattern&&) noexcept;
  ~TopicPattern();

  [[nodiscard]] bool matches(std::string_view topic) const;

 private:
  explicit TopicPattern(std::unique_ptr<re2::RE2> compiled);

  std::unique_ptr<re2::RE2> compiled_;
};

}  // namespace millrace::coordinator

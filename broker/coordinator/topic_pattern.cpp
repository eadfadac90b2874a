#include "broker/coordinator/topic_pattern.h"

#include <re2/re2.h>

#include <utility>

namespace millrace::coordinator {
namespace {

// Of the compiled program and its cache: a pattern is a client's.
constexpr std::int64_t memory_limit_bytes = 1 << 20;

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

TopicPattern::TopicPattern(std::unique_ptr<re2::RE2> compiled) : compiled_(std::move(compiled)) {}
TopicPattern::TopicPattern(TopicPattern&&) noexcept = default;
TopicPattern& TopicPattern::operator=(TopicPattern&&) noexcept = default;
TopicPattern::~TopicPattern() = default;

Result<TopicPattern> TopicPattern::parse(std::string_view text) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(memory_limit_bytes);
  auto compiled = std::make_unique<re2::RE2>(piece(text), options);
  if (!compiled->ok()) return fail(ErrorKind::invalid_argument, compiled->error());
  return TopicPattern(std::move(compiled));
}

bool TopicPattern::matches(std::string_view topic) const { return re2::RE2::FullMatch(piece(topic), *compiled_); }

}  // namespace millrace::coordinator

// The topics of an answer, each of them once: requests may name a topic in several places, Kafka's answers never do.
// Owned by whoever makes the answer.
#pragma once

#include <cstddef>
#include <map>
#include <string_view>

namespace millrace::coordinator {

template <class Topics>
class TopicAnswers {
 public:
  // `topics` outlives it, and has no topic yet.
  explicit TopicAnswers(Topics& topics) : topics_(topics) {}

  // The topic of that name, made where there is none yet. Lives until the next call.
  auto& at(std::string_view name) {
    if (!topics_.empty() && topics_.back().name == name) return topics_.back();
    const auto [place, is_new] = places_.try_emplace(name, topics_.size());
    if (is_new) topics_.emplace_back().name = name;
    return topics_[place->second];
  }

 private:
  Topics& topics_;
  std::map<std::string_view, std::size_t> places_;
};

}  // namespace millrace::coordinator

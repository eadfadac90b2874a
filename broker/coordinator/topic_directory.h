// What a group coordinator knows of the cluster's topics, at this instant. The owner of the coordinator implements it on the cluster's
// image; asked only within calls to the coordinator.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "broker/base/uuid.h"

namespace millrace::coordinator {

struct TopicFacts {
  TopicId id;
  std::int32_t partition_count = 0;

  friend bool operator==(const TopicFacts&, const TopicFacts&) = default;
};

class TopicDirectory {
 public:
  TopicDirectory() = default;
  TopicDirectory(const TopicDirectory&) = delete;
  TopicDirectory& operator=(const TopicDirectory&) = delete;
  virtual ~TopicDirectory() = default;

  // Another number whenever a topic came, went or grew.
  [[nodiscard]] virtual std::int64_t version() const = 0;
  [[nodiscard]] virtual std::optional<TopicFacts> find(std::string_view topic) const = 0;
  // Empty for an id that is not known.
  [[nodiscard]] virtual std::string_view name(const TopicId& id) const = 0;
  virtual void each(const std::function<void(std::string_view topic)>& use) const = 0;
};

}  // namespace millrace::coordinator

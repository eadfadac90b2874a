// The numbers of Kafka's world, each a type of its own: an offset is not an epoch, and the compiler says so.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace millrace {

// A number that only mixes with its own kind. `Tag` is the kind's name, `Rep` its representation on the wire.
template <class Tag, class Rep>
class StrongNumber {
 public:
  using Representation = Rep;

  constexpr StrongNumber() = default;
  constexpr explicit StrongNumber(Rep value) : value_(value) {}

  [[nodiscard]] constexpr Rep value() const { return value_; }
  static constexpr StrongNumber none() { return StrongNumber(Rep{-1}); }

  friend constexpr auto operator<=>(StrongNumber, StrongNumber) = default;
  // Distance arithmetic: a kind plus a plain number stays that kind; the difference of two is a plain number.
  friend constexpr StrongNumber operator+(StrongNumber left, Rep right) {
    return StrongNumber(static_cast<Rep>(left.value_ + right));
  }
  friend constexpr StrongNumber operator-(StrongNumber left, Rep right) {
    return StrongNumber(static_cast<Rep>(left.value_ - right));
  }
  friend constexpr Rep operator-(StrongNumber left, StrongNumber right) {
    return static_cast<Rep>(left.value_ - right.value_);
  }

 private:
  Rep value_{};
};

using Offset = StrongNumber<struct OffsetTag, std::int64_t>;            // a record's position in its partition
using LeaderEpoch = StrongNumber<struct LeaderEpochTag, std::int32_t>;  // a partition's leadership term
using ControllerEpoch = StrongNumber<struct ControllerEpochTag, std::int32_t>;
using BrokerId = StrongNumber<struct BrokerIdTag, std::int32_t>;
using BrokerEpoch = StrongNumber<struct BrokerEpochTag, std::int64_t>;  // czxid of the broker's registration
using PartitionIndex = StrongNumber<struct PartitionIndexTag, std::int32_t>;
using ProducerId = StrongNumber<struct ProducerIdTag, std::int64_t>;
using ProducerEpoch = StrongNumber<struct ProducerEpochTag, std::int16_t>;
using Sequence = StrongNumber<struct SequenceTag, std::int32_t>;      // of a producer's record in one partition
using TimestampMs = StrongNumber<struct TimestampTag, std::int64_t>;  // milliseconds since 1970-01-01T00:00Z; -1: none

struct TopicPartition {
  std::string topic;
  PartitionIndex partition;

  friend auto operator<=>(const TopicPartition&, const TopicPartition&) = default;
};

}  // namespace millrace

template <class Tag, class Rep>
struct std::hash<millrace::StrongNumber<Tag, Rep>> {
  std::size_t operator()(millrace::StrongNumber<Tag, Rep> number) const noexcept {
    return std::hash<Rep>{}(number.value());
  }
};

template <>
struct std::hash<millrace::TopicPartition> {
  std::size_t operator()(const millrace::TopicPartition& key) const noexcept {
    return std::hash<std::string>{}(key.topic) * 31 + static_cast<std::size_t>(key.partition.value());
  }
};

// A rate over the last seconds, as Kafka measures it for quotas: the sum of some samples of equal length over the
// time that they span. The time counts as all samples but one even when less of it has passed, so that a burst after
// a silence is no violation.
//
// Owned by whoever locks it; times never go back. Source: org.apache.kafka.common.metrics.stats.{Rate, SampledStat,
// WindowedSum}, org.apache.kafka.server.quota.QuotaUtils.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace millrace::security {

struct RateWindow {
  std::size_t samples = 11;
  std::int64_t sample_ms = 1000;

  [[nodiscard]] std::int64_t length_ms() const { return static_cast<std::int64_t>(samples) * sample_ms; }
};

class SampledRate {
 public:
  // A negative value takes back what was recorded.
  void record(const RateWindow& window, double value, std::int64_t now_ms);
  // Per second.
  [[nodiscard]] double measure(const RateWindow& window, std::int64_t now_ms);
  // For how long to be silent, so that the rate comes down to `limit`; 0 while it is not above. Milliseconds.
  [[nodiscard]] std::int64_t throttle_ms(const RateWindow& window, double limit, std::int64_t now_ms);

 private:
  struct Sample {
    double sum = 0;
    std::int64_t start_ms = 0;
    std::int64_t last_event_ms = 0;
  };

  void forget_old(const RateWindow& window, std::int64_t now_ms);
  [[nodiscard]] std::int64_t span_ms(const RateWindow& window, std::int64_t now_ms);

  std::vector<Sample> samples_;  // at most one more than the window has
  std::size_t current_ = 0;
};

}  // namespace millrace::security

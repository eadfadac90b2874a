#include "broker/security/sampled_rate.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace millrace::security {

void SampledRate::record(const RateWindow& window, double value, std::int64_t now_ms) {
  if (samples_.empty()) samples_.push_back({0, now_ms, now_ms});
  if (now_ms - samples_[current_].start_ms >= window.sample_ms) {
    current_ = (current_ + 1) % (window.samples + 1);
    if (current_ >= samples_.size()) {
      current_ = samples_.size();
      samples_.push_back({0, now_ms, now_ms});
    } else {
      samples_[current_] = {0, now_ms, now_ms};
    }
  }
  samples_[current_].sum += value;
  samples_[current_].last_event_ms = now_ms;
}

void SampledRate::forget_old(const RateWindow& window, std::int64_t now_ms) {
  // What overlaps the window stays, even when it began before it.
  for (auto& sample : samples_) {
    if (now_ms - sample.last_event_ms >= window.length_ms()) sample = {0, now_ms, now_ms};
  }
}

std::int64_t SampledRate::span_ms(const RateWindow& window, std::int64_t now_ms) {
  if (samples_.empty()) samples_.push_back({0, now_ms, now_ms});
  auto span = now_ms - std::ranges::min_element(samples_, {}, &Sample::start_ms)->start_ms;
  const auto whole_samples = span / window.sample_ms;
  const auto least = static_cast<std::int64_t>(window.samples) - 1;
  if (whole_samples < least) span += (least - whole_samples) * window.sample_ms;
  return std::max<std::int64_t>(span, 1);
}

double SampledRate::measure(const RateWindow& window, std::int64_t now_ms) {
  forget_old(window, now_ms);
  double sum = 0;
  for (const auto& sample : samples_) sum += sample.sum;
  return sum / (static_cast<double>(span_ms(window, now_ms)) / 1000);
}

std::int64_t SampledRate::throttle_ms(const RateWindow& window, double limit, std::int64_t now_ms) {
  const auto rate = measure(window, now_ms);
  if (rate <= limit) return 0;
  const auto throttle = (rate - limit) / limit * static_cast<double>(span_ms(window, now_ms));
  constexpr auto longest = static_cast<double>(std::numeric_limits<std::int32_t>::max());
  // A limit of 0 is nothing ever.
  return std::isnan(throttle) ? 0 : std::llround(std::min(throttle, longest));
}

}  // namespace millrace::security

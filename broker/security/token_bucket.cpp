#include "broker/security/token_bucket.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace millrace::security {

void TokenBucket::refill(const RateWindow& window, double limit, std::int64_t now_ms) {
  const auto burst = static_cast<double>(window.length_ms()) / 1000 * limit;
  if (filled_ms_) {
    tokens_ = std::min(burst, tokens_ + limit * static_cast<double>(now_ms - *filled_ms_) / 1000);
  } else {
    tokens_ = burst;
  }
  filled_ms_ = now_ms;
}

void TokenBucket::take(const RateWindow& window, double limit, double tokens, std::int64_t now_ms) {
  refill(window, limit, now_ms);
  const auto burst = static_cast<double>(window.length_ms()) / 1000 * limit;
  tokens_ = std::min(burst, tokens_ - tokens);
}

double TokenBucket::tokens(const RateWindow& window, double limit, std::int64_t now_ms) {
  refill(window, limit, now_ms);
  return tokens_;
}

std::int64_t TokenBucket::throttle_ms(const RateWindow& window, double limit, std::int64_t now_ms) {
  const auto left = tokens(window, limit, now_ms);
  if (left >= 0) return 0;
  constexpr auto longest = static_cast<double>(std::numeric_limits<std::int32_t>::max());
  return std::llround(std::min(-left / limit * 1000, longest));
}

}  // namespace millrace::security

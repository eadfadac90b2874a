// Tokens for work that comes in bursts (KIP-599): as many are added each second as the quota allows, up to what the
// whole window allows. Work may begin while there are any, and take more than there are: who overdraws waits until
// the debt is paid.
//
// Owned by whoever locks it; times never go back. Source: org.apache.kafka.common.metrics.stats.TokenBucket,
// kafka.server.ControllerMutationQuotaManager.throttleTimeMs.
#pragma once

#include <cstdint>
#include <optional>

#include "broker/security/sampled_rate.h"

namespace millrace::security {

class TokenBucket {
 public:
  void take(const RateWindow& window, double limit, double tokens, std::int64_t now_ms);
  [[nodiscard]] double tokens(const RateWindow& window, double limit, std::int64_t now_ms);
  // Until the debt is paid, 0 without one. Milliseconds.
  [[nodiscard]] std::int64_t throttle_ms(const RateWindow& window, double limit, std::int64_t now_ms);

 private:
  void refill(const RateWindow& window, double limit, std::int64_t now_ms);

  double tokens_ = 0;
  std::optional<std::int64_t> filled_ms_;  // nothing: it is new, and full
};

}  // namespace millrace::security

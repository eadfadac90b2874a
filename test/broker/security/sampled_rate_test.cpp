#include "broker/security/sampled_rate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>
#include <string>

#include "broker/security/token_bucket.h"
#include "test/support/source_tree.h"

namespace millrace::security {
namespace {

// test/compat/golden/rates.txt: what Kafka's classes said.
TEST(SampledRate, MeasuresAndThrottlesAsKafkaDoesAndSoDoTokens) {
  std::ifstream file(source_path("test/compat/golden/rates.txt"));
  RateWindow window;
  double limit = 0;
  SampledRate rate;
  TokenBucket bucket;
  int events = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream fields(line);
    if (line.starts_with("run")) {
      std::string word;
      fields >> word >> window.samples >> window.sample_ms >> limit;
      rate = {};
      bucket = {};
      continue;
    }
    std::int64_t now = 0;
    std::int64_t throttle = 0;
    std::int64_t debt = 0;
    double value = 0;
    double measured = 0;
    double tokens = 0;
    fields >> now >> value >> measured >> throttle >> tokens >> debt;
    ASSERT_TRUE(fields) << line;
    ++events;
    rate.record(window, value, now);
    bucket.take(window, limit, value, now);
    const auto close = [](double expected) { return std::abs(expected) * 1e-9 + 1e-9; };
    EXPECT_NEAR(rate.measure(window, now), measured, close(measured)) << line;
    EXPECT_EQ(rate.throttle_ms(window, limit, now), throttle) << line;
    EXPECT_NEAR(bucket.tokens(window, limit, now), tokens, close(tokens)) << line;
    EXPECT_EQ(bucket.throttle_ms(window, limit, now), debt) << line;
  }
  EXPECT_EQ(events, 1000);
}

TEST(SampledRate, OfNothingIsZeroAndALimitOfZeroWaitsAsLongAsCanBeSaid) {
  SampledRate rate;
  EXPECT_EQ(rate.measure({}, 5), 0);
  EXPECT_EQ(rate.throttle_ms({}, 0, 5), 0);
  rate.record({}, 1, 5);
  EXPECT_EQ(rate.throttle_ms({}, 0, 5), 0x7fff'ffff);
  TokenBucket bucket;
  EXPECT_EQ(bucket.throttle_ms({}, 0, 5), 0);
  bucket.take({}, 0, 1, 5);
  EXPECT_EQ(bucket.throttle_ms({}, 0, 5), 0x7fff'ffff);
}

}  // namespace
}  // namespace millrace::security

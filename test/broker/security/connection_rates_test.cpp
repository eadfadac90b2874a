#include "broker/security/connection_rates.h"

#include <gtest/gtest.h>

namespace millrace::security {
namespace {

using namespace std::chrono_literals;

class Rates : public testing::Test {
 protected:
  MetricsRegistry metrics_;
  ConnectionRates rates_{{}, metrics_};
  MonotonicTime now_ = MonotonicTime(1'000'000s);
};

TEST_F(Rates, DelayAcceptsOnceTheBrokersRateIsReached) {
  rates_.set_rates(10, {});
  for (int i = 0; i < 100; ++i) EXPECT_EQ(rates_.accept("PLAINTEXT", false, now_), 0s);
  EXPECT_EQ(rates_.accept("PLAINTEXT", false, now_), 100ms);
  EXPECT_EQ(rates_.accept("INTERNAL", true, now_), 0s);
  for (int i = 0; i < 100; ++i) rates_.accept("PLAINTEXT", false, now_);
  EXPECT_EQ(rates_.accept("PLAINTEXT", false, now_), 1s);  // never longer than a sample
  rates_.set_rates(std::nullopt, {});
  EXPECT_EQ(rates_.accept("PLAINTEXT", false, now_), 0s);
}

TEST_F(Rates, DelayTheAcceptsOfOneListenerOnly) {
  rates_.set_rates(std::nullopt, {{"SLOW", 1}});
  for (int i = 0; i < 10; ++i) EXPECT_EQ(rates_.accept("SLOW", false, now_), 0s);
  EXPECT_EQ(rates_.accept("SLOW", false, now_), 1s);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(rates_.accept("FAST", false, now_), 0s);
}

TEST_F(Rates, RefuseAnAddressAndDoNotCountWhatWasRefused) {
  rates_.set_address_rate("10.0.0.1", 2);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(rates_.admit("10.0.0.1", now_), 0s);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(rates_.admit("10.0.0.1", now_), 500ms);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(rates_.admit("10.0.0.2", now_), 0s);
  now_ += 12s;
  EXPECT_EQ(rates_.admit("10.0.0.1", now_), 0s);
}

TEST_F(Rates, GiveEveryAddressWithoutARateOfItsOwnTheDefault) {
  rates_.set_default_address_rate(1);
  rates_.set_address_rate("10.0.0.1", 1000);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(rates_.admit("10.0.0.2", now_), 0s);
  EXPECT_GT(rates_.admit("10.0.0.2", now_), 0s);
  EXPECT_EQ(rates_.admit("10.0.0.3", now_), 0s);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(rates_.admit("10.0.0.1", now_), 0s);
  rates_.set_address_rate("10.0.0.1", std::nullopt);
  EXPECT_GT(rates_.admit("10.0.0.1", now_), 0s);
}

TEST_F(Rates, RememberABoundedNumberOfAddresses) {
  ConnectionRates small({.max_addresses = 10}, metrics_);
  small.set_default_address_rate(1);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(small.admit("10.0.0." + std::to_string(i), now_), 0s);
  now_ += 1min;
  EXPECT_EQ(small.admit("10.0.1.1", now_), 0s);
}

}  // namespace
}  // namespace millrace::security

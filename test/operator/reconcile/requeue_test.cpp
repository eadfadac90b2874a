#include "operator/reconcile/requeue.h"

#include <gtest/gtest.h>

#include "operator/kubernetes/work_queue.h"

namespace millrace::reconcile {
namespace {

using namespace std::chrono_literals;

const kubernetes::ObjectKey demo{"default", "demo"};

// How long the queue holds the key back, to the tenth of a second; nothing where it does not come within an hour.
std::optional<Duration> delay(ManualClock& clock, kubernetes::WorkQueue& queue) {
  for (Duration waited = 0ms; waited <= 1h; waited += 100ms) {
    if (queue.try_get()) {
      queue.done(demo);
      return waited;
    }
    clock.advance(100ms);
  }
  return std::nullopt;
}

TEST(Requeue, LooksAgainAfterTenMinutesOrWhenAskedTo) {
  ManualClock clock;
  kubernetes::WorkQueue queue(clock);
  requeue(queue, demo, {});
  EXPECT_EQ(10min, delay(clock, queue));
  requeue(queue, demo, {.look_again = 30s});
  EXPECT_EQ(30s, delay(clock, queue));
  requeue(queue, demo, {.gone = true});
  EXPECT_EQ(std::nullopt, delay(clock, queue));
}

TEST(Requeue, AFailureKeepsNoOtherAspectWaiting) {
  ManualClock clock;
  kubernetes::WorkQueue queue(clock);
  Duration longest = 0s;
  for (int failure = 0; failure < 30; ++failure) {
    requeue(queue, demo, {.failed = true, .look_again = 10s});
    auto waited = delay(clock, queue);
    ASSERT_TRUE(waited);
    longest = std::max(longest, *waited);
  }
  EXPECT_EQ(10s, longest);
}

TEST(Requeue, BacksOffToAMinuteAndNoFurther) {
  ManualClock clock;
  kubernetes::WorkQueue queue(clock);
  Duration last = 0s;
  for (int failure = 0; failure < 30; ++failure) {
    requeue(queue, demo, {.failed = true});
    last = delay(clock, queue).value_or(1h);
  }
  EXPECT_EQ(1min, last);
  requeue(queue, demo, {});
  EXPECT_EQ(10min, delay(clock, queue));
  requeue(queue, demo, {.failed = true});
  EXPECT_EQ(100ms, delay(clock, queue)) << "a success begins anew";
}

}  // namespace
}  // namespace millrace::reconcile

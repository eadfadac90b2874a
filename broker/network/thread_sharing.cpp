#include "broker/network/thread_sharing.h"

#include <algorithm>
#include <cmath>

namespace millrace::network {
namespace {

constexpr double idle_cores_min = 0.2;   // worth another thread
constexpr double delay_share_min = 0.2;  // of its time that a crowded thread waits for a core

double part(Duration of, Duration whole) {
  return static_cast<double>(of.count()) / static_cast<double>(whole.count());
}

}  // namespace

bool ThreadLoad::add(Duration worked, MonotonicTime now) {
  if (!began_) began_ = now - worked;
  worked_ += worked;
  const auto elapsed = now - *began_;
  if (elapsed < window_) return false;
  share_ = std::min(1.0, part(worked_, elapsed));
  began_ = now;
  worked_ = Duration::zero();
  return true;
}

bool LongTurns::add(Duration worked, MonotonicTime now) {
  if (worked < config_.long_turn) return false;
  ended_.push_back(now);
  while (now - ended_.front() > config_.long_turns_within) ended_.pop_front();
  if (worked < config_.very_long_turn && ended_.size() < config_.long_turns) return false;
  ended_.clear();
  return true;
}

Duration UsableIdleTime::add(Duration of_cores, Duration allowed) {
  // The kernel's count of a core may fall by a tick.
  if (before_) idle_ += std::max(Duration::zero(), std::min(of_cores - before_->of_cores, allowed - before_->allowed));
  before_ = {of_cores, allowed};
  return idle_;
}

std::size_t HostSharing::leaving_guests(double share, MonotonicTime now) {
  if (share < config_.split_above) {
    saturated_since_.reset();
    return 0;
  }
  if (!saturated_since_) {
    saturated_since_ = now;
    at_saturation_ = supply_.sample();
    return 0;
  }
  const auto elapsed = now - *saturated_since_;
  if (elapsed < config_.split_after) return 0;
  const auto sample = supply_.sample();
  const double idle_cores = part(sample.idle - at_saturation_.idle, elapsed);
  const double delay = part(sample.delay - at_saturation_.delay, elapsed);
  saturated_since_ = now;
  at_saturation_ = sample;
  if (idle_cores >= idle_cores_min) return std::max<std::size_t>(1, static_cast<std::size_t>(std::llround(idle_cores)));
  return delay >= delay_share_min ? 1 : 0;
}

bool GuestSharing::should_join(double own_share, double host_share, MonotonicTime host_apart_until,
                               MonotonicTime now) const {
  if (!config_.enabled || now < host_apart_until) return false;
  if (home_since_ && now - *home_since_ < config_.home_min) return false;
  return own_share + host_share < config_.join_below;
}

}  // namespace millrace::network

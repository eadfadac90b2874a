#include "broker/log/recovery_progress.h"

#include <chrono>
#include <utility>

#include "broker/base/logging.h"

namespace millrace::log {
namespace {

constexpr Logger logger{"log"};
constexpr Duration line_interval = std::chrono::seconds(10);
constexpr std::uint64_t look_every_bytes = std::uint64_t{1} << 20;

}  // namespace

RecoveryProgress::RecoveryProgress(const Clock& clock, std::string path, DirectoryProgress* directory)
    : clock_(clock), path_(std::move(path)), next_line_(clock.now() + line_interval), directory_(directory) {}

RecoveryProgress::~RecoveryProgress() {
  if (directory_ != nullptr) directory_->segments_recovered += left_;
}

void RecoveryProgress::expect(std::size_t segments) {
  total_ += segments;
  left_ += static_cast<std::uint32_t>(segments);
  if (directory_ != nullptr) directory_->segments_total += static_cast<std::uint32_t>(segments);
}

void RecoveryProgress::recovered() {
  if (left_ == 0) return;
  --left_;
  if (directory_ != nullptr) ++directory_->segments_recovered;
  if (left_ > 0 && is_due()) say("");
}

void RecoveryProgress::checked(const std::string& path, std::uint64_t end_position) {
  if (end_position / look_every_bytes == looked_at_) return;
  looked_at_ = end_position / look_every_bytes;
  if (is_due()) say(std::to_string(end_position >> 20) + " MiB of " + path + " are checked, ");
}

bool RecoveryProgress::is_due() {
  const auto now = clock_.now();
  if (now < next_line_) return false;
  next_line_ = now + line_interval;
  return true;
}

void RecoveryProgress::say(const std::string& what) const {
  logger.info("recovery: " + what + std::to_string(total_ - left_) + " of " + std::to_string(total_) + " segments of " +
              path_ + " are done");
}

}  // namespace millrace::log

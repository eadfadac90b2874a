#include "broker/base/logging.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(Logging, AComponentFollowsTheRootUntilItHasALevelOfItsOwn) {
  const auto before = log_level();
  set_log_level(LogLevel::warning);
  EXPECT_EQ(log_level("test"), LogLevel::warning);
  EXPECT_FALSE(log_enabled(LogLevel::info, "test"));
  set_log_level("test", LogLevel::debug);
  EXPECT_TRUE(log_enabled(LogLevel::debug, "test"));
  EXPECT_FALSE(log_enabled(LogLevel::trace, "test"));
  EXPECT_FALSE(log_enabled(LogLevel::debug, "other")) << "only that one";
  set_log_level(LogLevel::error);
  EXPECT_EQ(log_level("test"), LogLevel::debug) << "its own holds";
  set_log_level("test", std::nullopt);
  EXPECT_EQ(log_level("test"), LogLevel::error);
  set_log_level(before);
}

TEST(Logging, FatalIsAboveErrorAndOffAboveAll) {
  set_log_level("test", LogLevel::fatal);
  EXPECT_FALSE(log_enabled(LogLevel::error, "test"));
  set_log_level("test", LogLevel::off);
  EXPECT_FALSE(log_enabled(LogLevel::fatal, "test"));
  set_log_level("test", std::nullopt);
}

}  // namespace
}  // namespace millrace

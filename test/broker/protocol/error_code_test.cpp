#include "broker/protocol/error_code.h"

#include <gtest/gtest.h>

#include "broker/protocol/api_key.h"

namespace millrace::protocol {
namespace {

TEST(ErrorCode, HasKafkasNameAndRetriability) {
  EXPECT_EQ(to_string(ErrorCode::none), "NONE");
  EXPECT_EQ(to_string(ErrorCode::unknown_server_error), "UNKNOWN_SERVER_ERROR");
  EXPECT_EQ(to_string(ErrorCode::not_leader_or_follower), "NOT_LEADER_OR_FOLLOWER");
  EXPECT_EQ(static_cast<int>(ErrorCode::voter_not_found), 127);
  EXPECT_EQ(static_cast<int>(ErrorCode::invalid_regular_expression), 128);
  EXPECT_EQ(to_string(ErrorCode::invalid_regular_expression), "INVALID_REGULAR_EXPRESSION");
  EXPECT_TRUE(is_retriable(ErrorCode::not_leader_or_follower));
  EXPECT_FALSE(is_retriable(ErrorCode::invalid_record));
}

TEST(ErrorCode, OutsideTheListIsNamedAsUnknown) {
  EXPECT_EQ(to_string(static_cast<ErrorCode>(9999)), "UNKNOWN_ERROR_CODE");
  EXPECT_FALSE(is_retriable(static_cast<ErrorCode>(9999)));
}

TEST(ApiKey, HasKafkasName) {
  EXPECT_EQ(to_string(ApiKey::list_offsets), "ListOffsets");
  EXPECT_EQ(static_cast<int>(ApiKey::delete_share_group_offsets), 92);
  EXPECT_EQ(to_string(static_cast<ApiKey>(-3)), "Unknown");
}

}  // namespace
}  // namespace millrace::protocol

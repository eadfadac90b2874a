#include "broker/protocol/request_header.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace millrace::protocol {
namespace {

using Frame = std::vector<std::uint8_t>;

TEST(RequestHeader, OfAnInflexibleVersionEndsAfterTheClientId) {
  const Frame frame{0, 3, 0, 1, 0, 0, 0, 7, 0, 2, 'm', 'e', 0xaa};
  const auto decoded = decode_request_header(frame);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(decoded->header.api_key, ApiKey::metadata);
  EXPECT_EQ(decoded->header.api_version, 1);
  EXPECT_EQ(decoded->header.correlation_id, 7);
  EXPECT_EQ(decoded->header.client_id, "me");
  EXPECT_EQ(decoded->size_bytes, 12U);
}

TEST(RequestHeader, OfAFlexibleVersionHasAClassicClientIdAndATaggedSection) {
  const Frame frame{0, 3, 0, 12, 0, 0, 0, 7, 0xff, 0xff, 1, 5, 2, 'x', 'y', 0xaa};
  const auto decoded = decode_request_header(frame);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_FALSE(decoded->header.client_id.has_value());
  EXPECT_EQ(decoded->size_bytes, 15U);
}

TEST(RequestHeader, OfTheFirstControlledShutdownNamesNoClient) {
  const Frame first{0, 7, 0, 0, 0, 0, 0, 7, 0, 0, 0, 2};
  const auto decoded = decode_request_header(first);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_FALSE(decoded->header.client_id.has_value());
  EXPECT_EQ(decoded->size_bytes, 8U);
  const Frame second{0, 7, 0, 1, 0, 0, 0, 7, 0, 2, 'm', 'e', 0, 0, 0, 2};
  EXPECT_EQ(decode_request_header(second).value().header.client_id, "me");
}

TEST(RequestHeader, OfAFutureApiVersionsIsReadSoThatItCanBeAnswered) {
  const Frame frame{0, 18, 0, 99, 0, 0, 0, 7, 0, 1, 'c', 0, 0xaa};
  const auto decoded = decode_request_header(frame);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(decoded->header.api_version, 99);
  EXPECT_EQ(decoded->size_bytes, 12U);
}

TEST(RequestHeader, OfAnUnknownApiIsUnsupported) {
  const auto decoded = decode_request_header(Frame{0x12, 0x34, 0, 0, 0, 0, 0, 1, 0xff, 0xff});
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().kind, ErrorKind::unsupported);
  EXPECT_THAT(decoded.error().message, testing::HasSubstr("API key 4660"));
}

TEST(RequestHeader, CutAnywhereIsAnError) {
  const Frame frame{0, 3, 0, 12, 0, 0, 0, 7, 0, 2, 'm', 'e', 0};
  for (std::size_t length = 0; length < frame.size(); ++length) {
    EXPECT_FALSE(decode_request_header(BytesView(frame).first(length))) << length;
  }
  EXPECT_TRUE(decode_request_header(frame));
}

TEST(ResponseHeader, OfApiVersionsNeverHasTaggedFields) {
  EXPECT_FALSE(has_flexible_response_header(ApiKey::api_versions, 4));
  EXPECT_FALSE(has_flexible_response_header(ApiKey::metadata, 8));
  EXPECT_TRUE(has_flexible_response_header(ApiKey::metadata, 9));
}

}  // namespace
}  // namespace millrace::protocol

// Frames that Kafka's own classes serialised, and frames that its clients and broker exchanged, read and written again.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <tuple>

#include "broker/protocol/equality.h"
#include "broker/protocol/message.h"
#include "broker/protocol/messages.h"
#include "broker/protocol/registry.h"
#include "broker/protocol/request_header.h"
#include "test/broker/protocol/golden_file.h"

namespace millrace::protocol {
namespace {

using test::golden_frames;
using test::GoldenFrame;

// Where the body of a golden frame starts.
std::size_t header_size(const GoldenFrame& frame) {
  if (frame.is_request) {
    const auto header = decode_request_header(frame.bytes);
    EXPECT_TRUE(header) << frame.name() << ": " << (header ? "" : header.error().message);
    if (!header) return 0;
    EXPECT_EQ(header->header.api_key, frame.key);
    EXPECT_EQ(header->header.api_version, frame.version);
    return header->size_bytes;
  }
  const auto header = decode_response_header(frame.bytes, frame.key, frame.version);
  EXPECT_TRUE(header) << frame.name();
  return header ? header->size_bytes : 0;
}

template <class M>
void check_frame(const GoldenFrame& frame) {
  const BytesView body = BytesView(frame.bytes).subspan(header_size(frame));
  std::size_t consumed = 0;
  const auto message = decode<M>(body, frame.version, &consumed);
  ASSERT_TRUE(message) << frame.name() << ": " << message.error().message;
  EXPECT_EQ(consumed, body.size()) << frame.name();
  EXPECT_EQ(encoded_size(*message, frame.version).value(), body.size()) << frame.name();
  const auto again = encode(*message, frame.version);
  ASSERT_TRUE(again) << frame.name() << ": " << again.error().message;
  EXPECT_EQ(*again, std::vector<std::uint8_t>(body.begin(), body.end())) << frame.name() << "\n"
                                                                         << dump(*message, frame.version);
  EXPECT_TRUE(*message == decode<M>(*again, frame.version).value()) << frame.name();
  EXPECT_GE(dump(*message, frame.version).size(), 2U) << frame.name();
  if (frame.variant == "default") {
    EXPECT_EQ(encode(M{}, frame.version).value(), *again) << frame.name() << ": our defaults are others";
    EXPECT_TRUE(*message == M{}) << frame.name() << "\n" << dump(*message, frame.version);
  }
}

template <class M>
void check_prefixes(const GoldenFrame& frame) {
  const BytesView body = BytesView(frame.bytes).subspan(header_size(frame));
  for (std::size_t length = 0; length < body.size(); ++length) {
    const std::vector<std::uint8_t> cut(body.begin(),
                                        body.begin() + static_cast<std::ptrdiff_t>(length));  // exact, for asan
    EXPECT_FALSE(decode<M>(cut, frame.version)) << frame.name() << " cut to " << length << " of " << body.size();
  }
}

template <class Check>
void for_each_frame(const std::string& file, Check check) {
  for (const GoldenFrame& frame : golden_frames(file)) {
    bool known = false;
    for_each_request(AllRequests{}, [&]<class Request>() {
      if (Request::api_key != frame.key) return;
      known = true;
      if (frame.is_request) {
        check.template operator()<Request>(frame);
      } else {
        check.template operator()<typename Request::Response>(frame);
      }
    });
    EXPECT_TRUE(known) << frame.name() << " is not declared";
  }
}

TEST(GoldenFrames, OfKafkasClassesAreReadAndWrittenByteForByte) {
  for_each_frame("frames.txt", []<class M>(const GoldenFrame& frame) { check_frame<M>(frame); });
}

TEST(GoldenFrames, OfARealConversationAreReadAndWrittenByteForByte) {
  for_each_frame("conversation.txt", []<class M>(const GoldenFrame& frame) { check_frame<M>(frame); });
}

TEST(GoldenFrames, CutAnywhereAreAnErrorAndNeverAMessage) {
  for_each_frame("frames.txt", []<class M>(const GoldenFrame& frame) { check_prefixes<M>(frame); });
}

TEST(GoldenFrames, CoverEveryVersionOfEveryDeclaredApiInBothDirections) {
  std::set<std::tuple<ApiKey, bool, Version, std::string>> seen;
  for (const GoldenFrame& frame : golden_frames("frames.txt"))
    seen.insert({frame.key, frame.is_request, frame.version, frame.variant});
  for (const ApiInfo& api : all_apis()) {
    for (Version version = api.versions.lowest; version <= api.versions.highest; ++version) {
      for (const bool is_request : {true, false}) {
        EXPECT_TRUE(seen.contains({api.key, is_request, version, "default"})) << to_string(api.key) << " " << version;
        EXPECT_TRUE(seen.contains({api.key, is_request, version, "full"})) << to_string(api.key) << " " << version;
      }
    }
  }
}

TEST(GoldenFrames, OfARealConversationCoverEveryDeclaredApiInBothDirections) {
  std::set<std::pair<ApiKey, bool>> seen;
  for (const GoldenFrame& frame : golden_frames("conversation.txt")) seen.insert({frame.key, frame.is_request});
  for (const ApiInfo& api : all_apis()) {
    for (const bool is_request : {true, false}) EXPECT_TRUE(seen.contains({api.key, is_request})) << to_string(api.key);
  }
}

TEST(GoldenFrames, OfRequestsAreRebuiltWithTheirHeader) {
  for_each_frame("frames.txt", []<class M>(const GoldenFrame& frame) {
    if constexpr (requires { M::api_key; }) {
      const auto header = decode_request_header(frame.bytes).value();
      const auto message = decode<M>(BytesView(frame.bytes).subspan(header.size_bytes), frame.version).value();
      auto rebuilt =
          encode_request_frame(message, frame.version, header.header.correlation_id, *header.header.client_id).value();
      EXPECT_EQ(load_big_endian<std::uint32_t>(rebuilt.data()), frame.bytes.size()) << frame.name();
      rebuilt.erase(rebuilt.begin(), rebuilt.begin() + frame_length_bytes);
      EXPECT_EQ(rebuilt, frame.bytes) << frame.name();
    }
  });
}

TEST(GoldenFrames, OfResponsesAreRebuiltWithTheirHeader) {
  for_each_frame("frames.txt", []<class M>(const GoldenFrame& frame) {
    if constexpr (requires { typename M::Request; }) {
      const auto header = decode_response_header(frame.bytes, frame.key, frame.version).value();
      const auto message = decode<M>(BytesView(frame.bytes).subspan(header.size_bytes), frame.version).value();
      auto rebuilt = encode_response_frame(message, frame.version, header.correlation_id).value().flatten().value();
      EXPECT_EQ(load_big_endian<std::uint32_t>(rebuilt.data()), frame.bytes.size()) << frame.name();
      rebuilt.erase(rebuilt.begin(), rebuilt.begin() + frame_length_bytes);
      EXPECT_EQ(rebuilt, frame.bytes) << frame.name();
      const auto bare = encode_response_frame(message, frame.version, header.correlation_id, FrameLength::left_out);
      EXPECT_EQ(bare.value().flatten().value(), frame.bytes) << frame.name();
    }
  });
}

}  // namespace
}  // namespace millrace::protocol

// Frames that Kafka's own classes serialised, and frames that its clients and broker exchanged, read and written again.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <tuple>

#include "broker/base/crc32c.h"
#include "broker/protocol/any_message.h"
#include "broker/protocol/message.h"
#include "broker/protocol/messages/api_versions.h"
#include "broker/protocol/registry.h"
#include "broker/protocol/request_header.h"
#include "test/broker/protocol/golden_file.h"

namespace millrace::protocol {
namespace {

using test::golden_frames;
using test::golden_lines;
using test::GoldenFrame;

// The body of a golden frame, which lives in it.
BytesView body_of(const GoldenFrame& frame) {
  if (frame.kind == MessageKind::request) {
    const auto header = decode_request_header(frame.bytes);
    EXPECT_TRUE(header) << frame.name() << ": " << (header ? "" : header.error().message);
    if (!header) return {};
    EXPECT_EQ(header->header.api_key, frame.key);
    EXPECT_EQ(header->header.api_version, frame.version);
    EXPECT_EQ(header->header.client_id.has_value(), has_client_id(frame.key, frame.version)) << frame.name();
    return BytesView(frame.bytes).subspan(header->size_bytes);
  }
  const auto header = decode_response_header(frame.bytes, frame.key, frame.version);
  EXPECT_TRUE(header) << frame.name();
  return header ? BytesView(frame.bytes).subspan(header->size_bytes) : BytesView{};
}

std::vector<std::uint8_t> copy_of(BytesView bytes) { return {bytes.begin(), bytes.end()}; }

void check_frame(const GoldenFrame& frame) {
  const BytesView body = body_of(frame);
  const auto message = make_message(frame.key, frame.kind);
  ASSERT_NE(message, nullptr) << frame.name() << " is not declared";
  std::size_t consumed = 0;
  const auto decoded = message->decode(body, frame.version, &consumed);
  ASSERT_TRUE(decoded) << frame.name() << ": " << decoded.error().message;
  EXPECT_EQ(consumed, body.size()) << frame.name();
  const auto size_bytes = message->encoded_size(frame.version);
  ASSERT_TRUE(size_bytes) << frame.name() << ": " << size_bytes.error().message;
  EXPECT_EQ(*size_bytes, body.size()) << frame.name() << "\n" << message->dump(frame.version);
  const auto again = message->encode(frame.version);
  ASSERT_TRUE(again) << frame.name() << ": " << again.error().message;
  EXPECT_EQ(*again, copy_of(body)) << frame.name() << "\n" << message->dump(frame.version);
  const auto second = make_message(frame.key, frame.kind);
  ASSERT_TRUE(second->decode(*again, frame.version)) << frame.name();
  EXPECT_TRUE(second->equals(*message)) << frame.name();
  const auto untouched = make_message(frame.key, frame.kind);
  if (frame.variant == "default") {
    EXPECT_EQ(untouched->encode(frame.version).value(), *again) << frame.name() << ": our defaults are others";
    EXPECT_TRUE(untouched->equals(*message)) << frame.name() << "\n" << message->dump(frame.version);
  }
}

// The names that a dump gives its fields, in its order, with how deep they stand.
std::vector<std::string> field_names(const std::string& dump) {
  std::vector<std::string> names;
  for (std::size_t at = dump.find("\": "); at != std::string::npos; at = dump.find("\": ", at + 1)) {
    const std::size_t start = dump.rfind('"', at - 1) + 1;
    names.push_back(dump.substr(start, at - start));
  }
  return names;
}

// Braces and brackets outside of strings: what is opened is closed.
bool is_balanced(const std::string& dump) {
  std::string open;
  bool in_string = false;
  for (std::size_t at = 0; at < dump.size(); ++at) {
    const char character = dump[at];
    if (in_string && character == '\\') {
      ++at;
    } else if (character == '"') {
      in_string = !in_string;
    } else if (!in_string && (character == '{' || character == '[')) {
      open += character;
    } else if (!in_string && (character == '}' || character == ']')) {
      if (open.empty() || open.back() != (character == '}' ? '{' : '[')) return false;
      open.pop_back();
    }
  }
  return open.empty() && !in_string;
}

TEST(GoldenFrames, OfKafkasClassesAreReadAndWrittenByteForByte) {
  for (const GoldenFrame& frame : golden_frames("frames.txt")) check_frame(frame);
}

TEST(GoldenFrames, OfARealConversationAreReadAndWrittenByteForByte) {
  for (const GoldenFrame& frame : golden_frames("conversation.txt")) check_frame(frame);
}

TEST(GoldenFrames, CutAnywhereAreAnErrorAndNeverAMessage) {
  for (const GoldenFrame& frame : golden_frames("frames.txt")) {
    const BytesView body = body_of(frame);
    const auto message = make_message(frame.key, frame.kind);
    for (std::size_t length = 0; length < body.size(); ++length) {
      const auto cut = copy_of(body.first(length));  // of its own, so that the address sanitizer sees its end
      EXPECT_FALSE(message->decode(cut, frame.version))
          << frame.name() << " cut to " << length << " of " << body.size();
    }
  }
}

// One to four changes: a bit, a byte that means much to lengths and counts, a cut, a doubled piece.
void damage(std::vector<std::uint8_t>& bytes, std::mt19937& random) {
  constexpr std::array<std::uint8_t, 6> extremes{0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff};
  for (unsigned changes = 1 + random() % 4; changes > 0 && !bytes.empty(); --changes) {
    const std::size_t at = random() % bytes.size();
    const auto place = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    switch (random() % 4) {
      case 0:
        bytes[at] ^= static_cast<std::uint8_t>(1U << (random() % 8));
        break;
      case 1:
        bytes[at] = extremes[random() % extremes.size()];
        break;
      case 2:
        bytes.erase(place,
                    place + static_cast<std::ptrdiff_t>(std::min<std::size_t>(1 + random() % 4, bytes.size() - at)));
        break;
      default: {
        const std::vector<std::uint8_t> piece(place, std::min(place + 8, bytes.end()));
        bytes.insert(place, piece.begin(), piece.end());
      }
    }
  }
}

TEST(GoldenFrames, DamagedAnyhowAreAnErrorOrAMessageThatCanBeWrittenAndReadAgain) {
  const auto frames = golden_frames("frames.txt");
  std::mt19937 random(20260101);
  std::size_t refused = 0;
  std::size_t taken = 0;
  for (int round = 0; round < 20000; ++round) {
    const GoldenFrame& frame = frames[static_cast<std::size_t>(round) % frames.size()];
    auto body = copy_of(body_of(frame));
    damage(body, random);
    const auto message = make_message(frame.key, frame.kind);
    std::size_t consumed = 0;
    if (!message->decode(body, frame.version, &consumed, {.memory_limit_bytes = std::size_t{1} << 20})) {
      ++refused;
      continue;
    }
    ++taken;
    EXPECT_LE(consumed, body.size()) << frame.name();
    const auto written = message->encode(frame.version);
    ASSERT_TRUE(written) << frame.name() << ": " << written.error().message;
    const auto again = make_message(frame.key, frame.kind);
    ASSERT_TRUE(again->decode(*written, frame.version)) << frame.name();
    EXPECT_EQ(again->encode(frame.version).value(), *written) << frame.name();
  }
  EXPECT_GT(refused, 5000U);
  EXPECT_GT(taken, 1000U);
}

TEST(GoldenFrames, AreDumpedWithEveryFieldOfTheirVersion) {
  for (const GoldenFrame& frame : golden_frames("frames.txt")) {
    if (frame.variant != "full") continue;
    const auto message = make_message(frame.key, frame.kind);
    ASSERT_TRUE(message->decode(body_of(frame), frame.version)) << frame.name();
    const std::string dump = message->dump(frame.version);
    EXPECT_TRUE(is_balanced(dump)) << frame.name() << "\n" << dump;
    // A body of more than its empty tagged section has fields, and a message at its defaults shows those at its top.
    EXPECT_EQ(field_names(dump).empty(), body_of(frame).size() <= 1) << frame.name() << "\n" << dump;
    const auto all = field_names(dump);
    for (const std::string& name : field_names(make_message(frame.key, frame.kind)->dump(frame.version)))
      EXPECT_TRUE(std::ranges::find(all, name) != all.end()) << frame.name() << " lacks " << name << "\n" << dump;
    EXPECT_LE(message->dump(frame.version, 40).size(), 40U + 8) << frame.name();
  }
}

TEST(GoldenFrames, CoverEveryVersionOfEveryDeclaredApiInBothDirections) {
  std::set<std::tuple<ApiKey, MessageKind, Version, std::string>> seen;
  for (const GoldenFrame& frame : golden_frames("frames.txt"))
    seen.insert({frame.key, frame.kind, frame.version, frame.variant});
  for (const ApiInfo& api : all_apis()) {
    for (Version version = api.versions.lowest; version <= api.versions.highest; ++version) {
      for (const MessageKind kind : {MessageKind::request, MessageKind::response}) {
        for (const char* variant : {"default", "full", "nulls", "null-arrays"}) {
          EXPECT_TRUE(seen.contains({api.key, kind, version, variant})) << to_string(api.key) << " " << version;
        }
      }
    }
  }
}

TEST(GoldenFrames, OfARealConversationCoverEveryApiThatBrokersAndToolsUseUnasked) {
  std::set<std::pair<ApiKey, MessageKind>> seen;
  for (const GoldenFrame& frame : golden_frames("conversation.txt")) seen.insert({frame.key, frame.kind});
  // Requests are forwarded only while a cluster migrates to KRaft.
  const std::set<ApiKey> unused{ApiKey::envelope};
  for (const ApiInfo& api : all_apis()) {
    for (const MessageKind kind : {MessageKind::request, MessageKind::response})
      EXPECT_EQ(seen.contains({api.key, kind}), !unused.contains(api.key)) << to_string(api.key);
  }
}

TEST(GoldenFrames, OfRequestsAndResponsesAreRebuiltWithTheirHeader) {
  for (const GoldenFrame& frame : golden_frames("frames.txt")) {
    std::int32_t correlation_id = 0;
    std::string_view client_id;
    if (frame.kind == MessageKind::request) {
      const auto header = decode_request_header(frame.bytes).value().header;
      correlation_id = header.correlation_id;
      client_id = header.client_id.value_or("");
    } else {
      correlation_id = decode_response_header(frame.bytes, frame.key, frame.version).value().correlation_id;
    }
    const auto message = make_message(frame.key, frame.kind);
    ASSERT_TRUE(message->decode(body_of(frame), frame.version)) << frame.name();
    auto rebuilt = message->encode_frame(frame.version, correlation_id, client_id).value().flatten().value();
    EXPECT_EQ(load_big_endian<std::uint32_t>(rebuilt.data()), frame.bytes.size()) << frame.name();
    rebuilt.erase(rebuilt.begin(), rebuilt.begin() + frame_length_bytes);
    EXPECT_EQ(rebuilt, frame.bytes) << frame.name();
  }
}

TEST(GoldenFrames, LeaveTheirLengthToTheConnectionWhenAsked) {
  const auto with_length = encode_response_frame(ApiVersionsResponse{}, 3, 7).value().flatten().value();
  const auto bare = encode_response_frame(ApiVersionsResponse{}, 3, 7, FrameLength::left_out).value().flatten().value();
  EXPECT_EQ(copy_of(BytesView(with_length).subspan(frame_length_bytes)), bare);
}

// Which values another version drops, and which it refuses to drop.
TEST(GoldenConversions, MakeOfEachMessageInEachVersionWhatKafkasClassesMakeOfIt) {
  std::map<std::tuple<ApiKey, MessageKind, Version>, GoldenFrame> full;
  for (GoldenFrame& frame : golden_frames("frames.txt"))
    if (frame.variant == "full") full.insert_or_assign({frame.key, frame.kind, frame.version}, std::move(frame));
  std::size_t compared = 0;
  for (const std::string& line : golden_lines("conversions.txt")) {
    std::istringstream words(line);
    int key = 0;
    std::string kind;
    Version version = 0;
    words >> key >> kind >> version;
    const GoldenFrame& frame = full.at({static_cast<ApiKey>(key), test::message_kind(kind), version});
    const auto message = make_message(frame.key, frame.kind);
    ASSERT_TRUE(message->decode(body_of(frame), version)) << frame.name();
    for (std::string outcome; words >> outcome; ++compared) {
      const auto equals_sign = outcome.find('=');
      const auto other = static_cast<Version>(std::stoi(outcome.substr(0, equals_sign)));
      const auto encoded = message->encode(other);
      std::ostringstream ours;
      if (encoded) {
        ours << std::hex << crc32c(*encoded);
      } else {
        ours << "refused";
      }
      EXPECT_EQ(ours.str(), outcome.substr(equals_sign + 1))
          << frame.name() << " in version " << other << ": " << (encoded ? "" : encoded.error().message) << "\n"
          << message->dump(version);
    }
  }
  EXPECT_GT(compared, 3000U);
}

using VersionsByKey = std::map<ApiKey, Versions>;

// The versions that the classes of a release have.
VersionsByKey versions_of(const std::string& release) {
  VersionsByKey versions;
  for (const std::string& line : golden_lines("versions.txt")) {
    std::istringstream words(line);
    std::string from;
    int key = 0;
    std::string name;
    Versions range;
    words >> from >> key >> name >> range.lowest >> range.highest;
    EXPECT_EQ(to_string(static_cast<ApiKey>(key)), name);
    if (from == release) versions.emplace(static_cast<ApiKey>(key), range);
  }
  return versions;
}

TEST(DeclaredApis, AreThoseOfABrokersZooKeeperListenerAndTheLaterVersionsOfTheGroupApis) {
  VersionsByKey expected = versions_of("3.9.2");
  for (const auto& [key, later] : versions_of("4.3.1")) {
    ASSERT_TRUE(expected.contains(key)) << to_string(key);
    expected[key].highest = std::max(expected[key].highest, later.highest);
  }
  EXPECT_GT(expected.size(), 60U);
  for (const ApiInfo& api : all_apis()) {
    ASSERT_TRUE(expected.contains(api.key)) << to_string(api.key);
    EXPECT_EQ(api.versions.lowest, expected[api.key].lowest) << to_string(api.key);
    EXPECT_EQ(api.versions.highest, expected[api.key].highest) << to_string(api.key);
    expected.erase(api.key);
  }
  for (const auto& missing : expected) ADD_FAILURE() << to_string(missing.first) << " is not declared";
}

TEST(DeclaredApis, HoldEveryVersionThatARealBrokerOnZooKeeperAdvertised) {
  std::size_t answers = 0;
  for (const GoldenFrame& frame : golden_frames("conversation.txt")) {
    if (frame.key != ApiKey::api_versions || frame.kind != MessageKind::response) continue;
    const auto answer = decode<ApiVersionsResponse>(body_of(frame), frame.version).value();
    VersionsByKey advertised;
    for (const auto& api : answer.api_keys) advertised.emplace(api.api_key, Versions{api.min_version, api.max_version});
    EXPECT_EQ(advertised, versions_of("3.9.2")) << frame.name();
    ++answers;
  }
  EXPECT_GT(answers, 0U);
}

}  // namespace
}  // namespace millrace::protocol

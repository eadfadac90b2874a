// The rules of the declarations, beyond what the golden frames show: what cannot be sent, what must not be believed.
#include "broker/protocol/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/protocol/any_message.h"
#include "broker/protocol/equality.h"
#include "broker/protocol/messages.h"
#include "broker/protocol/registry.h"

namespace millrace::protocol {
namespace {

using testing::HasSubstr;
using testing::Not;
using Frame = std::vector<std::uint8_t>;

template <class T>
std::string error_of(const Result<T>& result) {
  return result ? "no error" : result.error().message;
}

TEST(Decode, NamesTheMessageTheFieldAndTheByteThatIsWrong) {
  const auto decoded = decode<MetadataRequest>(Frame{0, 0, 0, 1, 0, 200, 'a'}, 1);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().kind, ErrorKind::truncated);
  EXPECT_EQ(decoded.error().message,
            "Metadata request version 1: field 'name' at byte 6: 200 bytes are announced and 1 remain");
}

TEST(Decode, RefusesAnArrayWhoseElementsCannotBeInTheRemainingBytes) {
  const auto decoded = decode<MetadataRequest>(Frame{0x7f, 0xff, 0xff, 0xff}, 1);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().kind, ErrorKind::truncated);
  EXPECT_THAT(decoded.error().message,
              HasSubstr("an array of 2147483647 elements takes at least 4294967294 bytes and 0 remain"));
}

TEST(Decode, TakesMinusOneAloneForNull) {
  const auto all = decode<MetadataRequest>(Frame{0xff, 0xff, 0xff, 0xff}, 1);
  ASSERT_TRUE(all) << error_of(all);
  EXPECT_FALSE(all->topics.has_value());
  EXPECT_THAT(error_of(decode<MetadataRequest>(Frame{0xff, 0xff, 0xff, 0xfe}, 1)), HasSubstr("-2"));
  EXPECT_THAT(error_of(decode<MetadataRequest>(Frame{0, 0, 0, 1, 0xff, 0xfe}, 1)), HasSubstr("-2"));
}

TEST(Decode, RefusesNullInAVersionThatHasNone) {
  EXPECT_THAT(error_of(decode<MetadataRequest>(Frame{0xff, 0xff, 0xff, 0xff}, 0)), HasSubstr("null is not allowed"));
  EXPECT_THAT(error_of(decode<MetadataRequest>(Frame{0, 0, 0, 1, 0xff, 0xff}, 1)), HasSubstr("null is not allowed"));
}

TEST(Decode, BoundsTheMemoryOfAllArraysOfOneMessage) {
  // Four thousand empty topic names: two bytes each on the wire, a struct each in memory.
  Frame frame{0, 0, 0x0f, 0xa0};
  frame.resize(frame.size() + 8000);
  EXPECT_TRUE(decode<MetadataRequest>(frame, 1));
  const auto decoded = decode<MetadataRequest>(frame, 1, nullptr, {.memory_limit_bytes = 4000});
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().kind, ErrorKind::resource_exhausted);
}

TEST(Decode, SaysHowMuchMemoryTheArraysTake) {
  const Frame frame{0, 0, 0, 2, 0, 0, 0, 0};
  std::size_t used_bytes = 0;
  ASSERT_TRUE(
      decode<MetadataRequest>(frame, 1, nullptr, {.memory_limit_bytes = 100'000, .used_memory_bytes = &used_bytes}));
  EXPECT_EQ(used_bytes, 2 * sizeof(MetadataRequest::Topic));
}

TEST(Decode, ReportsWhatItReadAndLeavesTheRest) {
  std::size_t consumed = 0;
  EXPECT_TRUE(decode<MetadataRequest>(Frame{0, 0, 0, 0, 9, 9, 9}, 1, &consumed));
  EXPECT_EQ(consumed, 4U);
}

TEST(Decode, RefusesAVersionThatIsNotDeclared) {
  const auto decoded = decode<MetadataRequest>(Frame{}, 99);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().kind, ErrorKind::unsupported);
  EXPECT_EQ(decoded.error().message, "Metadata request version 99 is not known; versions 0 to 12 are");
  EXPECT_FALSE(decode<MetadataRequest>(Frame{}, -1));
}

// The fields of a MetadataRequest at version 12 without the tagged section: null topics and three booleans.
Frame metadata_request(std::initializer_list<std::uint8_t> tagged) {
  Frame frame{0, 1, 0};
  frame.insert(frame.end(), tagged);
  return frame;
}

TEST(TaggedFields, ThatAreUnknownAreSkipped) {
  const auto decoded = decode<MetadataRequest>(metadata_request({2, 7, 3, 'a', 'b', 'c', 9, 0}), 12);
  ASSERT_TRUE(decoded) << error_of(decoded);
  EXPECT_TRUE(decoded->allow_auto_topic_creation);
}

TEST(TaggedFields, ThatAreRepeatedOrOutOfOrderAreRefused) {
  EXPECT_THAT(error_of(decode<MetadataRequest>(metadata_request({2, 7, 0, 7, 0}), 12)),
              HasSubstr("tag 7 is repeated or out of order"));
  EXPECT_THAT(error_of(decode<MetadataRequest>(metadata_request({2, 7, 0, 6, 0}), 12)),
              HasSubstr("tag 6 is repeated or out of order"));
}

TEST(TaggedFields, ThatExceedTheMessageAreRefused) {
  EXPECT_THAT(error_of(decode<MetadataRequest>(metadata_request({1, 7, 100}), 12)),
              HasSubstr("100 bytes are announced and 0 remain"));
  EXPECT_FALSE(decode<MetadataRequest>(metadata_request({0xff, 0xff, 0xff, 0xff, 0x0f}), 12));
}

TEST(TaggedFields, ThatAreLongerThanTheirValueAreRefused) {
  FetchRequest request;
  request.cluster_id = "abc";
  auto frame = encode(request, 17).value();
  ASSERT_TRUE(decode<FetchRequest>(frame, 17));
  // … 1 tagged field: tag 0, 4 bytes, compact length 4, "abc": announce five and give them.
  frame[frame.size() - 5] = 5;
  frame.push_back(0);
  EXPECT_THAT(error_of(decode<FetchRequest>(frame, 17)), HasSubstr("1 bytes are left over in the tagged field"));
}

TEST(VariableLengthIntegers, LongerThanThirtyTwoBitsAreRefused) {
  EXPECT_THAT(error_of(decode<MetadataRequest>(Frame{0x80, 0x80, 0x80, 0x80, 0x10}, 12)),
              HasSubstr("longer than 32 bits"));
  EXPECT_THAT(error_of(decode<MetadataRequest>(Frame{0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, 12)),
              HasSubstr("longer than 32 bits"));
}

TEST(Encode, RefusesAValueThatTheVersionCannotCarry) {
  MetadataRequest request;
  request.allow_auto_topic_creation = false;
  const auto encoded = encode(request, 3);
  ASSERT_FALSE(encoded);
  EXPECT_EQ(encoded.error().kind, ErrorKind::invalid_argument);
  EXPECT_EQ(encoded.error().message,
            "Metadata request version 3: field 'allow_auto_topic_creation': version 3 has no such field and its value "
            "is not the default");
  EXPECT_TRUE(encode(request, 4));
}

TEST(Encode, DropsAnIgnorableValueThatTheVersionCannotCarry) {
  MetadataResponse response;
  response.throttle_time_ms = 5;
  response.cluster_id = "cluster";
  EXPECT_EQ(encode(response, 0).value(), encode(MetadataResponse{}, 0).value());
}

TEST(Encode, RefusesNullInAVersionThatHasNone) {
  MetadataRequest request;
  request.topics.reset();
  EXPECT_THAT(error_of(encode(request, 0)), HasSubstr("field 'topics': null cannot be sent in version 0"));
  EXPECT_EQ(encode(request, 1).value(), (Frame{0xff, 0xff, 0xff, 0xff}));
}

TEST(Encode, RefusesAStringThatIsTooLong) {
  const std::string name(40000, 'x');
  MetadataRequest request{.topics = {{{.name = name}}}};
  EXPECT_THAT(error_of(encode(request, 12)), HasSubstr("a string of 40000 bytes; the limit is 32767"));
}

TEST(Dump, ShowsTheFieldsOfTheVersionAsText) {
  MetadataRequest request{.topics = {{{.name = "a\"b\n"}, {.name = std::nullopt}}}};
  EXPECT_EQ(dump(request, 1), R"({"topics": [{"name": "a\"b\x0a"}, {"name": null}]})");
  EXPECT_EQ(
      dump(request, 12),
      R"({"topics": [{"topic_id": "AAAAAAAAAAAAAAAAAAAAAA", "name": "a\"b\x0a"}, {"topic_id": "AAAAAAAAAAAAAAAAAAAAAA", "name": null}], )"
      R"("allow_auto_topic_creation": true, "include_topic_authorized_operations": false})");
}

TEST(Dump, NamesErrorCodesAndHidesRecords) {
  const ProduceResponse response{
      .responses = {{.name = "t", .partition_responses = {{.error_code = ErrorCode::corrupt_message}}}}};
  EXPECT_THAT(dump(response, 0), HasSubstr("\"error_code\": 2 /* CORRUPT_MESSAGE */"));
  const Frame records(100);
  const ProduceRequest request{.topic_data = {{.name = "t", .partition_data = {{.records = BytesView(records)}}}}};
  EXPECT_THAT(dump(request, 3), HasSubstr("\"records\": \"<100 bytes>\""));
}

TEST(Dump, StaysWithinItsLimit) {
  MetadataRequest request;
  request.topics->resize(10000);
  EXPECT_LT(dump(request, 12, 200).size(), 210U);
}

TEST(Equality, ComparesEveryFieldByValue) {
  const Frame one{1, 2, 3};
  const Frame other{1, 2, 3};
  ProduceRequest left{.topic_data = {{.name = "t", .partition_data = {{.records = BytesView(one)}}}}};
  ProduceRequest right{.topic_data = {{.name = "t", .partition_data = {{.records = BytesView(other)}}}}};
  EXPECT_TRUE(left == right);
  right.topic_data[0].partition_data[0].index = PartitionIndex(1);
  EXPECT_FALSE(left == right);
}

TEST(Dump, HidesWhatNobodyMayReadInALog) {
  SaslAuthenticateRequest authenticate;
  const Frame password{'p', 'w'};
  authenticate.auth_bytes = password;
  EXPECT_EQ(dump(authenticate, 2), R"({"auth_bytes": "hidden"})");
  AlterConfigsRequest alter;
  alter.resources.push_back({ConfigResourceType::broker, "1", {{"sasl.jaas.config", "secret words"}}});
  EXPECT_THAT(dump(alter, 2), Not(HasSubstr("secret words")));
  EXPECT_THAT(dump(alter, 2), HasSubstr("sasl.jaas.config"));
}

TEST(AnyMessage, IsLeftAsItWasByADecodeThatFails) {
  const auto message = make_message(ApiKey::heartbeat, MessageKind::request);
  const Frame frame{0, 1, 'g', 0, 0, 0, 5, 0, 1, 'm'};  // strings of the message are views into it
  ASSERT_TRUE(message->decode(frame, 0));
  const std::string before = message->dump(0);
  EXPECT_FALSE(message->decode(Frame{0, 1, 'x', 0, 0}, 0));
  EXPECT_EQ(message->dump(0), before);
}

TEST(AnyMessage, EqualsOnlyAMessageOfItsOwnType) {
  const auto request = make_message(ApiKey::heartbeat, MessageKind::request);
  EXPECT_TRUE(request->equals(*make_message(ApiKey::heartbeat, MessageKind::request)));
  EXPECT_FALSE(request->equals(*make_message(ApiKey::heartbeat, MessageKind::response)));
  EXPECT_FALSE(request->equals(*make_message(ApiKey::leave_group, MessageKind::request)));
}

// Describes nothing: checks that the tags of each struct ascend, which encode relies on.
struct TagOrder {
  int last = -1;
  int fields = 0;

  template <class T, class... Attributes>
  void operator()(const char* name, const T& /*member*/, Attributes... attributes) {
    ++fields;
    const FieldSpec spec = field_spec(attributes...);
    if (spec.is_tagged()) {
      EXPECT_GT(spec.tag_number, last) << name;
      last = spec.tag_number;
    }
    visit<T>();
  }
  template <class T>
  void visit() {
    if constexpr (WireStruct<T>) {
      TagOrder nested;
      const T instance{};
      T::describe(instance, nested);
    } else if constexpr (requires { typename T::value_type; }) {
      visit<typename T::value_type>();  // of an array, a nullable, or one in the other
    }
  }
};

TEST(Declarations, ListTheirTagsInAscendingOrder) {
  for_each_request(AllRequests{}, []<class Request>() {
    TagOrder request;
    request.visit<Request>();
    request.visit<typename Request::Response>();
  });
}

TEST(Registry, KnowsWhatIsDeclaredAndNothingElse) {
  const ApiInfo* const fetch = find_api(ApiKey::fetch);
  ASSERT_NE(fetch, nullptr);
  EXPECT_EQ(fetch->versions, (Versions{0, 17}));
  EXPECT_EQ(fetch->flexible_since, 12);
  EXPECT_EQ(find_api(static_cast<ApiKey>(-1)), nullptr);
  EXPECT_EQ(find_api(ApiKey::vote), nullptr);
  EXPECT_EQ(make_message(ApiKey::vote, MessageKind::request), nullptr);
  EXPECT_FALSE(all_apis().empty());
}

}  // namespace
}  // namespace millrace::protocol

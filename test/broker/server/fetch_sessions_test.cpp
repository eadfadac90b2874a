#include "broker/server/fetch_sessions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "broker/base/random.h"

namespace millrace::server {
namespace {

using protocol::ErrorCode;
using testing::ElementsAre;
using Forgotten = protocol::Array<protocol::FetchRequest::ForgottenTopic>;

constexpr std::int64_t eviction_ms = 120'000;

FetchTarget target(std::string_view topic, int partition, std::int64_t offset = 0) {
  FetchTarget target;
  target.topic = std::make_shared<const std::string>(topic);
  target.wanted.partition = PartitionIndex(partition);
  target.wanted.fetch_offset = Offset(offset);
  return target;
}

FetchTarget target_by_id(std::uint8_t id, std::shared_ptr<const std::string> topic, int partition = 0) {
  FetchTarget target;
  target.topic_id.bytes[0] = id;
  target.topic = std::move(topic);
  target.wanted.partition = PartitionIndex(partition);
  return target;
}

std::vector<FetchTarget> some(std::size_t count, std::string_view topic = "topic") {
  std::vector<FetchTarget> targets;
  for (std::size_t partition = 0; partition < count; ++partition)
    targets.push_back(target(topic, static_cast<int>(partition)));
  return targets;
}

FetchAnswerSummary quiet(std::int64_t high_watermark = 5) { return {Offset(high_watermark), Offset(0)}; }
FetchAnswerSummary records(std::int64_t high_watermark = 5) {
  auto answer = quiet(high_watermark);
  answer.has_records = true;
  return answer;
}
FetchAnswerSummary failed() { return {.has_error = true}; }

struct Sessions : testing::Test {
  FetchContext begin(std::int32_t id, std::int32_t epoch, std::vector<FetchTarget> targets,
                     const Forgotten& forgotten = {}, bool by_ids = false, bool is_follower = false) {
    return sessions->begin({id, epoch, by_ids, is_follower, std::move(targets), forgotten}, now_ms,
                           [this](const TopicId& topic_id) {
                             auto found = names.find(topic_id.bytes[0]);
                             return found == names.end() ? nullptr : found->second;
                           });
  }
  FetchSessions::Outcome finish(const FetchContext& context, std::vector<FetchAnswerSummary> answers) {
    return sessions->finish(context, answers, now_ms);
  }
  // The id of a new session with these partitions, which are all quiet at 5; 0 when there is none.
  std::int32_t create(std::vector<FetchTarget> targets, bool is_follower = false) {
    const auto count = targets.size();
    auto context = begin(0, 0, std::move(targets), {}, false, is_follower);
    return finish(context, std::vector<FetchAnswerSummary>(count, quiet())).session_id;
  }
  void make(std::size_t slots, std::size_t max_partitions = 1000) {
    sessions =
        std::make_unique<FetchSessions>(FetchSessions::Settings{slots, max_partitions, eviction_ms}, random, metrics);
  }
  void SetUp() override { make(10); }

  static std::vector<int> partitions_of(const FetchContext& context) {
    std::vector<int> partitions;
    for (const auto& each : context.targets) partitions.push_back(each.wanted.partition.value());
    return partitions;
  }

  SeededRandom random{7};
  MetricsRegistry metrics;
  std::unique_ptr<FetchSessions> sessions;
  std::map<std::uint8_t, std::shared_ptr<const std::string>> names;
  std::int64_t now_ms = 1000;
};

TEST_F(Sessions, AreNotMadeForWhoWantsNone) {
  auto context = begin(0, FetchSession::final_epoch, some(2));
  EXPECT_EQ(context.kind, FetchContext::Kind::sessionless);
  auto outcome = finish(context, {quiet(), quiet()});
  EXPECT_EQ(outcome.session_id, 0);
  EXPECT_THAT(outcome.told, ElementsAre(true, true));
  EXPECT_EQ(sessions->size(), 0U);
}

TEST_F(Sessions, TellAllFirstAndThenOnlyWhatIsNew) {
  auto context = begin(0, 0, some(3));
  EXPECT_EQ(context.kind, FetchContext::Kind::full);
  auto outcome = finish(context, {quiet(), quiet(), quiet()});
  const auto id = outcome.session_id;
  ASSERT_GT(id, 0);
  EXPECT_THAT(outcome.told, ElementsAre(true, true, true));
  EXPECT_EQ(sessions->partitions(), 3U);

  context = begin(id, 1, {});
  EXPECT_THAT(partitions_of(context), ElementsAre(0, 1, 2));
  outcome = finish(context, {quiet(), quiet(), quiet()});
  EXPECT_EQ(outcome.session_id, id);
  EXPECT_THAT(outcome.told, ElementsAre(false, false, false));

  // Records, another high watermark, another start of the log.
  context = begin(id, 2, {});
  auto truncated = quiet();
  truncated.log_start_offset = Offset(2);
  EXPECT_THAT(finish(context, {records(), quiet(6), truncated}).told, ElementsAre(true, true, true));
  EXPECT_THAT(partitions_of(begin(id, 3, {})), ElementsAre(1, 2, 0)) << "who had records goes to the end";
}

TEST_F(Sessions, TellAnErrorEachTimeAndItsEndOnce) {
  const auto id = create(some(1));
  EXPECT_THAT(finish(begin(id, 1, {}), {failed()}).told, ElementsAre(true));
  EXPECT_THAT(finish(begin(id, 2, {}), {failed()}).told, ElementsAre(true));
  EXPECT_THAT(finish(begin(id, 3, {}), {quiet()}).told, ElementsAre(true));
  EXPECT_THAT(finish(begin(id, 4, {}), {quiet()}).told, ElementsAre(false));
}

TEST_F(Sessions, TakeWhatChangedAndForgetWhatIsForgotten) {
  const auto id = create(some(3));
  auto changed = target("topic", 1, 42);
  auto added = target("other", 7);
  const Forgotten forgotten{{"topic", {}, {PartitionIndex(0), PartitionIndex(9)}}};
  auto context = begin(id, 1, {changed, added}, forgotten);
  EXPECT_THAT(partitions_of(context), ElementsAre(1, 2, 7));
  EXPECT_EQ(context.targets[0].wanted.fetch_offset, Offset(42));
  EXPECT_EQ(*context.targets[2].topic, "other");
  EXPECT_THAT(finish(context, {quiet(), quiet(), quiet()}).told, ElementsAre(false, false, true))
      << "what was added is told even if it is quiet";
  EXPECT_EQ(sessions->partitions(), 3U);
}

TEST_F(Sessions, EndWhenNothingIsLeft) {
  const auto id = create(some(1));
  const Forgotten forgotten{{"topic", {}, {PartitionIndex(0)}}};
  auto context = begin(id, 1, {}, forgotten);
  EXPECT_EQ(context.kind, FetchContext::Kind::sessionless);
  EXPECT_TRUE(context.targets.empty());
  EXPECT_EQ(finish(context, {}).session_id, 0);
  EXPECT_EQ(sessions->size(), 0U);
  EXPECT_EQ(sessions->partitions(), 0U);
}

TEST_F(Sessions, RefuseWhatIsUnknownOrOutOfOrder) {
  const auto id = create(some(1));
  EXPECT_EQ(finish(begin(id + 1, 1, {}), {}).error, ErrorCode::fetch_session_id_not_found);
  for (std::int32_t epoch : {2, 77, -2}) {
    auto context = begin(id, epoch, {});
    EXPECT_EQ(context.kind, FetchContext::Kind::refused);
    auto outcome = finish(context, {});
    EXPECT_EQ(outcome.error, ErrorCode::invalid_fetch_session_epoch) << epoch;
    EXPECT_EQ(outcome.session_id, 0);
  }
  EXPECT_EQ(begin(id, 1, {}, {}, true).error, ErrorCode::fetch_session_topic_id_error);
  EXPECT_EQ(begin(id, 1, {}).error, ErrorCode::none) << "what was refused has not used the epoch up";
}

TEST_F(Sessions, DoNotAnswerARequestThatAnotherHasOvertaken) {
  const auto id = create(some(1));
  auto first = begin(id, 1, {});
  auto second = begin(id, 2, {});
  auto outcome = finish(first, {quiet()});
  EXPECT_EQ(outcome.error, ErrorCode::invalid_fetch_session_epoch);
  EXPECT_EQ(outcome.session_id, id);
  EXPECT_TRUE(outcome.told.empty());
  EXPECT_EQ(finish(second, {quiet()}).error, ErrorCode::none);
}

TEST_F(Sessions, EndWithAFullRequestOfTheirClient) {
  for (std::int32_t epoch : {FetchSession::initial_epoch, FetchSession::final_epoch}) {
    const auto id = create(some(1));
    auto context = begin(id, epoch, some(1));
    EXPECT_EQ(sessions->size(), 0U);
    const auto next = finish(context, {quiet()}).session_id;
    EXPECT_EQ(next != 0, epoch == FetchSession::initial_epoch);
    EXPECT_NE(next, id);
    EXPECT_EQ(begin(id, 1, {}).error, ErrorCode::fetch_session_id_not_found);
    if (next != 0) begin(next, FetchSession::final_epoch, {});
  }
}

TEST_F(Sessions, KeepAnIdWhoseNameIsNotKnownYet) {
  auto context =
      begin(0, 0, {target_by_id(1, nullptr), target_by_id(2, std::make_shared<const std::string>("two"))}, {}, true);
  const auto id = finish(context, {failed(), quiet()}).session_id;
  context = begin(id, 1, {}, {}, true);
  EXPECT_EQ(context.targets[0].topic, nullptr);
  finish(context, {failed(), quiet()});
  names[1] = std::make_shared<const std::string>("one");
  context = begin(id, 2, {}, {}, true);
  ASSERT_NE(context.targets[0].topic, nullptr);
  EXPECT_EQ(*context.targets[0].topic, "one");
  EXPECT_THAT(finish(context, {quiet(), quiet()}).told, ElementsAre(true, false));
  // The name stays, whatever becomes of the id.
  names.clear();
  EXPECT_EQ(*begin(id, 3, {}, {}, true).targets[0].topic, "one");
}

TEST_F(Sessions, CountAPartitionThatIsNamedTwiceOnce) {
  auto context = begin(0, 0, {target("topic", 0, 1), target("topic", 0, 2)});
  const auto id = finish(context, {quiet(), quiet()}).session_id;
  EXPECT_EQ(sessions->partitions(), 1U);
  EXPECT_EQ(begin(id, 1, {}).targets.at(0).wanted.fetch_offset, Offset(2));
}

TEST_F(Sessions, GoOnAfterTheHighestEpoch) {
  EXPECT_EQ(FetchSession::next_epoch(std::numeric_limits<std::int32_t>::max()), 1);
  EXPECT_EQ(FetchSession::next_epoch(0), 1);
  EXPECT_EQ(FetchSession::next_epoch(-1), -1);
}

TEST_F(Sessions, OfSlotsThatAreNoneAreNeverMade) {
  make(0);
  EXPECT_EQ(create(some(1)), 0);
  EXPECT_EQ(create(some(1), true), 0);
}

TEST_F(Sessions, MakeRoomByTheOneThatWasIdleTheLongest) {
  make(2);
  const auto first = create(some(5));
  now_ms += 10;
  const auto second = create(some(5));
  EXPECT_EQ(create(some(9)), 0) << "both are young";
  now_ms += 100'000;
  begin(first, 1, {});
  now_ms += 30'000;
  const auto third = create(some(1));
  EXPECT_NE(third, 0);
  EXPECT_EQ(begin(second, 1, {}).error, ErrorCode::fetch_session_id_not_found);
  EXPECT_EQ(begin(first, 2, {}).error, ErrorCode::none);
  EXPECT_EQ(sessions->size(), 2U);
}

TEST_F(Sessions, OfManyPartitionsTakeThePlaceOfOldOnesOfFew) {
  make(2);
  const auto small = create(some(2));
  const auto large = create(some(5));
  now_ms += 100'000;
  begin(small, 1, {});
  begin(large, 1, {});
  now_ms += 100'000;  // created long ago, used not long ago
  begin(small, 2, {});
  begin(large, 2, {});
  EXPECT_EQ(create(some(1)), 0) << "smaller than each";
  const auto next = create(some(3));
  EXPECT_NE(next, 0);
  EXPECT_EQ(begin(small, 3, {}).error, ErrorCode::fetch_session_id_not_found);
  EXPECT_EQ(begin(large, 3, {}).error, ErrorCode::none);
}

TEST_F(Sessions, OfFollowersTakeThePlaceOfConsumers) {
  make(2);
  const auto consumer = create(some(9));
  const auto follower = create(some(1), true);
  EXPECT_EQ(create(some(20)), 0) << "neither is idle, and the consumer's is young";
  const auto other_follower = create(some(1), true);
  EXPECT_NE(other_follower, 0);
  EXPECT_EQ(begin(consumer, 1, {}).error, ErrorCode::fetch_session_id_not_found);
  EXPECT_EQ(create(some(50), true), 0) << "followers do not drive out young followers";
  EXPECT_EQ(begin(follower, 1, {}).error, ErrorCode::none);
}

TEST_F(Sessions, AreBoundedByTheirPartitions) {
  make(10, 5);
  EXPECT_EQ(create(some(6)), 0);
  const auto id = create(some(4));
  EXPECT_NE(id, 0);
  EXPECT_EQ(create(some(2)), 0);
  EXPECT_EQ(begin(id, 1, some(1, "other")).error, ErrorCode::none);
  // One that would grow beyond the bound ends: its client begins anew.
  EXPECT_EQ(begin(id, 2, some(1, "third")).error, ErrorCode::fetch_session_id_not_found);
  EXPECT_EQ(sessions->size(), 0U);
  EXPECT_EQ(sessions->partitions(), 0U);
  EXPECT_THAT(metrics.text(), testing::HasSubstr("millrace_fetch_sessions_refused_total 3"));
}

TEST_F(Sessions, ShowWhatTheyAre) {
  make(1);
  create(some(3));
  now_ms += eviction_ms + 1;
  create(some(2));
  const auto text = metrics.text();
  EXPECT_THAT(text, testing::HasSubstr("millrace_fetch_sessions 1"));
  EXPECT_THAT(text, testing::HasSubstr("millrace_fetch_session_partitions 2"));
  EXPECT_THAT(text, testing::HasSubstr("millrace_fetch_session_evictions_total 1"));
}

}  // namespace
}  // namespace millrace::server

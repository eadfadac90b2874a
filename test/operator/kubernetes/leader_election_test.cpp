#include "operator/kubernetes/leader_election.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <memory>
#include <nlohmann/json.hpp>

#include "broker/base/logging.h"
#include "broker/base/random.h"
#include "test/operator/kubernetes/memory_api.h"

namespace millrace::kubernetes {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

const ObjectReference lease_reference{leases, "kafka", "millrace-operator"};

// A candidate with a clock of its own, because nodes' clocks differ.
struct Candidate {
  Candidate(MemoryApi& api, const std::string& identity)
      : random(identity.size()),
        election(api, clock, random, {.namespace_name = "kafka", .identity = identity},
                 {.on_elected = [this] { told.emplace_back("elected"); },
                  .on_lost = [this](const std::string& why) { told.push_back("lost: " + why); },
                  .on_new_leader = [this](const std::string& leader) { told.push_back("sees " + leader); }}) {}

  ManualClock clock;
  SeededRandom random;
  std::vector<std::string> told;
  LeaderElection election;
};

class LeaderElectionTest : public testing::Test {
 protected:
  void advance(Duration duration) {
    first_.clock.advance(duration);
    second_.clock.advance(duration);
  }
  Json lease() { return *api_.get(lease_reference, {}); }

  MemoryApi api_;
  Candidate first_{api_, "first"};
  Candidate second_{api_, "second"};
};

TEST_F(LeaderElectionTest, ElectsWhoComesFirst) {
  EXPECT_EQ(first_.election.step(), 2s);
  Duration again = second_.election.step();
  EXPECT_GE(again, 2s);
  EXPECT_LE(again, 2400ms);
  EXPECT_TRUE(first_.election.is_leader());
  EXPECT_FALSE(second_.election.is_leader());
  EXPECT_THAT(first_.told, ElementsAre("elected"));
  EXPECT_THAT(second_.told, ElementsAre("sees first"));
  Json spec = lease()["spec"];
  EXPECT_EQ(spec["holderIdentity"], "first");
  EXPECT_EQ(spec["leaseDurationSeconds"], 15);
  EXPECT_EQ(spec["leaseTransitions"], 0);
  EXPECT_EQ(spec["acquireTime"], "2023-11-14T22:13:20.000000Z");
}

TEST_F(LeaderElectionTest, RenewsWithOneConditionalWriteAndStaysElected) {
  first_.election.step();
  for (int round = 0; round < 20; ++round) {
    advance(2s);
    EXPECT_EQ(first_.election.step(), 2s);
    second_.election.step();
    EXPECT_TRUE(first_.election.is_leader());
    EXPECT_FALSE(second_.election.is_leader());
  }
  EXPECT_THAT(first_.told, ElementsAre("elected"));
  auto calls = api_.calls();
  EXPECT_EQ(std::count(calls.begin(), calls.end(), "patch millrace-operator"), 20);
}

TEST_F(LeaderElectionTest, TakesOverOnlyAfterTheRecordStoodStillForTheWholeLease) {
  first_.election.step();
  second_.election.step();
  advance(14900ms);
  second_.election.step();
  EXPECT_FALSE(second_.election.is_leader());
  advance(200ms);
  second_.election.step();
  EXPECT_TRUE(second_.election.is_leader());
  EXPECT_FALSE(first_.election.is_leader()) << "its own clock said so at ten seconds";
  EXPECT_EQ(lease()["spec"]["leaseTransitions"], 1);
  first_.election.step();
  EXPECT_THAT(first_.told,
              ElementsAre("elected", "sees second", "lost: the Lease kafka/millrace-operator is held by second"));
}

TEST_F(LeaderElectionTest, JudgesExpiryByItsOwnClockAndNotByTheRecordsTimes) {
  // The holder's clock is a day behind.
  first_.clock.set_wall_clock(TimestampMs(1'600'000'000'000));
  first_.election.step();
  second_.election.step();
  for (int round = 0; round < 10; ++round) {
    advance(2s);
    first_.election.step();
    second_.election.step();
    EXPECT_FALSE(second_.election.is_leader());
  }
  // Another clock does not get faster by looking at it: from the last change on 15 s of its own must pass.
  second_.clock.advance(14s);
  second_.election.step();
  EXPECT_FALSE(second_.election.is_leader());
}

TEST_F(LeaderElectionTest, RespectsALongerLeaseOfAnotherHolder) {
  api_.put(lease_reference,
           Json{{"spec", {{"holderIdentity", "old"}, {"leaseDurationSeconds", 60}, {"leaseTransitions", 4}}}});
  first_.election.step();
  advance(59s);
  first_.election.step();
  EXPECT_FALSE(first_.election.is_leader());
  advance(1s);
  first_.election.step();
  EXPECT_TRUE(first_.election.is_leader());
  EXPECT_EQ(lease()["spec"]["leaseTransitions"], 5);
}

TEST_F(LeaderElectionTest, TakesAReleasedLeaseAtOnce) {
  first_.election.step();
  second_.election.step();
  first_.election.stop();
  EXPECT_FALSE(first_.election.is_leader());
  EXPECT_FALSE(lease()["spec"].contains("holderIdentity"));
  advance(2s);
  second_.election.step();
  EXPECT_TRUE(second_.election.is_leader());
  EXPECT_THAT(first_.told, ElementsAre("elected")) << "stopping is not losing";
}

TEST_F(LeaderElectionTest, DoesNotReleaseWhatIsAnothers) {
  first_.election.step();
  second_.election.step();
  advance(16s);
  second_.election.step();
  first_.election.stop();
  EXPECT_EQ(lease()["spec"]["holderIdentity"], "second");
}

TEST_F(LeaderElectionTest, StopsWritingAtTheRenewDeadlineWhenNoRenewalSucceeds) {
  first_.election.step();
  api_.intercept(
      [](const std::string&, const std::string&) -> Status { return fail(ErrorKind::unavailable, "no connection"); });
  advance(2s);
  EXPECT_EQ(first_.election.step(), 2s);
  advance(7s);
  EXPECT_TRUE(first_.election.is_leader());
  EXPECT_EQ(first_.election.step(), 1s) << "not beyond the deadline";
  advance(999ms);
  EXPECT_TRUE(first_.election.is_leader());
  advance(1ms);
  EXPECT_FALSE(first_.election.is_leader()) << "whatever its thread is doing";
  EXPECT_THAT(first_.told, ElementsAre("elected"));
  first_.election.step();
  ASSERT_EQ(first_.told.size(), 2U);
  EXPECT_THAT(first_.told[1], HasSubstr("not renewed in time: no connection"));
  api_.intercept(nullptr);
  first_.election.step();
  EXPECT_TRUE(first_.election.is_leader()) << "the Lease is still its own";
}

TEST_F(LeaderElectionTest, KeepsItsTermThroughRenewalsInTime) {
  first_.election.step();
  auto begun = first_.election.leadership();
  ASSERT_TRUE(begun);
  advance(9s);
  first_.election.step();
  auto renewed = first_.election.leadership();
  ASSERT_TRUE(renewed);
  EXPECT_EQ(renewed->term, begun->term);
  EXPECT_EQ(renewed->until, begun->until + 9s);
}

TEST_F(LeaderElectionTest, BeginsAnotherTermWhereTheRenewalCameTooLate) {
  first_.election.step();
  auto begun = first_.election.leadership();
  ASSERT_TRUE(begun);
  // Nobody else wanted the Lease, and the thread slept: whoever asked meanwhile was told that nobody leads.
  advance(10s);
  EXPECT_FALSE(first_.election.leadership());
  first_.election.step();
  auto again = first_.election.leadership();
  ASSERT_TRUE(again);
  EXPECT_GT(again->term, begun->term);
  EXPECT_THAT(first_.told, ElementsAre("elected", HasSubstr("renewed too late"), "elected"));
}

TEST_F(LeaderElectionTest, BeginsAnotherTermAfterAnotherLed) {
  first_.election.step();
  auto begun = first_.election.leadership();
  second_.election.step();
  advance(16s);
  second_.election.step();
  ASSERT_TRUE(second_.election.is_leader());
  first_.election.step();
  EXPECT_FALSE(first_.election.leadership());
  second_.election.stop();
  advance(3s);
  first_.election.step();
  auto again = first_.election.leadership();
  ASSERT_TRUE(begun && again);
  EXPECT_GT(again->term, begun->term);
}

TEST_F(LeaderElectionTest, SurvivesFailuresThatEndBeforeTheDeadline) {
  first_.election.step();
  api_.intercept([](const std::string& verb, const std::string&) -> Status {
    if (verb == "patch") return fail(ErrorKind::timed_out, "no answer in time");
    return {};
  });
  advance(4s);
  first_.election.step();
  advance(4s);
  first_.election.step();
  api_.intercept(nullptr);
  advance(1s);
  first_.election.step();
  advance(9s);
  EXPECT_TRUE(first_.election.is_leader());
  EXPECT_THAT(first_.told, ElementsAre("elected"));
}

TEST_F(LeaderElectionTest, CountsFromWhenTheRenewalWasSent) {
  first_.election.step();
  advance(2s);
  api_.intercept([this](const std::string& verb, const std::string&) -> Status {
    if (verb == "patch") advance(3s);  // a slow answer
    return {};
  });
  first_.election.step();
  api_.intercept(nullptr);
  advance(6999ms);
  EXPECT_TRUE(first_.election.is_leader());
  advance(1ms);
  EXPECT_FALSE(first_.election.is_leader());
}

TEST_F(LeaderElectionTest, DoesNotLeadOnAnAnswerThatCameAfterTheDeadline) {
  api_.intercept([this](const std::string& verb, const std::string&) -> Status {
    if (verb == "create") advance(11s);
    return {};
  });
  first_.election.step();
  EXPECT_FALSE(first_.election.is_leader());
  EXPECT_TRUE(first_.told.empty());
}

TEST_F(LeaderElectionTest, ReadsAgainWhenSomebodyTouchedTheLease) {
  first_.election.step();
  Json touched = lease();
  touched["metadata"]["annotations"] = {{"looked-at", "yes"}};
  api_.put(lease_reference, touched);
  advance(2s);
  first_.election.step();
  EXPECT_TRUE(first_.election.is_leader());
  first_.election.step();
  EXPECT_TRUE(first_.election.is_leader());
  EXPECT_EQ(lease()["metadata"]["annotations"]["looked-at"], "yes") << "a renewal writes nothing else";
  advance(9s);
  EXPECT_TRUE(first_.election.is_leader());
}

TEST_F(LeaderElectionTest, MakesTheLeaseAgainWhenItWasDeleted) {
  first_.election.step();
  api_.erase(lease_reference);
  advance(2s);
  first_.election.step();
  first_.election.step();
  EXPECT_TRUE(first_.election.is_leader());
  EXPECT_EQ(lease()["spec"]["holderIdentity"], "first");
}

TEST_F(LeaderElectionTest, LosesACreationToWhoWasFaster) {
  api_.intercept([this, raced = std::make_shared<bool>()](const std::string& verb, const std::string&) -> Status {
    if (verb == "create" && !*raced) {
      *raced = true;
      second_.election.step();
    }
    return {};
  });
  first_.election.step();
  EXPECT_FALSE(first_.election.is_leader());
  EXPECT_TRUE(second_.election.is_leader());
}

TEST_F(LeaderElectionTest, LosesATakeOverToWhoWasFaster) {
  Candidate third{api_, "third"};
  third.election.step();
  first_.election.step();
  second_.election.step();
  advance(16s);
  api_.intercept([this, raced = std::make_shared<bool>()](const std::string& verb, const std::string&) -> Status {
    if (verb == "patch" && !*raced) {
      *raced = true;
      second_.election.step();
    }
    return {};
  });
  first_.election.step();
  EXPECT_FALSE(first_.election.is_leader());
  EXPECT_TRUE(second_.election.is_leader());
}

TEST_F(LeaderElectionTest, NeverHasTwoLeadersWhateverFailsAndWhoeverSleeps) {
  set_log_level(LogLevel::error);
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    MemoryApi api;
    SeededRandom random(seed);
    std::vector<std::unique_ptr<Candidate>> candidates;
    for (const char* name : {"a", "b", "c"}) candidates.push_back(std::make_unique<Candidate>(api, name));
    api.intercept([&](const std::string&, const std::string&) -> Status {
      if (random.below(4) == 0) return fail(ErrorKind::timed_out, "no answer in time");
      return {};
    });
    int led = 0;
    std::vector<Duration> due(candidates.size(), Duration::zero());
    Duration now = Duration::zero();
    for (int round = 0; round < 400; ++round) {
      now += 500ms;
      for (auto& candidate : candidates) candidate->clock.advance(500ms);
      for (std::size_t at = 0; at < candidates.size(); ++at) {
        if (due[at] > now) continue;
        due[at] = now + candidates[at]->election.step();
        if (random.below(30) == 0) due[at] = now + std::chrono::seconds(random.below(40));  // stopped for a while
      }
      auto leaders = std::count_if(candidates.begin(), candidates.end(),
                                   [](auto& candidate) { return candidate->election.is_leader(); });
      ASSERT_LE(leaders, 1) << "seed " << seed << " at " << now.count();
      led += static_cast<int>(leaders);
    }
    EXPECT_GT(led, 100) << "seed " << seed;
  }
  set_log_level(LogLevel::info);
}

TEST_F(LeaderElectionTest, RunsOnItsThreadAndStopsAtOnce) {
  SystemClock clock;
  SystemRandom random;
  std::promise<void> elected;
  LeaderElection election(api_, clock, random,
                          {.namespace_name = "kafka",
                           .identity = "threaded",
                           .lease_duration = 60s,
                           .renew_deadline = 40s,
                           .retry_period = 30s},
                          {.on_elected = [&] { elected.set_value(); }});
  ASSERT_TRUE(election.check_options());
  election.start();
  ASSERT_EQ(elected.get_future().wait_for(20s), std::future_status::ready);
  EXPECT_TRUE(election.is_leader());
  auto asked = std::chrono::steady_clock::now();
  election.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - asked, 5s);
  EXPECT_FALSE(lease()["spec"].contains("holderIdentity"));
}

TEST_F(LeaderElectionTest, RefusesOptionsThatDoNotHoldTogether) {
  auto check = [this](LeaderElectionOptions options) {
    return LeaderElection(api_, first_.clock, first_.random, std::move(options), {}).check_options().has_value();
  };
  EXPECT_TRUE(check({.namespace_name = "n", .identity = "i"}));
  EXPECT_FALSE(check({.namespace_name = "n"}));
  EXPECT_FALSE(check({.identity = "i"}));
  EXPECT_FALSE(check({.namespace_name = "n", .identity = "i", .renew_deadline = 15s}));
  EXPECT_FALSE(check({.namespace_name = "n", .identity = "i", .retry_period = 10s}));
  EXPECT_FALSE(check({.namespace_name = "n", .identity = "i", .retry_period = 0s}));
}

}  // namespace
}  // namespace millrace::kubernetes

#include "operator/reconcile/leader_guard.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <vector>

namespace millrace::reconcile {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;

// Remembers how long each write may take.
class TimedApi final : public kubernetes::KubernetesApi {
 public:
  Result<Json> get(const kubernetes::ObjectReference&, const kubernetes::CallOptions&) override {
    ++reads;
    return Json::object();
  }
  Result<std::string> list(const kubernetes::ResourceType&, const kubernetes::ListOptions&,
                           const ItemHandler&) override {
    ++reads;
    return std::string("1");
  }
  Status watch(const kubernetes::ResourceType&, const kubernetes::WatchOptions&, const WatchHandler&,
               std::stop_token) override {
    ++reads;
    return {};
  }
  Result<Json> apply(const kubernetes::ObjectReference&, const Json&,
                     const kubernetes::ApplyOptions& options) override {
    return take(options.timeout);
  }
  Result<Json> create(const kubernetes::ObjectReference&, const Json&,
                      const kubernetes::WriteOptions& options) override {
    return take(options.timeout);
  }
  Result<Json> replace(const kubernetes::ObjectReference&, const Json&,
                       const kubernetes::WriteOptions& options) override {
    return take(options.timeout);
  }
  Result<Json> merge_patch(const kubernetes::ObjectReference&, const Json&,
                           const kubernetes::WriteOptions& options) override {
    return take(options.timeout);
  }
  Status remove(const kubernetes::ObjectReference&, const kubernetes::RemoveOptions& options) override {
    (void)take(options.timeout);
    return {};
  }
  Result<Json> get_path(std::string_view, const kubernetes::CallOptions&) override {
    ++reads;
    return Json::object();
  }

  int reads = 0;
  std::vector<Duration> writes;

 private:
  Json take(Duration timeout) {
    writes.push_back(timeout);
    return Json::object();
  }
};

class LeaderGuardTest : public testing::Test {
 protected:
  // Each kind of write once, with the time that a caller gives by default; their errors.
  std::vector<ErrorKind> write_all() {
    const kubernetes::ObjectReference pod{kubernetes::pods, "default", "a"};
    std::vector<ErrorKind> errors;
    auto take = [&errors](const auto& result) {
      if (!result) errors.push_back(result.error().kind);
    };
    take(guard_.apply(pod, {}, {}));
    take(guard_.create(pod, {}, {}));
    take(guard_.replace(pod, {}, {}));
    take(guard_.merge_patch(pod, {}, {}));
    take(guard_.remove(pod, {}));
    return errors;
  }
  void lead(std::uint64_t term, Duration time) { leadership_ = {term, clock_.now() + time}; }

  TimedApi api_;
  ManualClock clock_;
  std::optional<kubernetes::Leadership> leadership_;
  AskLeadership ask_ = [this] { return leadership_; };
  LeaderGuard guard_{api_, clock_, ask_, 7};
};

const std::vector<ErrorKind> all_cancelled(5, ErrorKind::cancelled);

TEST_F(LeaderGuardTest, LetsNoWriteTakeLongerThanTheTermLasts) {
  lead(7, 4s);
  EXPECT_TRUE(write_all().empty());
  EXPECT_EQ(std::vector<Duration>(5, 4s), api_.writes);
  api_.writes.clear();
  lead(7, 1h);
  EXPECT_TRUE(write_all().empty());
  EXPECT_EQ(std::vector<Duration>(5, kubernetes::default_call_timeout), api_.writes);
}

TEST_F(LeaderGuardTest, WritesForEverWithoutAnElection) {
  leadership_ = {7, MonotonicTime::max()};
  EXPECT_TRUE(write_all().empty());
  EXPECT_EQ(std::vector<Duration>(5, kubernetes::default_call_timeout), api_.writes);
}

TEST_F(LeaderGuardTest, WritesNothingWhileAnotherLeads) {
  EXPECT_EQ(all_cancelled, write_all());
  EXPECT_TRUE(api_.writes.empty());
}

TEST_F(LeaderGuardTest, WritesNothingInALaterTermThanItBeganIn) {
  lead(7, 10s);
  EXPECT_TRUE(write_all().empty());
  api_.writes.clear();
  lead(8, 10s);
  EXPECT_EQ(all_cancelled, write_all()) << "what it has read is from before another leader acted";
  EXPECT_TRUE(api_.writes.empty());
}

TEST_F(LeaderGuardTest, WritesNothingAtTheVeryEndOfTheTerm) {
  lead(7, 0s);
  EXPECT_EQ(all_cancelled, write_all());
  EXPECT_TRUE(api_.writes.empty());
}

TEST_F(LeaderGuardTest, ReadsAlways) {
  EXPECT_TRUE(guard_.get({kubernetes::pods, "default", "a"}, {}));
  EXPECT_TRUE(guard_.list(kubernetes::pods, {}, [](Json&&) {}));
  EXPECT_TRUE(guard_.watch(kubernetes::pods, {}, [](auto, Json&&) {}, {}));
  EXPECT_TRUE(guard_.get_path("/version", {}));
  EXPECT_EQ(4, api_.reads);
}

}  // namespace
}  // namespace millrace::reconcile

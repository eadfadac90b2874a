// Reads behind the tail: at once where the page cache has what they look at, on the pool where it has not; the answer is the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "broker/log/damage.h"
#include "test/broker/log/log_world.h"

namespace millrace::log::test {
namespace {

constexpr std::size_t everything = SIZE_MAX;
constexpr std::int64_t batches = 80;

// Position and length of the slice, length of its first batch, producers and first offsets of aborted transactions.
using Answer =
    std::tuple<std::uint64_t, std::uint64_t, std::uint64_t, std::vector<std::pair<std::int64_t, std::int64_t>>>;

Answer answer_of(const ReadOutcome& outcome) {
  EXPECT_TRUE(outcome) << outcome.error().message;
  if (!outcome) return {};
  std::vector<std::pair<std::int64_t, std::int64_t>> aborted;
  for (const auto& transaction : outcome->aborted)
    aborted.emplace_back(transaction.producer.value(), transaction.first_offset.value());
  return {outcome->records.position, outcome->records.length_bytes, outcome->first_batch_bytes, aborted};
}

struct ReadsBehindTheTail : testing::Test {
  void SetUp() override { start(two_segments()); }

  static LogConfig two_segments() {
    LogConfig config;
    config.segment_bytes = 20'000;
    config.index_interval_bytes = 1'000;
    return config;
  }
  // Every tenth batch is of a transaction that is aborted.
  void start(const LogConfig& config, std::size_t value_bytes = 500) {
    world = std::make_unique<LogWorld>(config, files);
    files.faults->cached_bytes = nullptr;
    ASSERT_TRUE(world->start());
    for (std::int64_t number = 0; number < batches; ++number) {
      const std::string value(value_bytes, 'v');
      if (number % 10 == 7) {
        ASSERT_TRUE(world->append(marker_batch(ProducerId(1), ProducerEpoch(0), false, 1), AppendOrigin::coordinator));
      } else if (number % 10 == 5) {
        ASSERT_TRUE(world->append({.values = {value},
                                   .producer_id = ProducerId(1),
                                   .producer_epoch = ProducerEpoch(0),
                                   .base_sequence = Sequence(static_cast<std::int32_t>(number / 10)),
                                   .transactional = true}));
      } else {
        ASSERT_TRUE(world->append({.values = {value}}));
      }
    }
    ASSERT_TRUE(world->stop());
    ASSERT_TRUE(world->start());  // nothing is the tail now
    ASSERT_EQ(world->log()->log_end_offset(), Offset(batches));
  }
  void cache(std::function<std::size_t(const std::string& path, std::uint64_t position)> bytes) {
    files.faults->cached_bytes = std::move(bytes);
  }
  // nullopt: not before the pool has worked.
  std::optional<ReadOutcome> read_at_once(const ReadRequest& request) {
    auto outcome = std::make_shared<std::optional<ReadOutcome>>();
    files.faults->before_read = [](const std::string& path) { ADD_FAILURE() << "the shard waits for " << path; };
    files.faults->fail_open = [](const std::string& path) {
      ADD_FAILURE() << "the shard opens " << path;
      return false;
    };
    world->log()->read(request, [outcome](ReadOutcome got) { *outcome = std::move(got); });
    files.faults->before_read = nullptr;
    files.faults->fail_open = nullptr;
    auto at_once = *outcome;
    world->shard.run();
    EXPECT_TRUE(outcome->has_value());
    last = std::move(*outcome);
    return at_once;
  }
  std::optional<ReadOutcome> read_at_once(std::int64_t offset, bool read_committed = false) {
    return read_at_once({Offset(offset), world->log()->log_end_offset(), 1 << 20, true, read_committed});
  }

  FaultFileSystem files;
  std::unique_ptr<LogWorld> world;
  std::optional<ReadOutcome> last;  // whether it was at once or not
};

TEST_F(ReadsBehindTheTail, NeverGoToThePoolWhereThePageCacheHasIndexAndHeaders) {
  ASSERT_GT(world->log()->published().segments, 1U);
  cache([](const auto&, auto) { return everything; });
  for (std::int64_t offset = 0; offset < batches; ++offset) {
    for (const bool committed : {false, true}) {
      auto outcome = read_at_once(offset, committed);
      ASSERT_TRUE(outcome) << offset;
      const auto records = records_in(world->bytes_of(outcome->value()));
      ASSERT_FALSE(records.empty());
      if (offset % 10 != 7) EXPECT_EQ(records.front().offset, Offset(offset));
      EXPECT_FALSE((*outcome)->resident) << "its records need not be in the page cache";
    }
  }
  EXPECT_FALSE(answer_of(*read_at_once(0, true)) == answer_of(*read_at_once(0))) << "aborted transactions";
}

TEST_F(ReadsBehindTheTail, GoToThePoolWhereAPageIsMissing) {
  constexpr std::int64_t behind_the_first_page = 20;
  cache([](const auto&, auto) { return everything; });
  const auto expected = answer_of(*read_at_once(behind_the_first_page));
  const auto position = std::get<0>(expected);
  ASSERT_GT(position, 4096U);
  for (const std::string missing : {".index", ".log"}) {
    cache([&](const auto& path, auto) { return path.ends_with(missing) ? 0 : everything; });
    EXPECT_FALSE(read_at_once(behind_the_first_page)) << missing;
    EXPECT_EQ(answer_of(*last), expected) << missing;
  }
  // The page ends in the middle of the batch's header, or the one that the read would end in front of is missing.
  for (const auto end : {position + 30, position + 4096}) {
    cache([&](const auto& path, std::uint64_t from) -> std::size_t {
      if (!path.ends_with(".log")) return everything;
      return from < end ? static_cast<std::size_t>(end - from) : 0;
    });
    EXPECT_FALSE(read_at_once(behind_the_first_page)) << end;
    EXPECT_EQ(answer_of(*last), expected) << end;
  }
}

TEST_F(ReadsBehindTheTail, GoToThePoolForTheAbortedTransactionsThatThePageCacheHasNot) {
  cache([](const auto&, auto) { return everything; });
  const auto expected = answer_of(*read_at_once(0, true));
  ASSERT_FALSE(std::get<3>(expected).empty());
  cache([](const auto& path, auto) { return path.ends_with(".txnindex") ? 0 : everything; });
  EXPECT_TRUE(read_at_once(0));
  EXPECT_FALSE(read_at_once(0, true));
  EXPECT_EQ(answer_of(*last), expected);
}

TEST_F(ReadsBehindTheTail, GoToThePoolWhereAFileHasBeenClosed) {
  cache([](const auto&, auto) { return everything; });
  world->options.max_open_files = 1;
  ASSERT_TRUE(world->stop());
  ASSERT_TRUE(world->start());
  for (const std::int64_t offset : {0, 20, 40, 59, 0}) {
    EXPECT_FALSE(read_at_once(offset)) << "of two files one is not open";
    EXPECT_TRUE(*last) << last->error().message;
  }
}

TEST_F(ReadsBehindTheTail, AreTheSameHoweverMuchThePageCacheHas) {
  std::map<std::tuple<std::int64_t, std::int64_t, std::uint64_t>, Answer> expected;
  const auto read_everything = [&](auto&& take) {
    for (std::int64_t offset = 0; offset < batches; offset += 3) {
      for (const std::int64_t bound : {offset + 1, offset + 9, batches}) {
        for (const std::uint64_t max_bytes : {1U, 3'000U, 1U << 20}) {
          const bool at_once =
              read_at_once({Offset(offset), Offset(std::min(bound, batches)), max_bytes, true, true}).has_value();
          take(std::tuple(offset, bound, max_bytes), at_once);
        }
      }
    }
  };
  read_everything([&](const auto& asked, bool at_once) {
    EXPECT_FALSE(at_once);
    expected[asked] = answer_of(*last);
  });
  SeededRandom random(5);
  std::size_t reads_at_once = 0;
  cache([&](const auto&, auto) { return random.below(10) == 0 ? random.below(200) : everything; });
  read_everything([&](const auto& asked, bool at_once) {
    reads_at_once += at_once ? 1 : 0;
    EXPECT_EQ(answer_of(*last), expected[asked]);
  });
  EXPECT_GT(reads_at_once, expected.size() / 10);
  EXPECT_LT(reads_at_once, expected.size());
}

TEST_F(ReadsBehindTheTail, DoNotKeepTheShardWithASearchThatTakesLong) {
  LogConfig unindexed;
  unindexed.index_interval_bytes = 1 << 30;
  start(unindexed, 10'000);
  cache([](const auto&, auto) { return everything; });
  EXPECT_FALSE(read_at_once(0)) << "what bounds the read is far away";
  EXPECT_TRUE(read_at_once({Offset(10), Offset(12), 1 << 20, true}));
  EXPECT_FALSE(read_at_once({Offset(58), Offset(59), 1 << 20, true}));
  EXPECT_EQ(records_in(world->bytes_of(last->value())).front().offset, Offset(58));
}

TEST_F(ReadsBehindTheTail, NameTheDamageThatIsInThePageCache) {
  cache([](const auto&, auto) { return everything; });
  const auto path = world->partition_path() + "/00000000000000000000.log";
  auto bytes = file_bytes(path);
  std::fill(bytes.begin() + 8, bytes.begin() + 12, 0xff);
  write_file(path, bytes);
  EXPECT_FALSE(read_at_once(0));
  ASSERT_FALSE(*last);
  EXPECT_EQ(last->error().kind, ReadErrorKind::storage);
  EXPECT_NE(last->error().message.find(path), std::string::npos);
}

TEST_F(ReadsBehindTheTail, DoNotBelieveAnIndexEntryThatLeadsAstray) {
  cache([](const auto&, auto) { return everything; });
  const auto path = world->partition_path() + "/00000000000000000000.index";
  auto bytes = file_bytes(path);
  for (std::size_t at = 7; at < bytes.size(); at += 8) ++bytes[at];
  write_file(path, bytes);
  EXPECT_FALSE(read_at_once(20)) << "the pool tells it";
  EXPECT_EQ(records_in(world->bytes_of(last->value())).front().offset, Offset(20));
}

}  // namespace
}  // namespace millrace::log::test

#include "broker/network/frame_reader.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "broker/base/random.h"
#include "test/broker/network/raw_client.h"

namespace millrace::network {
namespace {

// Gives the bytes in the pieces it was told, one piece per read at most, and then would block or end.
class ScriptedStream final : public Stream {
 public:
  void will_give(std::string_view bytes) { pieces_.emplace_back(bytes); }
  void will_end() { ends_ = true; }
  [[nodiscard]] int reads() const { return reads_; }
  [[nodiscard]] std::size_t asked_most() const { return asked_most_; }

  IoResult read(std::span<const iovec> into) override {
    ++reads_;
    std::size_t asked = 0;
    for (const auto& vector : into) asked += vector.iov_len;
    asked_most_ = std::max(asked_most_, asked);
    if (pieces_.empty()) return {ends_ ? IoResult::Kind::end : IoResult::Kind::would_block};
    auto& piece = pieces_.front();
    std::size_t given = 0;
    for (const auto& vector : into) {
      auto count = std::min(vector.iov_len, piece.size());
      std::memcpy(vector.iov_base, piece.data(), count);
      piece.erase(0, count);
      given += count;
    }
    if (piece.empty()) pieces_.pop_front();
    return {IoResult::Kind::done, given};
  }
  IoResult write(std::span<const iovec>, bool) override { return {IoResult::Kind::failed}; }
  [[nodiscard]] bool sends_files() const override { return false; }
  IoResult send_file(int, std::uint64_t, std::size_t) override { return {IoResult::Kind::failed}; }

 private:
  std::deque<std::string> pieces_;
  bool ends_ = false;
  int reads_ = 0;
  std::size_t asked_most_ = 0;
};

struct FrameReaderTest : testing::Test {
  FrameReader::Outcome next() {
    reader.on_readable();
    return reader.next(stream, scratch, frame_max, *budget, reader.received_bytes() + turn);
  }
  std::string take() { return std::string(as_text(reader.take_frame()->bytes())); }

  std::vector<std::uint8_t> scratch = std::vector<std::uint8_t>(8 * 1024);
  std::shared_ptr<MemoryBudget> budget = MemoryBudget::make(10'000'000);
  std::uint32_t frame_max = 5'000'000;
  std::uint64_t turn = 100'000'000;
  ScriptedStream stream;
  FrameReader reader;
};

std::string patterned(std::size_t size, std::uint64_t seed = 1) {
  SeededRandom random(seed);
  std::string bytes(size, '\0');
  random.fill({reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()});
  return bytes;
}

TEST_F(FrameReaderTest, TakesSeveralFramesOutOfOneRead) {
  stream.will_give(framed("one") + framed("two") + framed("three"));
  for (const auto* wanted : {"one", "two", "three"}) {
    ASSERT_EQ(next(), FrameReader::Outcome::frame);
    EXPECT_EQ(take(), wanted);
  }
  EXPECT_EQ(stream.reads(), 1);
  EXPECT_EQ(next(), FrameReader::Outcome::would_block);
  EXPECT_FALSE(reader.in_frame());
}

TEST_F(FrameReaderTest, PutsFramesTogetherWhateverPiecesTheyComeIn) {
  SeededRandom random(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> frames;
    std::string bytes;
    for (auto count = 1 + random.below(5); count > 0; --count) {
      frames.push_back(patterned(1 + random.below(round % 10 == 0 ? 300'000 : 2'000), random.next()));
      bytes += framed(frames.back());
    }
    std::size_t taken = 0;
    auto collect = [&] {
      FrameReader::Outcome outcome{};
      while ((outcome = next()) == FrameReader::Outcome::frame) ASSERT_EQ(take(), frames[taken++]);
      ASSERT_EQ(outcome, FrameReader::Outcome::would_block);
      // Another connection uses the scratch buffer.
      reader.stash();
      std::fill(scratch.begin(), scratch.end(), 0xee);
    };
    while (!bytes.empty()) {
      auto piece = std::min<std::size_t>(bytes.size(), 1 + random.below(random.below(3) == 0 ? 5 : 20'000));
      stream.will_give(bytes.substr(0, piece));
      bytes.erase(0, piece);
      if (random.below(2) == 0) collect();
    }
    while (taken < frames.size()) collect();
    ASSERT_EQ(budget->used_bytes(), 0U);
  }
}

TEST_F(FrameReaderTest, KeepsWhatCameTooEarlyWhenTheTurnEndsBetweenFrames) {
  stream.will_give(framed("one") + framed("two"));
  ASSERT_EQ(next(), FrameReader::Outcome::frame);
  take();
  reader.stash();
  std::fill(scratch.begin(), scratch.end(), 0);
  EXPECT_TRUE(reader.has_input());
  ASSERT_EQ(next(), FrameReader::Outcome::frame);
  EXPECT_EQ(take(), "two");
}

TEST_F(FrameReaderTest, RefusesLengthsThatAreNotPositiveOrTooLargeBeforeItAllocates) {
  for (std::int32_t length :
       {0, -1, -2, std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max(), 5'000'001}) {
    FrameReader fresh;
    ScriptedStream bytes;
    bytes.will_give(length_only(length) + "xxxx");
    EXPECT_EQ(fresh.next(bytes, scratch, frame_max, *budget, 1'000), FrameReader::Outcome::bad_length);
    EXPECT_EQ(fresh.length(), length);
    EXPECT_EQ(budget->used_bytes(), 0U);
  }
}

TEST_F(FrameReaderTest, HoldsNothingForAFrameThatWasOnlyAnnounced) {
  stream.will_give(length_only(5'000'000));
  ASSERT_EQ(next(), FrameReader::Outcome::would_block);
  EXPECT_TRUE(reader.in_frame());
  EXPECT_FALSE(reader.holds_memory());
  EXPECT_EQ(budget->used_bytes(), 0U);
}

TEST_F(FrameReaderTest, HoldsAtMostAFewTimesWhatCameOfALargeFrame) {
  stream.will_give(length_only(5'000'000));
  next();
  std::uint64_t came = 0;
  while (came < 1'000'000) {
    stream.will_give(std::string(10'000, 'x'));
    came += 10'000;
    ASSERT_EQ(next(), FrameReader::Outcome::would_block);
    ASSERT_LE(budget->used_bytes(), std::max<std::uint64_t>(8 * 1024, 4 * came));
  }
}

TEST_F(FrameReaderTest, TrustsAConnectionWithWhatItHasSentBefore) {
  stream.will_give(framed(patterned(500'000)));
  ASSERT_EQ(next(), FrameReader::Outcome::frame);
  take();
  stream.will_give(length_only(500'000) + "x");
  ASSERT_EQ(next(), FrameReader::Outcome::would_block);
  EXPECT_EQ(budget->used_bytes(), 500'000U);
}

TEST_F(FrameReaderTest, AsksForMemoryAndGoesOnWhenItIsGranted) {
  auto all = budget->try_take(10'000'000);
  auto payload = patterned(100'000);
  stream.will_give(framed(payload));
  ASSERT_EQ(next(), FrameReader::Outcome::needs_memory);
  EXPECT_EQ(reader.wanted_bytes(), 8U * 1024);
  EXPECT_EQ(reader.rest_bytes(), 100'000U);
  reader.stash();
  ASSERT_EQ(next(), FrameReader::Outcome::needs_memory) << "it was not granted yet";
  all.give_back();
  reader.grant(budget->try_take(reader.wanted_bytes()));
  auto rest = budget->try_take(10'000'000 - 8 * 1024);
  ASSERT_EQ(next(), FrameReader::Outcome::needs_memory);
  EXPECT_EQ(reader.rest_bytes(), 100'000U - 8 * 1024);
  rest.give_back();
  reader.grant(budget->try_take(reader.rest_bytes()));
  ASSERT_EQ(next(), FrameReader::Outcome::frame);
  EXPECT_EQ(take(), payload);
  EXPECT_EQ(budget->used_bytes(), 0U);
}

TEST_F(FrameReaderTest, EndsItsTurnAfterTheBytesOfOneTurn) {
  // The socket never runs dry.
  stream.will_give(length_only(4'000'000) + std::string(3'000'000, 'x'));
  EXPECT_EQ(reader.next(stream, scratch, frame_max, *budget, 50'000), FrameReader::Outcome::turn_over);
  EXPECT_GE(reader.received_bytes(), 50'000U);
  EXPECT_LT(reader.received_bytes(), 200'000U);
}

TEST_F(FrameReaderTest, NoticesTheEndOfTheStreamWithinAFrameAndBetweenFrames) {
  stream.will_give(framed("whole") + std::string("\0\0", 2));
  ASSERT_EQ(next(), FrameReader::Outcome::frame);
  EXPECT_EQ(take(), "whole");
  stream.will_end();
  EXPECT_EQ(next(), FrameReader::Outcome::end_of_stream);
}

TEST_F(FrameReaderTest, ReadsIntoTheFrameItselfAndTheStartOfTheNextOneInOneGo) {
  auto large = patterned(40'000);
  stream.will_give(framed("small"));
  ASSERT_EQ(next(), FrameReader::Outcome::frame);
  take();
  auto bytes = framed(large) + framed("next");
  stream.will_give(bytes.substr(0, 8 * 1024));
  stream.will_give(bytes.substr(8 * 1024));
  ASSERT_EQ(next(), FrameReader::Outcome::frame);
  EXPECT_EQ(take(), large);
  ASSERT_EQ(next(), FrameReader::Outcome::frame);
  EXPECT_EQ(take(), "next");
}

}  // namespace
}  // namespace millrace::network

#include "broker/network/output_queue.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "broker/base/random.h"
#include "test/broker/network/raw_client.h"
#include "test/broker/network/read_only_file.h"
#include "test/broker/network/temporary_file.h"

namespace millrace::network {
namespace {

// Takes a bounded number of bytes per call, and notes what it was told.
class TakingStream final : public Stream {
 public:
  IoResult read(std::span<const iovec>) override { return {IoResult::Kind::failed}; }
  IoResult write(std::span<const iovec> pieces, bool more) override {
    ++calls;
    last_more = more;
    std::size_t taken = 0;
    for (const auto& piece : pieces) {
      auto count = std::min({piece.iov_len, takes_per_call - taken, room});
      received.append(static_cast<const char*>(piece.iov_base), count);
      taken += count;
      room -= count;
    }
    return taken == 0 ? IoResult{IoResult::Kind::would_block} : IoResult{IoResult::Kind::done, taken};
  }
  [[nodiscard]] bool sends_files() const override { return takes_files; }
  IoResult send_file(int file, std::uint64_t position, std::size_t bytes) override {
    ++calls;
    if (file_error != 0) return {IoResult::Kind::failed, 0, file_error};
    auto count = std::min({bytes, takes_per_call, room});
    if (count == 0) return {IoResult::Kind::would_block};
    std::string piece(count, '\0');
    auto got = ::pread(file, piece.data(), count, static_cast<off_t>(position));
    if (got < 0) return {IoResult::Kind::failed, 0, errno};
    received.append(piece, 0, static_cast<std::size_t>(got));
    room -= static_cast<std::size_t>(got);
    return {IoResult::Kind::done, static_cast<std::size_t>(got)};
  }

  std::string received;
  std::size_t takes_per_call = 1'000'000'000;
  std::size_t room = 1'000'000'000;
  int calls = 0;
  bool last_more = false;
  bool takes_files = true;
  int file_error = 0;  // of every send_file
};

// Notes what is said of its disk.
class ListeningFile final : public ReadOnlyFile {
 public:
  using ReadOnlyFile::ReadOnlyFile;
  void tell_failed_read(const Error& error) const override { told.push_back(error); }

  mutable std::vector<Error> told;
};

OutputChain::Buffer buffer_of(std::string_view text) { return {text.begin(), text.end()}; }

TEST(OutputQueue, PutsTheLengthInFrontOfEachAnswerAndSendsThemInOneCall) {
  OutputQueue queue;
  TakingStream stream;
  for (const auto* text : {"one", "", "three"}) {
    OutputChain answer;
    answer.append(buffer_of(text));
    ASSERT_TRUE(queue.push(std::move(answer)));
  }
  EXPECT_EQ(queue.pending_bytes(), 3U * 4 + 8);
  EXPECT_EQ(queue.flush(stream, 1'000'000), OutputQueue::Outcome::drained);
  EXPECT_EQ(stream.received, framed("one") + framed("") + framed("three"));
  EXPECT_EQ(stream.calls, 1);
  EXPECT_FALSE(stream.last_more);
  EXPECT_EQ(queue.pending_bytes(), 0U);
}

TEST(OutputQueue, SendsBytesBorrowedBytesAndFilesExactlyWhateverTheSocketTakes) {
  TemporaryFile file(300'000);
  SeededRandom random(11);
  for (int round = 0; round < 300; ++round) {
    OutputQueue queue;
    TakingStream stream;
    stream.takes_per_call = 1 + random.below(round % 3 == 0 ? 7 : 50'000);
    std::string wanted;
    for (auto answers = 1 + random.below(4); answers > 0; --answers) {
      OutputChain answer;
      std::string body;
      for (auto pieces = random.below(round % 3 == 0 ? 3 : 90); pieces > 0; --pieces) {
        auto size = random.below(round % 3 == 0 ? 20 : 3'000);
        auto from = random.below(file.content().size() - size);
        auto text = file.content().substr(from, size);
        body += text;
        switch (random.below(3)) {
          case 0:
            answer.append(buffer_of(text));
            break;
          case 1: {
            auto owner = std::make_shared<std::string>(text);
            answer.append(OutputChain::Borrowed{as_bytes(*owner), owner});
            break;
          }
          default:
            answer.append(FileSlice{file.open(), from, size});
            break;
        }
      }
      wanted += framed(body);
      ASSERT_TRUE(queue.push(std::move(answer)));
    }
    OutputQueue::Outcome outcome{};
    while ((outcome = queue.flush(stream, 1 + random.below(100'000))) != OutputQueue::Outcome::drained) {
      ASSERT_TRUE(outcome == OutputQueue::Outcome::turn_over || outcome == OutputQueue::Outcome::would_block ||
                  outcome == OutputQueue::Outcome::cold);
      if (outcome == OutputQueue::Outcome::cold) queue.warmed(queue.next_slice().length_bytes);
    }
    ASSERT_EQ(stream.received, wanted);
    ASSERT_EQ(queue.sent_bytes(), wanted.size());
  }
}

TEST(OutputQueue, HoldsBackTheHeaderThatGoesInFrontOfASlice) {
  TemporaryFile file(10);
  OutputQueue queue;
  OutputChain answer;
  answer.append(buffer_of("header"));
  answer.append(FileSlice{file.open(), 0, 10});
  ASSERT_TRUE(queue.push(std::move(answer)));
  TakingStream stream;
  stream.takes_per_call = 10;
  queue.flush(stream, 10);
  EXPECT_EQ(stream.received.size(), 10U);
  EXPECT_TRUE(stream.last_more);
}

TEST(OutputQueue, AsksForSlicesToBeReadWhereTheStreamCannotSendFiles) {
  TemporaryFile file(600'000);
  OutputQueue queue;
  OutputChain answer;
  answer.append(buffer_of("header"));
  answer.append(FileSlice{file.open(), 1'000, 590'000});
  answer.append(buffer_of("trailer"));
  ASSERT_TRUE(queue.push(std::move(answer)));
  TakingStream stream;
  stream.takes_files = false;
  OutputQueue::Outcome outcome{};
  int reads = 0;
  while ((outcome = queue.flush(stream, 1'000'000)) != OutputQueue::Outcome::drained) {
    ASSERT_EQ(outcome, OutputQueue::Outcome::unreadable);
    auto slice = queue.next_slice();
    OutputChain::Buffer bytes(slice.length_bytes);
    ASSERT_EQ(*slice.file->read_at(slice.position, bytes), bytes.size());
    queue.replace_slice(std::move(bytes));
    ++reads;
  }
  EXPECT_EQ(stream.received, framed("header" + file.content().substr(1'000, 590'000) + "trailer"));
  EXPECT_EQ(reads, 3);
}

TEST(OutputQueue, SaysSoWhenAFileIsShorterThanItsSlice) {
  TemporaryFile file(100);
  OutputQueue queue;
  OutputChain answer;
  answer.append(FileSlice{file.open(), 50, 100});
  ASSERT_TRUE(queue.push(std::move(answer)));
  TakingStream stream;
  auto outcome = queue.flush(stream, 1'000);
  while (outcome == OutputQueue::Outcome::cold) {
    queue.warmed(queue.next_slice().length_bytes);
    outcome = queue.flush(stream, 1'000);
  }
  EXPECT_EQ(outcome, OutputQueue::Outcome::short_file);
  EXPECT_EQ(queue.failed_file(), file.path());
}

TEST(OutputQueue, FreesWhatHasGoneWhileTheRestWaits) {
  OutputQueue queue;
  auto owner = std::make_shared<std::string>("gone");
  OutputChain first;
  first.append(OutputChain::Borrowed{as_bytes(*owner), owner});
  OutputChain second;
  second.append(buffer_of("waits"));
  ASSERT_TRUE(queue.push(std::move(first)));
  ASSERT_TRUE(queue.push(std::move(second)));
  TakingStream stream;
  stream.room = 9;
  EXPECT_EQ(queue.flush(stream, 1'000), OutputQueue::Outcome::would_block);
  EXPECT_EQ(owner.use_count(), 1);
  EXPECT_EQ(queue.pending_bytes(), 8U);
}

TEST(OutputQueue, KeepsNoTraceOfAnswersOnAConnectionThatIsNeverDrained) {
  OutputQueue queue;
  TakingStream stream;
  std::string wanted;
  for (int answer = 0; answer < 2'000; ++answer) {
    OutputChain chain;
    chain.append(buffer_of(std::to_string(answer)));
    wanted += framed(std::to_string(answer));
    ASSERT_TRUE(queue.push(std::move(chain)));
    stream.room = wanted.size() - stream.received.size() - 1;
    ASSERT_EQ(queue.flush(stream, 1'000'000), OutputQueue::Outcome::would_block);
  }
  stream.room = 1;
  EXPECT_EQ(queue.flush(stream, 1'000'000), OutputQueue::Outcome::drained);
  EXPECT_EQ(stream.received, wanted);
}

TEST(OutputQueue, TellsTheFileThatItsDiskHasFailedAndNothingOfTheSocketsErrors) {
  TemporaryFile content(10'000);
  for (const int error : {EIO, ECONNRESET, EPIPE}) {
    auto file = std::make_shared<ListeningFile>(content.open());
    OutputQueue queue;
    TakingStream stream;
    stream.file_error = error;
    OutputChain answer;
    answer.append(FileSlice{file, 0, 10'000});
    ASSERT_TRUE(queue.push(std::move(answer)));
    auto outcome = queue.flush(stream, 1'000'000);
    if (outcome == OutputQueue::Outcome::cold) {
      queue.warmed(10'000);
      outcome = queue.flush(stream, 1'000'000);
    }
    EXPECT_EQ(outcome, OutputQueue::Outcome::failed);
    EXPECT_EQ(queue.error(), error);
    ASSERT_EQ(file->told.size(), error == EIO ? 1U : 0U);
    if (error != EIO) continue;
    EXPECT_EQ(file->told.front().kind, ErrorKind::io);
    EXPECT_NE(file->told.front().message.find(file->path()), std::string::npos);
  }
}

}  // namespace
}  // namespace millrace::network

// Answers that are ranges of files, through real sockets.
#include <fcntl.h>

#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "test/broker/network/read_only_file.h"
#include "test/broker/network/server_under_test.h"
#include "test/broker/network/temporary_file.h"

namespace millrace::network {
namespace {

// Like a simulated one.
class UnsendableFile final : public ReadOnlyFile {
 public:
  using ReadOnlyFile::ReadOnlyFile;
  [[nodiscard]] int descriptor() const override { return -1; }
};

struct Range {
  std::uint64_t position;
  std::uint64_t length;
};

// The request is "position length".
Range parse(BytesView text) {
  Range range{};
  std::string words(as_text(text));
  auto blank = words.find(' ');
  range.position = std::stoull(words.substr(0, blank));
  range.length = std::stoull(words.substr(blank + 1));
  return range;
}

LambdaHandler::Handle ranges_of(std::shared_ptr<const File> file) {
  return [file](Request request, Responder responder) {
    auto range = parse(request.frame->bytes());
    auto answer = chain_of("<");
    answer.append(FileSlice{file, range.position, range.length});
    answer.append(OutputChain::Buffer{'>'});
    responder.answer(std::move(answer));
  };
}

std::string ask(Range range) { return framed(std::to_string(range.position) + " " + std::to_string(range.length)); }

constexpr std::size_t file_bytes = 7'000'000;

void expect_ranges(ServerUnderTest& test, const TemporaryFile& file, int receive_buffer_bytes) {
  RawClient client(test.port, receive_buffer_bytes);
  for (std::uint64_t length : {0, 1, 2, 4'095, 4'096, 4'097, 65'536, 1'048'576, 1'048'577, 3'333'333, 6'999'000}) {
    for (std::uint64_t position : {0, 1, 999}) {
      ASSERT_TRUE(client.send(ask({position, length})));
      auto answer = client.receive_frame();
      ASSERT_TRUE(answer.has_value()) << position << " " << length;
      ASSERT_EQ(answer->size(), length + 2);
      // EXPECT_EQ would print megabytes.
      ASSERT_TRUE(*answer == "<" + file.content().substr(position, length) + ">") << position << " " << length;
    }
  }
}

TEST(SendingFiles, SendsRangesOfEverySizeExactly) {
  TemporaryFile file(file_bytes);
  ServerUnderTest test(ranges_of(file.open()));
  expect_ranges(test, file, 0);
}

TEST(SendingFiles, SendsRangesExactlyToASlowReaderWithASmallWindow) {
  TemporaryFile file(file_bytes);
  NetworkConfig config;
  config.socket_send_buffer_bytes = 8'192;
  ServerUnderTest test(ranges_of(file.open()), config);
  expect_ranges(test, file, 8'192);
}

TEST(SendingFiles, ReadsFilesThatCannotBeSentInThePool) {
  TemporaryFile file(file_bytes);
  ServerUnderTest test(ranges_of(std::make_shared<UnsendableFile>(file.open())));
  expect_ranges(test, file, 0);
}

TEST(SendingFiles, BringsColdRangesIntoMemoryFirst) {
  TemporaryFile file(file_bytes);
  ServerUnderTest test(ranges_of(file.open()));
  ASSERT_TRUE(file.open()->sync().has_value());
  ASSERT_EQ(::posix_fadvise(file.open()->descriptor(), 0, 0, POSIX_FADV_DONTNEED), 0);
  RawClient client(test.port);
  client.send(ask({1'000, 6'000'000}));
  auto answer = client.receive_frame();
  ASSERT_TRUE(answer.has_value());
  EXPECT_TRUE(*answer == "<" + file.content().substr(1'000, 6'000'000) + ">");
}

TEST(SendingFiles, ServesManyPipelinedRangesInOrder) {
  TemporaryFile file(200'000);
  ServerUnderTest test(ranges_of(file.open()));
  RawClient client(test.port);
  std::thread sender([&] {
    for (std::uint64_t request = 0; request < 400; ++request) client.send(ask({request * 101, 1'000 + request * 211}));
  });
  for (std::uint64_t request = 0; request < 400; ++request) {
    auto answer = client.receive_frame();
    ASSERT_TRUE(answer.has_value());
    ASSERT_TRUE(*answer == "<" + file.content().substr(request * 101, 1'000 + request * 211) + ">") << request;
  }
  sender.join();
}

TEST(SendingFiles, ClosesRatherThanSendFewerBytesThanItPromised) {
  TemporaryFile file(10'000);
  for (bool sendable : {true, false}) {
    std::shared_ptr<const File> served = file.open();
    if (!sendable) served = std::make_shared<UnsendableFile>(file.open());
    ServerUnderTest test(ranges_of(served));
    RawClient client(test.port);
    client.send(ask({5'000, 6'000}));
    EXPECT_EQ(client.receive_frame(), std::nullopt);
    EXPECT_TRUE(eventually([&] { return test.closed_by("file_ended_early") == 1; }));
  }
}

TEST(SendingFiles, KeepsTheFileOpenUntilTheLastByteHasGone) {
  auto file = std::make_unique<TemporaryFile>(file_bytes);
  std::weak_ptr<File> open = file->open();
  auto content = file->content();
  auto served = std::make_shared<std::shared_ptr<File>>(file->open());
  ServerUnderTest test([served](Request, Responder responder) {
    OutputChain answer;
    answer.append(FileSlice{std::move(*served), 0, file_bytes});
    responder.answer(std::move(answer));
  });
  file.reset();  // deleted
  RawClient client(test.port, 8'192);
  client.send_frame("x");
  auto answer = client.receive_frame();
  ASSERT_TRUE(answer.has_value());
  EXPECT_TRUE(*answer == content);
  EXPECT_TRUE(eventually([&] { return open.expired(); }));
}

TEST(SendingFiles, ReadsNoFurtherRequestsWhileMuchOutputWaitsForItsReader) {
  TemporaryFile file(file_bytes);
  NetworkConfig config;
  config.socket_send_buffer_bytes = 8'192;
  config.max_in_flight_requests_per_connection = 100;
  ServerUnderTest test(ranges_of(file.open()), config);
  RawClient client(test.port, 8'192);
  std::string requests;
  for (int request = 0; request < 50; ++request) requests += ask({0, 6'000'000});
  client.send(requests);
  EXPECT_TRUE(eventually([&] { return test.handler.handled >= 1; }));
  EXPECT_FALSE(eventually([&] { return test.handler.handled > 1; }, std::chrono::milliseconds(100)));
  for (int request = 0; request < 3; ++request) {
    auto answer = client.receive_frame();
    ASSERT_TRUE(answer.has_value());
    ASSERT_EQ(answer->size(), 6'000'002U);
  }
  EXPECT_LE(test.handler.handled, 5);
}

TEST(SendingFiles, LetsSmallAnswersPassWhileOthersDownload) {
  TemporaryFile file(file_bytes);
  ServerUnderTest test(ranges_of(file.open()), {}, 1);
  std::atomic<bool> stop{false};
  std::vector<std::thread> downloads;
  for (int each = 0; each < 3; ++each) {
    downloads.emplace_back([&] {
      RawClient client(test.port);
      while (!stop) {
        client.send(ask({0, 6'900'000}));
        if (!client.receive_frame()) return;
      }
    });
  }
  RawClient small(test.port);
  for (int request = 0; request < 100; ++request) {
    small.send(ask({0, 10}));
    ASSERT_EQ(small.receive_frame(), "<" + file.content().substr(0, 10) + ">");
  }
  stop = true;
  for (auto& download : downloads) download.join();
}

}  // namespace
}  // namespace millrace::network

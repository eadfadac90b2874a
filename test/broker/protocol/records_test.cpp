// A fetch's answer carries ranges of files that nobody copies.
#include "broker/protocol/records.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "broker/base/file.h"
#include "broker/protocol/message.h"
#include "broker/protocol/messages/fetch.h"
#include "broker/protocol/request_header.h"
#include "test/broker/base/temporary_directory.h"

namespace millrace::protocol {
namespace {

class SpliceTest : public testing::Test {
 protected:
  void SetUp() override {
    file_ = posix_file_system().open(directory_.path() + "/segment", OpenMode::create_new).value();
    std::vector<std::uint8_t> content(1000);
    for (std::size_t at = 0; at < content.size(); ++at) content[at] = static_cast<std::uint8_t>(at);
    ASSERT_TRUE(file_->write_at(0, content));
  }

  [[nodiscard]] FileSlice slice(std::uint64_t position, std::uint64_t length_bytes) const {
    return {file_, position, length_bytes};
  }

  static FetchResponse response_of(std::vector<Records> records) {
    FetchResponse response;
    for (Records& each : records) {
      FetchResponse::Topic::Partition partition;
      partition.records = std::move(each);
      response.responses.push_back({.topic = "t", .partitions = {std::move(partition)}});
    }
    return response;
  }

  TemporaryDirectory directory_;
  std::shared_ptr<File> file_;
};

TEST_F(SpliceTest, KeepsFileRangesAsRangesBetweenTheBytesAroundThem) {
  const auto chain = encode_response_frame(response_of({Records(slice(10, 50)), Records(slice(100, 300))}), 11, 5);
  ASSERT_TRUE(chain) << chain.error().message;
  ASSERT_EQ(chain->pieces().size(), 5U - 1U);  // nothing follows the last range in version 11
  const auto* first = std::get_if<FileSlice>(&chain->pieces()[1]);
  const auto* second = std::get_if<FileSlice>(&chain->pieces()[3]);
  ASSERT_NE(first, nullptr);
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(first->position, 10U);
  EXPECT_EQ(second->length_bytes, 300U);
}

TEST_F(SpliceTest, MakesTheSameFrameAsTheBytesWould) {
  std::vector<std::uint8_t> bytes(350);
  ASSERT_TRUE(file_->read_at(10, MutableBytes(bytes).first(50)));
  ASSERT_TRUE(file_->read_at(100, MutableBytes(bytes).subspan(50)));
  const auto owner = std::make_shared<const std::vector<std::uint8_t>>(bytes);
  const Records sliced(std::vector<Records::Piece>{slice(10, 50), slice(100, 300)});
  const Records borrowed(Records::Borrowed{*owner, owner});
  const Records copied{BytesView(bytes)};
  EXPECT_EQ(sliced.size_bytes(), copied.size_bytes());
  for (Version version = 0; version <= 17; ++version) {
    const auto expected = encode_response_frame(response_of({copied, copied}), version, 5).value().flatten().value();
    EXPECT_EQ(encode_response_frame(response_of({sliced, sliced}), version, 5).value().flatten().value(), expected)
        << version;
    EXPECT_EQ(encode_response_frame(response_of({borrowed, sliced}), version, 5).value().flatten().value(), expected)
        << version;
    EXPECT_EQ(load_big_endian<std::uint32_t>(expected.data()), expected.size() - frame_length_bytes) << version;
    EXPECT_EQ(encode(response_of({sliced}), version).value(), encode(response_of({copied}), version).value())
        << version;
  }
}

TEST_F(SpliceTest, CopiesBytesOfOwnersThatMayDie) {
  const std::vector<std::uint8_t> bytes(100, 7);
  const auto chain = encode_response_frame(response_of({Records(BytesView(bytes))}), 11, 5).value();
  ASSERT_EQ(chain.pieces().size(), 1U);
  EXPECT_TRUE(std::holds_alternative<OutputChain::Buffer>(chain.pieces()[0]));
}

TEST(Records, TellNullFromEmpty) {
  EXPECT_TRUE(Records().is_null());
  EXPECT_FALSE(Records(BytesView()).is_null());
  EXPECT_FALSE(Records() == Records(BytesView()));
  EXPECT_TRUE(Records(BytesView()) == Records(BytesView()));
}

}  // namespace
}  // namespace millrace::protocol

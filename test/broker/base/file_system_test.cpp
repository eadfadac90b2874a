#include <gtest/gtest.h>

#include "broker/base/file.h"
#include "broker/base/output_chain.h"
#include "test/broker/base/temporary_directory.h"

namespace millrace {
namespace {

class PosixFileSystem : public testing::Test {
 protected:
  FileSystem& files_ = posix_file_system();
  TemporaryDirectory temporary_;
  const std::string& directory_ = temporary_.path();
};

TEST_F(PosixFileSystem, ReadsBackWhatWasWrittenInPieces) {
  auto file = files_.open(directory_ + "/a", OpenMode::create_new).value();
  ASSERT_TRUE(file->write_at(2, std::vector<BytesView>{as_bytes("hello"), {}, as_bytes(" world")}).has_value());
  std::vector<std::uint8_t> buffer(20);
  EXPECT_EQ(file->read_at(2, buffer).value(), 11u);
  EXPECT_EQ(as_text(BytesView(buffer).first(11)), "hello world");
  EXPECT_EQ(file->size_bytes().value(), 13u);
}

TEST_F(PosixFileSystem, NamesThePathAndTheReasonOfAFailure) {
  auto absent = files_.open(directory_ + "/absent", OpenMode::read_only);
  ASSERT_FALSE(absent.has_value());
  EXPECT_EQ(absent.error().kind, ErrorKind::not_found);
  EXPECT_NE(absent.error().message.find(directory_ + "/absent"), std::string::npos);
  ASSERT_TRUE(files_.open(directory_ + "/there", OpenMode::create_new).has_value());
  EXPECT_EQ(files_.open(directory_ + "/there", OpenMode::create_new).error().kind, ErrorKind::already_exists);
}

TEST_F(PosixFileSystem, ReplacesAFileWholeAndLeavesNoTemporary) {
  ASSERT_TRUE(replace_file(files_, directory_ + "/checkpoint", "one").has_value());
  ASSERT_TRUE(replace_file(files_, directory_ + "/checkpoint", "two").has_value());
  EXPECT_EQ(files_.read_text(directory_ + "/checkpoint", 100).value(), "two");
  EXPECT_EQ(files_.list(directory_).value().size(), 1u);
  EXPECT_EQ(files_.read_text(directory_ + "/checkpoint", 2).error().kind, ErrorKind::resource_exhausted);
}

TEST_F(PosixFileSystem, GivesALockToOneHolderOnly) {
  auto held = files_.lock(directory_ + "/.lock");
  ASSERT_TRUE(held.has_value());
  EXPECT_EQ(files_.lock(directory_ + "/.lock").error().kind, ErrorKind::conflict);
  held->reset();
  EXPECT_TRUE(files_.lock(directory_ + "/.lock").has_value());
}

TEST_F(PosixFileSystem, KeepsADeletedFileReadableThroughItsSlices) {
  OutputChain chain;
  {
    auto file = files_.open(directory_ + "/segment", OpenMode::create_new).value();
    ASSERT_TRUE(file->write_at(0, as_bytes("0123456789")).has_value());
    chain.append(OutputChain::Buffer{'<'});
    chain.append(FileSlice{file, 3, 4});
    chain.append(OutputChain::Borrowed{as_bytes(">"), nullptr});
  }
  ASSERT_TRUE(files_.remove(directory_ + "/segment").has_value());
  EXPECT_EQ(chain.size_bytes(), 6u);
  EXPECT_EQ(as_text(chain.flatten().value()), "<3456>");
}

}  // namespace
}  // namespace millrace

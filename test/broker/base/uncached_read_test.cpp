#include "broker/base/uncached_read.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <unistd.h>
#include <array>

#include <cerrno>
#include <string>

#include "broker/base/file.h"
#include "test/broker/base/temporary_directory.h"

namespace millrace {
namespace {

struct UncachedReads : testing::Test {
  void SetUp() override {
    file = posix_file_system().open(directory.path() + "/file", OpenMode::create_new).value();
    ASSERT_TRUE(file->write_at(0, as_bytes(text)));
  }
  [[nodiscard]] ssize_t read_with(DirectRead direct) {
    into.fill(0);
    return read_uncached(file->descriptor(), 1, into, direct);
  }
  [[nodiscard]] std::string_view found() const { return as_text(BytesView(into)); }

  const std::string text = "0123456789";
  TemporaryDirectory directory;
  std::shared_ptr<File> file;
  std::array<std::uint8_t, 5> into{};
};

template <int error>
ssize_t fails(int, std::uint64_t, MutableBytes) {
  return -error;
}

TEST_F(UncachedReads, GoThroughThePageCacheWhereDirectOnesAreNotServed) {
  for (const auto direct : {&fails<EINVAL>, &fails<EOPNOTSUPP>, &fails<ENOMEM>, &fails<EAGAIN>}) {
    EXPECT_EQ(read_with(direct), 5);
    EXPECT_EQ(found(), "12345");
  }
}

TEST_F(UncachedReads, SayThatTheDiskHasFailed) {
  // Where the file system has no direct reads there is none that fails.
  const int direct = ::open((directory.path() + "/file").c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT);
  EXPECT_EQ(read_with(&fails<EIO>), direct < 0 ? 5 : -EIO);
  if (direct >= 0) ::close(direct);
}

// No more descriptors than there are.
class DescriptorsAreScarce {
 public:
  DescriptorsAreScarce() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit none{0, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  ~DescriptorsAreScarce() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  DescriptorsAreScarce(const DescriptorsAreScarce&) = delete;
  DescriptorsAreScarce& operator=(const DescriptorsAreScarce&) = delete;

 private:
  rlimit before_{};
};

TEST_F(UncachedReads, GoOnWithoutADescriptorOfTheirOwn) {
  {
    const DescriptorsAreScarce scarce;
    ASSERT_LT(::open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
    EXPECT_EQ(read_uncached(file->descriptor(), 1, into), 5);
  }
  EXPECT_EQ(found(), "12345");
}

}  // namespace
}  // namespace millrace

// A file with known random content, removed at the end.
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "broker/base/file.h"
#include "broker/base/random.h"

namespace millrace::network {

class TemporaryFile {
 public:
  explicit TemporaryFile(std::size_t size_bytes)
      : path_(testing::TempDir() + "millrace-network-XXXXXX"), content_(size_bytes, '\0') {
    ::close(::mkstemp(path_.data()));
    SeededRandom random(size_bytes);
    random.fill({reinterpret_cast<std::uint8_t*>(content_.data()), content_.size()});
    auto file = posix_file_system().open(path_, OpenMode::read_write);
    EXPECT_TRUE(file.has_value());
    EXPECT_TRUE((*file)->write_at(0, as_bytes(content_)).has_value());
    file_ = *file;
  }
  ~TemporaryFile() { ::unlink(path_.c_str()); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const std::string& content() const { return content_; }
  [[nodiscard]] std::shared_ptr<File> open() const { return file_; }

 private:
  std::string path_;
  std::string content_;
  std::shared_ptr<File> file_;
};

}  // namespace millrace::network

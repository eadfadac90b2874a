// A file that can only be read. What derives from it says what else is special.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/file.h"

namespace millrace::network {

class ReadOnlyFile : public File {
 public:
  explicit ReadOnlyFile(std::shared_ptr<File> file) : file_(std::move(file)) {}
  [[nodiscard]] const std::string& path() const override { return file_->path(); }
  [[nodiscard]] Result<FileStatus> status() const override { return file_->status(); }
  Result<std::size_t> read_at(std::uint64_t position, MutableBytes into) const override {
    return file_->read_at(position, into);
  }
  Status write_at(std::uint64_t, BytesView) override { return refused(); }
  Status write_at(std::uint64_t, const std::vector<BytesView>&) override { return refused(); }
  Status truncate(std::uint64_t) override { return refused(); }
  Status preallocate(std::uint64_t) override { return refused(); }
  Status set_modified(TimestampMs) override { return refused(); }
  Status sync() override { return refused(); }
  [[nodiscard]] int descriptor() const override { return file_->descriptor(); }

 private:
  static Status refused() { return fail(ErrorKind::unsupported, "read only"); }

  std::shared_ptr<File> file_;
};

}  // namespace millrace::network

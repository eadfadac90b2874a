#include "broker/log/index_file.h"

#include <string>

#include "broker/base/check.h"
#include "broker/base/logging.h"

namespace millrace::log {
namespace {
constexpr Logger logger{"log"};
}

Result<std::vector<std::uint8_t>> IndexView::read(std::size_t first, std::size_t count, PageCacheReads* only) const {
  MILLRACE_INVARIANT(first + count <= entries_, "an index is read behind its end");
  std::vector<std::uint8_t> bytes(count * entry_bytes_);
  if (bytes.empty()) return bytes;
  auto file = open_for(only, *file_);
  if (!file) return tl::unexpected(file.error());
  auto got = read_for(only, **file, first * entry_bytes_, bytes, bytes.size());
  if (!got) return tl::unexpected(got.error());
  if (*got != bytes.size()) {
    return fail(ErrorKind::corrupt,
                path() + " ends before entry " + std::to_string(first + count) + " of " + std::to_string(entries_));
  }
  return bytes;
}

IndexFile::IndexFile(std::shared_ptr<CachedFile> file, std::size_t entry_bytes, std::size_t max_bytes)
    : file_(std::move(file)), entry_bytes_(entry_bytes), max_entries_(max_bytes / entry_bytes) {}

Status IndexFile::load() {
  auto file = file_->open();
  if (!file) return tl::unexpected(file.error());
  auto size = (*file)->size_bytes();
  if (!size) return tl::unexpected(size.error());
  if (*size % entry_bytes_ != 0) {
    return fail(ErrorKind::corrupt, file_->path() + " has " + std::to_string(*size) +
                                        " bytes, which is no multiple of its entries' " + std::to_string(entry_bytes_));
  }
  entries_ = written_ = *size / entry_bytes_;
  memory_.clear();
  extended_ = false;
  return {};
}

Status IndexFile::create() {
  entries_ = written_ = 0;
  memory_.clear();
  auto file = file_->open(OpenMode::read_write_or_create);
  if (!file) return tl::unexpected(file.error());
  auto size = (*file)->size_bytes();
  if (!size) return tl::unexpected(size.error());
  extended_ = false;
  if (*size == 0) return {};
  unsynced_ = true;
  return (*file)->truncate(0);
}

Status IndexFile::extend() {
  if (extended_ || entries_ > max_entries_) return {};  // more when segment.index.bytes was made smaller
  auto file = file_->open();
  if (!file) return tl::unexpected(file.error());
  extended_ = unsynced_ = true;
  return (*file)->truncate(max_entries_ * entry_bytes_);
}

Status IndexFile::cut(std::size_t entries) {
  auto file = file_->open();
  if (!file) return tl::unexpected(file.error());
  unsynced_ = true;
  return (*file)->truncate(entries * entry_bytes_);
}

Status IndexFile::trim() {
  if (auto written = write_pending(); !written) return written;
  if (!extended_) return {};
  auto file = file_->open();
  if (!file) return tl::unexpected(file.error());
  unsynced_ = true;
  auto cut = (*file)->truncate(entries_ * entry_bytes_);
  extended_ = !cut;
  return cut;
}

Status IndexFile::write_pending() {
  auto waiting = (entries_ - written_) * entry_bytes_;
  if (waiting == 0) return {};
  if (auto extended = extend(); !extended) return extended;
  unsynced_ = true;
  auto file = file_->open();
  if (!file) return tl::unexpected(file.error());
  auto status = (*file)->write_at(written_ * entry_bytes_, BytesView(memory_).last(waiting));
  if (status) written_ = entries_;
  return status;
}

void IndexFile::forget() {
  if (written_ == entries_) memory_ = {};
}

void IndexFile::append(BytesView entry) {
  MILLRACE_INVARIANT(entry.size() == entry_bytes_, "an index has entries of one size");
  if (entries_ - written_ >= kept_in_memory) return;
  if (memory_.size() >= 2 * kept_in_memory * entry_bytes_) {
    memory_.erase(memory_.begin(), memory_.begin() + static_cast<std::ptrdiff_t>(kept_in_memory * entry_bytes_));
  }
  memory_.insert(memory_.end(), entry.begin(), entry.end());
  ++entries_;
  if ((entries_ - written_) % written_together != 0) return;
  if (auto status = write_pending(); !status) logger.warning(status.error().message + "; the entries stay in memory");
}

}  // namespace millrace::log

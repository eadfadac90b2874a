#include "broker/base/output_chain.h"

#include <utility>

namespace millrace {

void OutputChain::append(Buffer buffer) {
  if (buffer.empty()) return;
  size_bytes_ += buffer.size();
  pieces_.emplace_back(std::move(buffer));
}

void OutputChain::append(Borrowed bytes) {
  if (bytes.bytes.empty()) return;
  size_bytes_ += bytes.bytes.size();
  pieces_.emplace_back(std::move(bytes));
}

void OutputChain::append(FileSlice slice) {
  if (slice.length_bytes == 0) return;
  size_bytes_ += slice.length_bytes;
  pieces_.emplace_back(std::move(slice));
}

Result<OutputChain::Buffer> OutputChain::flatten() const {
  Buffer all;
  all.reserve(size_bytes_);
  for (const auto& piece : pieces_) {
    if (const auto* buffer = std::get_if<Buffer>(&piece)) {
      all.insert(all.end(), buffer->begin(), buffer->end());
    } else if (const auto* borrowed = std::get_if<Borrowed>(&piece)) {
      all.insert(all.end(), borrowed->bytes.begin(), borrowed->bytes.end());
    } else {
      const auto& slice = std::get<FileSlice>(piece);
      auto at = all.size();
      all.resize(at + slice.length_bytes);
      auto count = slice.file->read_at(slice.position, MutableBytes(all).subspan(at));
      if (!count) return tl::unexpected(count.error());
      if (*count != slice.length_bytes) return fail(ErrorKind::truncated, slice.file->path() + " ends inside a slice");
    }
  }
  return all;
}

}  // namespace millrace

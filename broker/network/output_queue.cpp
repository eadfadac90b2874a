#include "broker/network/output_queue.h"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <string>
#include <system_error>
#include <utility>

#include "broker/base/check.h"
#include "broker/network/file_residency.h"

namespace millrace::network {
namespace {

constexpr std::uint64_t slice_step_bytes = 1024 * 1024;  // by sendfile, and looked at for residency, at once
constexpr std::size_t entries_kept = 8;
constexpr std::uint64_t unreadable_step_bytes = 256 * 1024;  // read into memory at once

std::uint64_t size_of(const OutputChain::Piece& piece) {
  if (const auto* buffer = std::get_if<OutputChain::Buffer>(&piece)) return buffer->size();
  if (const auto* borrowed = std::get_if<OutputChain::Borrowed>(&piece)) return borrowed->bytes.size();
  return std::get<FileSlice>(piece).length_bytes;
}

BytesView bytes_of(const OutputChain::Piece& piece) {
  if (const auto* buffer = std::get_if<OutputChain::Buffer>(&piece)) return *buffer;
  return std::get<OutputChain::Borrowed>(piece).bytes;
}

Error read_failure(const std::string& path) {
  return {ErrorKind::io, "cannot read " + path + ": " + std::system_category().message(EIO)};
}

}  // namespace

bool OutputQueue::push(OutputChain answer) {
  auto size = answer.size_bytes();
  if (size > static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max())) return false;
  Entry entry{{}, std::move(answer)};
  store_big_endian(entry.length.data(), static_cast<std::int32_t>(size));
  entries_.push_back(std::move(entry));
  pending_bytes_ += size + sizeof(std::int32_t);
  return true;
}

OutputQueue::Outcome OutputQueue::flush(Stream& stream, std::uint64_t limit_bytes) {
  auto end = sent_bytes_ + limit_bytes;
  while (pending_bytes_ > 0) {
    if (sent_bytes_ >= end) return Outcome::turn_over;
    const auto* slice = front_slice();
    auto outcome =
        slice == nullptr ? send_bytes(stream, end - sent_bytes_) : send_slice(stream, *slice, end - sent_bytes_);
    if (outcome != Outcome::drained) return outcome;
  }
  return Outcome::drained;
}

FileSlice OutputQueue::next_slice() const {
  const auto* slice = front_slice();
  MILLRACE_INVARIANT(slice != nullptr, "there is no slice in front");
  auto offset = entries_[first_].offset_bytes;
  return {slice->file, slice->position + offset, std::min(slice->length_bytes - offset, next_slice_bytes_)};
}

void OutputQueue::replace_slice(OutputChain::Buffer bytes) {
  auto* slice = front_slice();
  MILLRACE_INVARIANT(slice != nullptr && !bytes.empty(), "there is no slice in front");
  auto& entry = entries_[first_];
  auto& pieces = entry.answer.pieces();
  auto at = pieces.begin() + static_cast<std::ptrdiff_t>(entry.piece - 1);
  auto gone = entry.offset_bytes + bytes.size();
  MILLRACE_INVARIANT(gone <= slice->length_bytes, "more was read than the slice has");
  if (gone == slice->length_bytes) {
    *at = std::move(bytes);
  } else {
    slice->position += gone;
    slice->length_bytes -= gone;
    pieces.insert(at, OutputChain::Piece(std::move(bytes)));
  }
  entry.offset_bytes = 0;
  warm_bytes_ = 0;
}

void OutputQueue::clear() {
  entries_ = {};
  first_ = 0;
  pending_bytes_ = 0;
}

FileSlice* OutputQueue::front_slice() { return const_cast<FileSlice*>(std::as_const(*this).front_slice()); }

const FileSlice* OutputQueue::front_slice() const {
  if (first_ == entries_.size()) return nullptr;
  const auto& entry = entries_[first_];
  return entry.piece == 0 ? nullptr : std::get_if<FileSlice>(&entry.answer.pieces()[entry.piece - 1]);
}

// Byte pieces from the front on, over several answers, up to the next slice.
void OutputQueue::gather(Gathered& into, std::uint64_t limit_bytes) const {
  for (auto index = first_; index < entries_.size(); ++index) {
    const auto& entry = entries_[index];
    auto offset = entry.offset_bytes;
    for (auto piece = entry.piece; piece <= entry.answer.pieces().size(); ++piece, offset = 0) {
      bool is_slice = piece > 0 && std::holds_alternative<FileSlice>(entry.answer.pieces()[piece - 1]);
      if (is_slice || into.count == vectors_max || into.bytes >= limit_bytes) {
        into.more = true;
        return;
      }
      auto bytes = piece == 0 ? BytesView(entry.length) : bytes_of(entry.answer.pieces()[piece - 1]);
      bytes = bytes.subspan(offset);
      into.vectors[into.count++] = {const_cast<std::uint8_t*>(bytes.data()), bytes.size()};  // sendmsg only reads
      into.bytes += bytes.size();
    }
  }
}

OutputQueue::Outcome OutputQueue::send_bytes(Stream& stream, std::uint64_t limit_bytes) {
  Gathered gathered;
  gather(gathered, limit_bytes);
  auto result = stream.write({gathered.vectors.data(), gathered.count}, gathered.more);
  if (result.kind == IoResult::Kind::would_block) return Outcome::would_block;
  if (result.kind != IoResult::Kind::done) {
    error_ = result.error;
    return Outcome::failed;
  }
  advance(result.bytes);
  return result.bytes < gathered.bytes ? Outcome::would_block : Outcome::drained;
}

OutputQueue::Outcome OutputQueue::send_slice(Stream& stream, const FileSlice& slice, std::uint64_t limit_bytes) {
  int file = slice.file->descriptor();
  if (file < 0 || !stream.sends_files()) {
    next_slice_bytes_ = unreadable_step_bytes;
    return Outcome::unreadable;
  }
  auto offset = entries_[first_].offset_bytes;
  auto step = std::min({slice.length_bytes - offset, slice_step_bytes, limit_bytes});
  if (warm_bytes_ == 0) {
    if (!is_resident(file, slice.position + offset, step)) {
      next_slice_bytes_ = slice_step_bytes;
      return Outcome::cold;
    }
    warm_bytes_ = step;
  }
  auto wanted = std::min(step, warm_bytes_);
  auto result = stream.send_file(file, slice.position + offset, wanted);
  if (result.kind == IoResult::Kind::would_block) return Outcome::would_block;
  if (result.kind == IoResult::Kind::done && result.bytes == 0) {
    failed_file_ = slice.file->path();
    return Outcome::short_file;
  }
  if (result.kind != IoResult::Kind::done) {
    error_ = result.error;
    // The socket has its own errors: this one is the disk's.
    if (error_ == EIO) slice.file->tell_failed_read(read_failure(slice.file->path()));
    return Outcome::failed;
  }
  warm_bytes_ -= result.bytes;
  advance(result.bytes);
  return Outcome::drained;
}

void OutputQueue::advance(std::uint64_t bytes) {
  sent_bytes_ += bytes;
  pending_bytes_ -= bytes;
  while (first_ < entries_.size()) {
    auto& entry = entries_[first_];
    auto& pieces = entry.answer.pieces();
    auto size = entry.piece == 0 ? entry.length.size() : size_of(pieces[entry.piece - 1]);
    auto left = size - entry.offset_bytes;
    if (bytes < left) {
      entry.offset_bytes += bytes;
      forget_sent();
      return;
    }
    bytes -= left;
    entry.offset_bytes = 0;
    // What is sent is freed at once: a file or a request may hang on it.
    if (entry.piece > 0) pieces[entry.piece - 1] = OutputChain::Buffer{};
    if (++entry.piece <= pieces.size()) {
      warm_bytes_ = 0;
      continue;
    }
    entry.answer = {};
    ++first_;
    warm_bytes_ = 0;
  }
  entries_.clear();
  first_ = 0;
  if (entries_.capacity() > entries_kept) entries_.shrink_to_fit();
}

// A queue that never runs empty must not grow for ever.
void OutputQueue::forget_sent() {
  if (first_ < entries_kept || first_ * 2 < entries_.size()) return;
  entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(first_));
  first_ = 0;
}

}  // namespace millrace::network

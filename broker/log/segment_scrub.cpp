#include "broker/log/segment_scrub.h"

#include <span>
#include <utility>

namespace millrace::log {
namespace {

constexpr std::size_t chunk_bytes = std::size_t{256} << 10;
// To find the next sound batch.
constexpr std::uint64_t most_bytes_searched = std::uint64_t{4} << 20;
constexpr int most_entries_tried = 64;

std::span<const EpochStart> epochs_of(const SegmentToScrub& segment) {
  if (segment.epochs == nullptr) return {};
  return *segment.epochs;
}

}  // namespace

SegmentScrub::SegmentScrub(SegmentToScrub segment)
    : segment_(std::move(segment)),
      order_(segment_.view.base_offset, segment_.end, epochs_of(segment_)),
      offset_index_(segment_.view.offset_index, [this](const std::string& what) { found_index_entry(what); }),
      time_index_(segment_.view.time_index, [this](const std::string& what) { found_index_entry(what); }),
      transaction_index_(segment_.view.transactions, segment_.view.base_offset, segment_.complete,
                         [this](const std::string& what) { found_index_entry(what); }) {}

void SegmentScrub::found_batch(std::uint64_t position, const std::string& why) {
  if (findings_.size() - index_findings_ >= most_findings) return;
  findings_.push_back({true, segment_.view.log_file->path() + " position " + std::to_string(position) + ": " + why});
}

void SegmentScrub::found_index_entry(const std::string& what) {
  if (index_findings_ >= most_findings) return;
  ++index_findings_;
  findings_.push_back({false, what});
}

std::uint64_t SegmentScrub::read_bytes() const { return chunks_ == nullptr ? 0 : chunks_->read_bytes(); }

Status SegmentScrub::begin() {
  auto file = segment_.view.log_file->open();
  if (!file) return tl::unexpected(file.error());
  file_ = std::move(*file);
  chunks_ = std::make_unique<FileChunks>(*file_, chunk_bytes, FileChunks::Through::disk);
  return offset_index_.begin().and_then([&] { return time_index_.begin(); }).and_then([&] {
    return transaction_index_.begin();
  });
}

Result<bool> SegmentScrub::step(std::uint64_t bytes) {
  if (chunks_ == nullptr) {
    if (auto begun = begin(); !begun) return tl::unexpected(begun.error());
  }
  const auto limit = chunks_->read_bytes() + bytes;
  while (position_ < segment_.view.size_bytes) {
    if (chunks_->read_bytes() >= limit) return true;
    if (auto checked = check_next(); !checked) return tl::unexpected(checked.error());
  }
  return finish().map([] { return false; });
}

Status SegmentScrub::check_next() {
  auto batch = check_batch(*chunks_, position_, segment_.view.size_bytes);
  if (!batch) return is_damage(batch.error()) ? step_over(batch.error()) : tl::unexpected(batch.error());
  if (auto fits = order_.check_offsets(batch->base_offset, batch->last_offset); !fits)
    return misplaced(*batch, fits.error());
  return take(*batch);
}

Status SegmentScrub::take(const ScannedBatch& batch) {
  if (auto passed = pass_on(); !passed) return passed;
  const auto fits = order_.check_epoch(batch.leader_epoch, batch.base_offset, batch.last_offset);
  // The same epoch again and again is one finding: it may be the cache that is wrong.
  if (!fits && std::exchange(wrong_epoch_, batch.leader_epoch) != batch.leader_epoch)
    found_batch(position_, fits.error().message);
  if (auto closed = close_hole(batch.base_offset); !closed) return closed;
  order_.passed(fits ? batch.leader_epoch : LeaderEpoch::none(), batch.base_offset, batch.last_offset, position_);
  position_ += batch.size_bytes;
  taken_ = batch;
  return {};
}

// The batch that was taken last is in its place, as what follows shows: entries of indexes are compared with it.
Status SegmentScrub::pass_on() {
  if (!taken_) return {};
  const auto batch = *std::exchange(taken_, std::nullopt);
  return offset_index_.on_batch(batch).and_then([&] { return time_index_.on_batch(batch); }).and_then([&] {
    return transaction_index_.on_batch(*file_, batch);
  });
}

// Which offsets are in a hole shows where it ends.
Status SegmentScrub::close_hole(Offset end) {
  if (!hole_from_) return {};
  const auto from = *std::exchange(hole_from_, std::nullopt);
  return transaction_index_.on_hole(from, end).and_then([&] { return time_index_.on_hole(from, end); });
}

// Its bytes are sound. Its base offset is not, or that of the batch before.
Status SegmentScrub::misplaced(const ScannedBatch& batch, const Error& why) {
  if (taken_ && order_.fits_before_last(batch.base_offset)) {
    found_batch(taken_->position, "the batch has the offsets " + std::to_string(taken_->base_offset.value()) + " to " +
                                      std::to_string(taken_->last_offset.value()) +
                                      ", and the one behind it begins at " + std::to_string(batch.base_offset.value()));
    const auto odd = *std::exchange(taken_, std::nullopt);
    order_.forget_last();
    hole_from_ = order_.next_offset();
    if (auto passed = offset_index_.on_hole(odd.position, odd.end_position()); !passed) return passed;
    return take(batch);
  }
  found_batch(position_, why.message);
  return step_to(position_ + batch.size_bytes);
}

Status SegmentScrub::step_over(const Error& why) {
  auto next = next_sound();
  if (!next) return tl::unexpected(next.error());
  const bool lost_way = *next == segment_.view.size_bytes;
  found_batch(position_, why.message + (lost_way ? "; no sound batch follows in the " +
                                                       std::to_string(*next - position_) + " bytes up to the file's end"
                                                 : "; the next sound one is at position " + std::to_string(*next)));
  return step_to(*next);
}

Status SegmentScrub::step_to(std::uint64_t position) {
  if (auto passed = pass_on(); !passed) return passed;
  if (!hole_from_) hole_from_ = order_.next_offset();
  return offset_index_.on_hole(std::exchange(position_, position), position);
}

Result<bool> SegmentScrub::is_sound(std::uint64_t position) {
  auto batch = check_batch(*chunks_, position, segment_.view.size_bytes);
  if (batch) return order_.check_offsets(batch->base_offset, batch->last_offset).has_value();
  if (is_damage(batch.error())) return false;
  return tl::unexpected(batch.error());
}

// The bad batch's length may be right; else the next one is looked for, first byte by byte.
Result<std::uint64_t> SegmentScrub::next_sound() {
  const auto end = segment_.view.size_bytes;
  auto start = chunks_->at(position_, protocol::batch_prefix_bytes);
  if (!start) return tl::unexpected(start.error());
  if (auto prefix = protocol::parse_batch_prefix(*start)) {
    const auto behind = position_ + prefix->size_bytes();
    if (behind == end) return end;
    auto sound = behind < end ? is_sound(behind) : Result<bool>(false);
    if (!sound) return tl::unexpected(sound.error());
    if (*sound) return behind;
  }
  for (auto position = position_ + 1; position + protocol::batch_prefix_bytes <= end; ++position) {
    if (position - position_ > most_bytes_searched) return next_sound_of_index(position);
    auto bytes = chunks_->at(position, protocol::batch_prefix_bytes);
    if (!bytes) return tl::unexpected(bytes.error());
    if (bytes->size() < protocol::batch_prefix_bytes) return end;  // the file is shorter than it was
    auto prefix = protocol::parse_batch_prefix(*bytes);
    if (!prefix || prefix->size_bytes() > end - position) continue;
    if (!order_.check_offsets(prefix->base_offset, prefix->base_offset)) continue;
    auto sound = is_sound(position);
    if (!sound) return tl::unexpected(sound.error());
    if (*sound) return position;
  }
  return end;
}

Result<std::uint64_t> SegmentScrub::next_sound_of_index(std::uint64_t position) {
  const auto end = segment_.view.size_bytes;
  for (int tried = 0; tried < most_entries_tried; ++tried) {
    auto entry = segment_.view.offset_index.first_from(position);
    if (!entry) return tl::unexpected(entry.error());
    if (!*entry || (*entry)->position >= end || (*entry)->position < position) return end;
    auto sound = is_sound((*entry)->position);
    if (!sound) return tl::unexpected(sound.error());
    if (*sound) return (*entry)->position;
    position = std::uint64_t{(*entry)->position} + 1;
  }
  return end;
}

Status SegmentScrub::finish() {
  return pass_on()
      .and_then([&] { return close_hole(segment_.end); })
      .and_then([&] { return offset_index_.finish(); })
      .and_then([&] { return time_index_.finish(); })
      .and_then([&] { return transaction_index_.finish(); });
}

}  // namespace millrace::log

#include "broker/log/offset_index.h"

#include <array>
#include <string>

#include "broker/base/bytes.h"
#include "broker/base/check.h"

namespace millrace::log {
namespace {

OffsetIndexEntry decode(Offset base_offset, const std::uint8_t* bytes) {
  return {base_offset + load_big_endian<std::int32_t>(bytes), load_big_endian<std::uint32_t>(bytes + 4)};
}

}  // namespace

Result<OffsetIndexEntry> OffsetIndexView::lookup(Offset target, PageCacheReads* only) const {
  auto found =
      view_.last_where([&](const std::uint8_t* entry) { return decode(base_offset_, entry).offset <= target; }, only);
  if (!found) return tl::unexpected(found.error());
  if (!*found) return OffsetIndexEntry{base_offset_, 0};
  return decode(base_offset_, (*found)->data());
}

Result<OffsetIndexEntry> OffsetIndexView::entry(std::size_t number, PageCacheReads* only) const {
  return view_.read(number, 1, only).map([&](const auto& bytes) { return decode(base_offset_, bytes.data()); });
}

Result<std::optional<OffsetIndexEntry>> OffsetIndexView::first_from(std::uint64_t position,
                                                                    PageCacheReads* only) const {
  std::optional<OffsetIndexEntry> found;
  std::size_t low = 0;
  for (std::size_t high = entries(); low < high;) {
    const auto middle = low + (high - low) / 2;
    auto at = entry(middle, only);
    if (!at) return tl::unexpected(at.error());
    if (at->position < position || (middle == 0 && at->position == position)) {
      low = middle + 1;
    } else {
      high = middle;
      found = *at;
    }
  }
  return found;
}

Result<std::size_t> OffsetIndexView::entries_below(Offset end) const {
  return view_.count_where([&](const std::uint8_t* bytes) { return decode(base_offset_, bytes).offset < end; });
}

Status OffsetIndex::load(std::uint64_t log_size_bytes) {
  if (auto loaded = file_.load(); !loaded) return loaded;
  last_offset_ = base_offset_;
  last_position_ = 0;
  if (entries() == 0) return {};
  auto last = view().entry(entries() - 1);
  if (!last) return tl::unexpected(last.error());
  // A file that was never trimmed ends in zeros: its last entry stands at the base offset, behind other entries or for a batch
  // that cannot be at position 0 of its own index entry (entries come after at least one batch).
  if (last->offset < base_offset_ || last->position >= log_size_bytes || (last->position == 0 && entries() > 1)) {
    return fail(ErrorKind::corrupt,
                file_.file()->path() + ": its last entry (offset " + std::to_string(last->offset.value()) +
                    ", position " + std::to_string(last->position) + ") is not in the segment of " +
                    std::to_string(log_size_bytes) + " bytes from offset " + std::to_string(base_offset_.value()));
  }
  last_offset_ = last->offset;
  last_position_ = last->position;
  return {};
}

Status OffsetIndex::create() {
  last_offset_ = base_offset_;
  last_position_ = 0;
  return file_.create();
}

void OffsetIndex::append(Offset offset, std::uint32_t position) {
  MILLRACE_INVARIANT(entries() == 0 || offset > last_offset_, "offsets of an offset index increase");
  std::array<std::uint8_t, entry_bytes> bytes;
  store_big_endian(bytes.data(), static_cast<std::int32_t>(offset - base_offset_));
  store_big_endian(bytes.data() + 4, position);
  auto before = entries();
  file_.append(bytes);
  if (entries() == before) return;
  last_offset_ = offset;
  last_position_ = position;
}

std::optional<OffsetIndexEntry> OffsetIndex::lookup_in_memory(Offset target) const {
  auto low = file_.memory_begin();
  auto high = entries();
  while (low < high) {
    auto middle = low + (high - low) / 2;
    (decode(base_offset_, file_.in_memory(middle)).offset <= target ? low = middle + 1 : high = middle);
  }
  if (low > file_.memory_begin()) return decode(base_offset_, file_.in_memory(low - 1));
  if (file_.memory_begin() == 0) return OffsetIndexEntry{base_offset_, 0};
  return std::nullopt;
}

}  // namespace millrace::log

#include "broker/log/time_index.h"

#include <array>
#include <string>

#include "broker/base/bytes.h"

namespace millrace::log {
namespace {

TimeIndexEntry decode(Offset base_offset, const std::uint8_t* bytes) {
  return {TimestampMs(load_big_endian<std::int64_t>(bytes)), base_offset + load_big_endian<std::int32_t>(bytes + 8)};
}

}  // namespace

Result<TimeIndexEntry> TimeIndexView::lookup(TimestampMs timestamp) const {
  auto found =
      view_.last_where([&](const std::uint8_t* entry) { return decode(base_offset_, entry).timestamp <= timestamp; });
  if (!found) return tl::unexpected(found.error());
  if (!*found) return TimeIndexEntry{TimestampMs::none(), base_offset_};
  return decode(base_offset_, (*found)->data());
}

Result<TimeIndexEntry> TimeIndexView::entry(std::size_t number) const {
  return view_.read(number, 1).map([&](const auto& bytes) { return decode(base_offset_, bytes.data()); });
}

Result<std::size_t> TimeIndexView::entries_below(Offset end) const {
  return view_.count_where([&](const std::uint8_t* bytes) { return decode(base_offset_, bytes).offset < end; });
}

Status TimeIndex::load() {
  if (auto loaded = file_.load(); !loaded) return loaded;
  last_ = {TimestampMs::none(), base_offset_};
  if (entries() == 0) return {};
  auto first = view().entry(0);
  if (!first) return tl::unexpected(first.error());
  auto last = view().entry(entries() - 1);
  if (!last) return tl::unexpected(last.error());
  if (last->offset < base_offset_ || last->timestamp < first->timestamp ||
      (entries() > 1 && last->timestamp == first->timestamp)) {
    return fail(ErrorKind::corrupt,
                file_.file()->path() + ": its last entry (timestamp " + std::to_string(last->timestamp.value()) +
                    ", offset " + std::to_string(last->offset.value()) + ") does not follow its first (timestamp " +
                    std::to_string(first->timestamp.value()) + ")");
  }
  last_ = *last;
  return {};
}

Status TimeIndex::create() {
  last_ = {TimestampMs::none(), base_offset_};
  return file_.create();
}

void TimeIndex::maybe_append(TimestampMs timestamp, Offset offset) {
  if (!full()) append_last(timestamp, offset);
}

void TimeIndex::append_last(TimestampMs timestamp, Offset offset) {
  if (timestamp <= last_.timestamp) return;
  std::array<std::uint8_t, entry_bytes> bytes;
  store_big_endian(bytes.data(), timestamp.value());
  store_big_endian(bytes.data() + 8, static_cast<std::int32_t>(offset - base_offset_));
  auto before = entries();
  file_.append(bytes);
  if (entries() != before) last_ = {timestamp, offset};
}

}  // namespace millrace::log

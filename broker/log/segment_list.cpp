#include "broker/log/segment_list.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

#include "broker/base/check.h"

namespace millrace::log {
namespace {

Offset base_of(const std::unique_ptr<LogSegment>& segment) { return segment->base_offset(); }

}  // namespace

std::size_t SegmentList::number_of(Offset offset) const {
  auto after = std::ranges::upper_bound(segments_, offset, {}, base_of);
  return after == segments_.begin() ? 0 : static_cast<std::size_t>(after - segments_.begin()) - 1;
}

std::size_t SegmentList::number_at(Offset base_offset) const {
  auto at = std::ranges::lower_bound(segments_, base_offset, {}, base_of);
  if (at == segments_.end() || base_of(*at) != base_offset) return segments_.size();
  return static_cast<std::size_t>(at - segments_.begin());
}

std::vector<SegmentView> SegmentList::views() const {
  std::vector<SegmentView> views;
  views.reserve(segments_.size());
  for (const auto& segment : segments_) views.push_back(segment->view());
  return views;
}

std::uint64_t SegmentList::size_bytes() const {
  return std::accumulate(segments_.begin(), segments_.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& segment) { return sum + segment->size_bytes(); });
}

void SegmentList::add(std::unique_ptr<LogSegment> segment) {
  MILLRACE_INVARIANT(segments_.empty() || segment->base_offset() > segments_.back()->base_offset(),
                     "segments are added in the order of their offsets");
  segments_.push_back(std::move(segment));
}

SegmentList::Segments SegmentList::take_front(std::size_t count) {
  MILLRACE_INVARIANT(count <= segments_.size(), "more segments are taken than there are");
  return take(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(count));
}

SegmentList::Segments SegmentList::take_from(std::size_t number) {
  MILLRACE_INVARIANT(number <= segments_.size(), "segments are taken from behind the last one on");
  return take(segments_.begin() + static_cast<std::ptrdiff_t>(number), segments_.end());
}

SegmentList::Segments SegmentList::replace(Offset first, Offset end, std::unique_ptr<LogSegment> by) {
  MILLRACE_INVARIANT(by == nullptr || (by->base_offset() >= first && by->base_offset() < end),
                     "a segment takes the place of others");
  auto taken = take(std::ranges::lower_bound(segments_, first, {}, base_of),
                    std::ranges::lower_bound(segments_, end, {}, base_of));
  if (by != nullptr)
    segments_.insert(std::ranges::lower_bound(segments_, by->base_offset(), {}, base_of), std::move(by));
  return taken;
}

SegmentList::Segments SegmentList::take(Segments::iterator first, Segments::iterator last) {
  Segments taken(std::make_move_iterator(first), std::make_move_iterator(last));
  segments_.erase(first, last);
  return taken;
}

}  // namespace millrace::log

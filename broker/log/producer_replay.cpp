#include "broker/log/producer_replay.h"

#include <algorithm>

#include "broker/base/logging.h"
#include "broker/log/log_directory.h"
#include "broker/log/producer_snapshot.h"
#include "broker/log/record_validator.h"

namespace millrace::log {
namespace {

constexpr Logger logger{"log"};
constexpr std::uint64_t snapshot_limit_bytes = 256 * 1024 * 1024;
constexpr std::size_t replay_read_ahead_bytes = 64 * 1024;

std::string snapshot_path(const std::string& directory, Offset offset) {
  return directory + "/" + segment_file_name(offset, producer_snapshot_suffix);
}

Status replay_segment(const SegmentView& segment, Offset from, ProducerState& producers) {
  auto first = segment.find_batch(from);
  if (!first) return tl::unexpected(first.error());
  if (!*first) return {};
  auto file = segment.log_file->open();
  if (!file) return tl::unexpected(file.error());
  BatchScanner scanner(**file, (*first)->position, segment.size_bytes, replay_read_ahead_bytes);
  while (true) {
    auto more = scanner.next();
    if (!more) return tl::unexpected(more.error());
    if (!*more) return {};
    auto append = read_producer_append(**file, scanner.batch());
    if (!append) return tl::unexpected(append.error());
    if (*append) producers.apply(**append);
  }
}

}  // namespace

Result<std::optional<ProducerAppend>> read_producer_append(const File& file, const ScannedBatch& batch) {
  if (!batch.header || batch.header->producer_id == ProducerId::none()) return std::nullopt;
  auto append = ProducerAppend::of(*batch.header, batch.base_offset);
  if (append.control) {
    auto bytes = read_batch(file, batch);
    if (!bytes) return tl::unexpected(bytes.error());
    if (auto parsed = protocol::parse_batch(*bytes); parsed) append.marker = read_marker(*parsed);
  }
  return append;
}

// Each segment has the snapshot of its start; a clean stop leaves one more, at the log's end.
Result<std::vector<Offset>> remove_stray_snapshots(FileSystem& files, const ReplayRequest& request,
                                                   const SegmentList& segments) {
  std::vector<Offset> kept;
  const auto last_base = segments.back()->base_offset();
  for (auto offset : request.snapshots) {
    const bool of_segment =
        std::ranges::any_of(segments, [&](const auto& segment) { return segment->base_offset() == offset; });
    const bool newest = offset == request.snapshots.back() && offset > last_base;
    if ((of_segment || newest) && offset <= request.end && offset > request.log_start) {
      kept.push_back(offset);
      continue;
    }
    auto removed = files.remove(snapshot_path(request.directory, offset));
    if (!removed && removed.error().kind != ErrorKind::not_found) return tl::unexpected(removed.error());
  }
  return kept;
}

Result<Offset> replay_producers(FileSystem& files, const ReplayRequest& request,
                                const std::vector<SegmentView>& segments, ProducerState& producers) {
  auto snapshots = request.snapshots;
  std::erase_if(snapshots, [&](Offset offset) { return offset > request.end || offset <= request.log_start; });
  producers.reset(request.log_start, {}, request.now);
  Offset newest = Offset::none();
  while (!snapshots.empty() && newest == Offset::none()) {
    const auto path = snapshot_path(request.directory, snapshots.back());
    auto text = files.read_text(path, snapshot_limit_bytes);
    // One that could not be read was removed when the producers of an earlier segment were looked for.
    if (!text && text.error().kind == ErrorKind::not_found) {
      snapshots.pop_back();
      continue;
    }
    if (!text) return tl::unexpected(text.error());
    if (auto entries = decode_producer_snapshot(as_bytes(*text), path); entries) {
      newest = snapshots.back();
      producers.reset(std::max(newest, request.log_start), *entries, request.now);
    } else {
      logger.warning(entries.error().message + "; it is removed and an older one is used");
      if (auto removed = files.remove(path); !removed) return tl::unexpected(removed.error());
      snapshots.pop_back();
    }
  }
  const auto from = producers.end_offset();
  for (std::size_t number = 0; number < segments.size(); ++number) {
    if (number + 1 < segments.size() && segments[number + 1].base_offset <= from) continue;
    if (from >= request.end || segments[number].base_offset >= request.end) break;
    if (auto done = replay_segment(segments[number], from, producers); !done) return tl::unexpected(done.error());
  }
  producers.set_end_offset(request.end);
  return newest;
}

Status write_producer_snapshot(FileSystem& files, const std::string& directory, Offset offset,
                               const std::vector<ProducerEntry>& entries) {
  auto bytes = encode_producer_snapshot(entries);
  auto file = files.open(snapshot_path(directory, offset), OpenMode::read_write_or_create);
  if (!file) return tl::unexpected(file.error());
  return (*file)->truncate(0).and_then([&] { return (*file)->write_at(0, BytesView(bytes)); }).and_then([&] {
    return (*file)->sync();
  });
}

}  // namespace millrace::log

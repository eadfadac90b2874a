#include "broker/log/journal_replay.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "broker/log/journal_files.h"
#include "broker/log/segment_check.h"

namespace millrace::log {

struct JournalReplay::Scan {
  struct Found {
    TopicPartition partition;
    JournalRecordKind kind;
    Record record;
  };
  std::optional<JournalHeader> header;
  std::vector<std::optional<JournalHeader>> headers;  // of each file; nullopt: not readable
  std::vector<FoundGroup> groups;
  std::map<JournalSequence, std::vector<Found>> records;
};

namespace {

constexpr std::string_view kept_prefix = "kept-";
constexpr std::string_view unfinished_name = "unfinished";
constexpr std::size_t read_ahead_bytes = std::size_t{64} * 1024;

Status move_into(FileSystem& files, const std::vector<std::string>& paths, const std::string& place) {
  for (const auto& path : paths) {
    if (auto moved = files.rename(path, place + path.substr(path.rfind('/'))); !moved) return moved;
  }
  return files.sync_directory(place)
      .and_then([&] { return files.sync_directory(place.substr(0, place.rfind('/'))); })
      .and_then([&] { return files.remove(place + "/" + std::string(unfinished_name)); });
}

Status finish_moves(FileSystem& files, const std::string& path) {
  auto entries = files.list(path);
  if (!entries && entries.error().kind == ErrorKind::not_found) return {};
  if (!entries) return tl::unexpected(entries.error());
  for (const auto& entry : *entries) {
    if (!entry.name.starts_with(kept_prefix)) continue;
    const auto place = path + "/" + entry.name;
    auto unfinished = files.exists(place + "/" + std::string(unfinished_name));
    if (!unfinished) return tl::unexpected(unfinished.error());
    if (!*unfinished) continue;
    auto moved =
        list_journal_files(files, path).and_then([&](const auto& left) { return move_into(files, left, place); });
    if (!moved) return moved;
  }
  return {};
}

}  // namespace

std::string JournalReplay::advice() const {
  return "; nothing of the journal was touched. To go on without what it has, move " + path_ + " away";
}

Result<std::unique_ptr<JournalReplay>> JournalReplay::read(FileSystem& files, const std::string& path,
                                                           const JournalOwner& owner) {
  std::unique_ptr<JournalReplay> replay(new JournalReplay(files, path));
  if (auto finished = finish_moves(files, path); !finished) return tl::unexpected(finished.error());
  auto paths = list_journal_files(files, path);
  if (!paths) return tl::unexpected(paths.error());
  replay->paths_ = std::move(*paths);
  Scan scan;
  for (const auto& file_path : replay->paths_) {
    auto file = files.open(file_path, OpenMode::read_only);
    if (!file) return tl::unexpected(file.error());
    std::vector<std::uint8_t> block(journal_block_bytes);
    auto read = (*file)->read_at(0, block);
    if (!read) return tl::unexpected(read.error());
    auto header = parse_journal_header(BytesView(block).first(*read));
    if (!header && header.error().kind == ErrorKind::unsupported)
      return fail(ErrorKind::unsupported, file_path + ": " + header.error().message);
    scan.headers.push_back(header ? std::optional(*header) : std::nullopt);
    if (header && !scan.header) scan.header = *header;
    replay->opened_.push_back(std::move(*file));
  }
  if (replay->paths_.empty()) return replay;
  if (!scan.header)
    return fail(ErrorKind::corrupt, "no file of the journal " + path + " has a header" + replay->advice());
  for (std::size_t number = 0; number < replay->paths_.size(); ++number) {
    if (auto scanned = replay->scan_file(number, scan); !scanned) return tl::unexpected(scanned.error());
  }
  if (auto taken = replay->take_needed(scan, owner); !taken) return tl::unexpected(taken.error());
  return replay;
}

Status JournalReplay::scan_file(std::size_t number, Scan& scan) {
  const auto& id = scan.header->journal;
  if (scan.headers[number] && scan.headers[number]->journal != id)
    return fail(ErrorKind::corrupt, paths_[number] + " is of another journal than " + paths_.front() + advice());
  const auto& file = *opened_[number];
  auto size = file.size_bytes();
  if (!size) return tl::unexpected(size.error());
  FileChunks headers(file, read_ahead_bytes);
  std::vector<std::uint8_t> whole;
  for (std::uint64_t position = journal_block_bytes; position + journal_block_bytes <= *size;) {
    auto header = headers.at(position, journal_group_header_bytes);
    if (!header) return tl::unexpected(header.error());
    const auto group = parse_journal_group(*header, id);
    if (!group || group->bytes > *size - position) {
      position += journal_block_bytes;
      continue;
    }
    whole.resize(group->bytes);
    auto read = file.read_at(position, whole);
    if (!read) return tl::unexpected(read.error());
    auto records = parse_journal_records(*group, BytesView(whole).first(*read));
    if (!records) {
      position += journal_block_bytes;
      continue;
    }
    scan.groups.push_back({group->sequence, group->needed_from, number, position});
    auto& found = scan.records[group->sequence];
    for (auto& record : *records) {
      const auto at =
          record.batches.empty() ? 0 : position + static_cast<std::uint64_t>(record.batches.data() - whole.data());
      found.push_back({std::move(record.partition), record.kind,
                       Record{.sequence = group->sequence,
                              .topic_id = record.topic_id,
                              .since = record.since,
                              .from = record.from,
                              .end = record.end,
                              .file = number,
                              .position = at,
                              .size_bytes = record.batches.size()}});
    }
    position += journal_blocks(group->bytes);
  }
  return {};
}

Status JournalReplay::take_needed(Scan& scan, const JournalOwner& owner) {
  JournalSequence needed_from = 1;
  for (const auto& header : scan.headers) {
    if (header) needed_from = std::max(needed_from, header->needed_from);
  }
  const auto judgement = judge_journal(std::move(scan.groups), needed_from);
  next_sequence_ = judgement.next_sequence;
  if (judgement.needed.empty()) return {};
  const auto& found = scan.header->owner;
  if (found != owner) {
    return fail(ErrorKind::conflict, "the journal " + path_ + " has records of broker.id " +
                                         std::to_string(found.broker_id.value()) + " of cluster " + found.cluster_id +
                                         " and its log directory " + found.log_directory + ", not of broker.id " +
                                         std::to_string(owner.broker_id.value()) + " of cluster " + owner.cluster_id +
                                         " and " + owner.log_directory +
                                         "; set millrace.journal.dirs to the journal of that directory, or move it "
                                         "away to go on without its records");
  }
  if (!judgement.damage.empty())
    return fail(ErrorKind::corrupt, "the journal " + path_ + " is damaged: " + judgement.damage + advice());
  std::map<TopicPartition, std::vector<Scan::Found>> by_log;
  for (const auto& group : judgement.needed) {
    for (auto& record : scan.records[group.sequence]) by_log[record.partition].push_back(std::move(record));
  }
  for (auto& [partition, records] : by_log) {
    std::map<TopicId, Offset> void_from;  // later lives of the same name have other ids
    for (auto at = records.rbegin(); at != records.rend(); ++at) {
      auto& cut = void_from.try_emplace(at->record.topic_id, at->record.void_from).first->second;
      if (at->kind == JournalRecordKind::cut) {
        cut = std::min(cut, at->record.end);
      } else {
        at->record.void_from = cut;
      }
    }
    auto& kept = records_[partition];
    for (auto& record : records) {
      if (record.kind == JournalRecordKind::batches) kept.push_back(record.record);
    }
    if (kept.empty()) records_.erase(partition);
  }
  return {};
}

const std::vector<JournalReplay::Record>& JournalReplay::of(const TopicPartition& partition) const {
  static const std::vector<Record> none;
  const auto at = records_.find(partition);
  return at == records_.end() ? none : at->second;
}

bool JournalReplay::has_of(const TopicPartition& partition, const TopicId& topic_id) const {
  return std::ranges::any_of(of(partition), [&](const Record& record) {
    const bool of_it = record.topic_id == topic_id || record.topic_id.is_zero() || topic_id.is_zero();
    return of_it && record.from < record.void_from;
  });
}

std::set<TopicPartition> JournalReplay::partitions() const {
  std::set<TopicPartition> found;
  for (const auto& [partition, records] : records_) found.insert(partition);
  return found;
}

Result<std::vector<std::uint8_t>> JournalReplay::batches(const Record& record) const {
  std::vector<std::uint8_t> bytes(record.size_bytes);
  auto read = opened_[record.file]->read_at(record.position, bytes);
  if (!read) return tl::unexpected(read.error());
  if (*read != bytes.size()) return fail(ErrorKind::corrupt, paths_[record.file] + " has become shorter");
  return bytes;
}

void JournalReplay::refuse(const std::string& why) const {
  std::lock_guard lock(mutex_);
  if (refused_.empty()) refused_ = why + advice();
}

std::string JournalReplay::refused() const {
  std::lock_guard lock(mutex_);
  return refused_;
}

Status JournalReplay::empty_files() {
  std::vector<std::shared_ptr<File>> written;
  for (const auto& path : paths_) {
    auto file = files_.open(path, OpenMode::read_write);
    if (!file) return tl::unexpected(file.error());
    std::vector<std::uint8_t> block(journal_block_bytes);
    auto read = (*file)->read_at(0, block);
    if (!read) return tl::unexpected(read.error());
    auto header = parse_journal_header(BytesView(block).first(*read));
    if (!header) continue;  // the others say it
    header->needed_from = next_sequence_;
    auto encoded = encode_journal_header(*header);
    if (!encoded) return tl::unexpected(encoded.error());
    if (auto done = (*file)->write_at(0, *encoded).and_then([&] { return (*file)->sync(); }); !done) return done;
  }
  return {};
}

// A journal that is made anew counts from 1 again.
Result<std::string> JournalReplay::free_place() const {
  const auto wanted = path_ + "/" + std::string(kept_prefix) + std::to_string(next_sequence_);
  std::string place = wanted;
  for (int number = 2;; ++number) {
    auto taken = files_.exists(place);
    if (!taken) return tl::unexpected(taken.error());
    if (!*taken) return place;
    place = wanted + "-" + std::to_string(number);
  }
}

// What a crash has left half done, the next start goes on with: a part of the files would look like a damaged journal.
Result<std::string> JournalReplay::set_aside() {
  auto found = free_place();
  if (!found) return found;
  const auto& place = *found;
  auto begun = files_.create_directories(place)
                   .and_then([&] {
                     return files_.open(place + "/" + std::string(unfinished_name), OpenMode::read_write_or_create);
                   })
                   .and_then([&](const auto&) { return files_.sync_directory(place); })
                   .and_then([&] { return files_.sync_directory(path_); })
                   .and_then([&] { return move_into(files_, paths_, place); });
  if (!begun) return tl::unexpected(begun.error());
  return found;
}

}  // namespace millrace::log

#include "broker/log/journal_space.h"

#include <algorithm>

namespace millrace::log {

JournalSpace::JournalSpace(std::size_t files, std::uint64_t file_bytes, JournalSequence next_sequence)
    : files_(files),
      file_bytes_(journal_whole_blocks(file_bytes)),
      next_sequence_(next_sequence),
      needed_from_(next_sequence) {}

std::size_t JournalSpace::files_in_use() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(files_, [](const auto& file) { return file.first && !is_free(file); }));
}

JournalSpace::Place JournalSpace::take(std::uint64_t bytes) {
  const Place place{current_, position_, next_sequence_++};
  position_ += journal_blocks(bytes);
  auto& first = files_[current_].first;
  if (!first) first = place.sequence;
  return place;
}

void JournalSpace::note(const std::shared_ptr<JournaledLog>& log, JournalStay stay, Offset end) {
  auto [at, added] = files_[current_].logs.try_emplace(log.get(), Kept{log, stay, end});
  if (added) return;
  if (at->second.log.expired() || at->second.stay != stay) {
    at->second = {log, stay, end};
  } else {
    at->second.end = std::max(at->second.end, end);
  }
}

void JournalSpace::forget(const JournaledLog* log) {
  for (auto& file : files_) file.logs.erase(log);
}

bool JournalSpace::is_done(const Kept& kept) {
  const auto log = kept.log.lock();
  return log == nullptr || log->has_synced(kept.stay, kept.end);
}

bool JournalSpace::is_free(const File& file) {
  return std::ranges::all_of(file.logs, [](const auto& entry) { return is_done(entry.second); });
}

// Only the oldest: a replay goes through all groups from the first that is needed on.
std::optional<std::size_t> JournalSpace::free_file() const {
  std::optional<std::size_t> oldest;
  for (std::size_t number = 0; number < files_.size(); ++number) {
    if (number == current_) continue;
    if (!files_[number].first) return number;
    if (!oldest || *files_[number].first < *files_[*oldest].first) oldest = number;
  }
  return oldest && is_free(files_[*oldest]) ? oldest : std::nullopt;
}

JournalSequence JournalSpace::needed_without(std::size_t file) const {
  auto needed = next_sequence_;
  for (std::size_t number = 0; number < files_.size(); ++number) {
    const auto& other = files_[number];
    if (number != file && other.first && !is_free(other)) needed = std::min(needed, *other.first);
  }
  return needed;
}

void JournalSpace::begin(std::size_t file, JournalSequence needed_from) {
  files_[file] = File{};
  current_ = file;
  position_ = journal_block_bytes;
  needed_from_ = needed_from;
}

std::vector<JournalSpace::Laggard> JournalSpace::laggards(std::size_t file) const {
  std::vector<Laggard> found;
  for (const auto& [known, kept] : files_[file].logs) {
    auto log = kept.log.lock();
    if (log != nullptr && !log->has_synced(kept.stay, kept.end)) found.push_back({std::move(log), kept.stay});
  }
  std::ranges::sort(found, std::less<>());
  return found;
}

}  // namespace millrace::log

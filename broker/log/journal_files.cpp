#include "broker/log/journal_files.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "broker/base/durable_directories.h"

namespace millrace::log {
namespace {

constexpr std::string_view suffix = ".journal";
constexpr std::string_view unfinished_suffix = ".journal.tmp";
constexpr std::size_t fill_bytes = std::size_t{1} << 20;

std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
}

Status fill(FileSystem& files, const std::string& path, BytesView header, std::uint64_t file_bytes) {
  if (auto made = files.open(path, OpenMode::create_new); !made) return tl::unexpected(made.error());
  auto file = files.open(path, OpenMode::direct_read_write);
  if (!file) return tl::unexpected(file.error());
  AlignedBuffer buffer;
  const auto zeros = buffer.of(std::min<std::uint64_t>(fill_bytes, file_bytes));
  std::ranges::fill(zeros, std::uint8_t{0});
  for (std::uint64_t position = 0; position < file_bytes; position += zeros.size()) {
    const auto count = std::min<std::uint64_t>(zeros.size(), file_bytes - position);
    if (auto written = (*file)->write_at(position, zeros.first(count)); !written) return written;
  }
  const auto block = zeros.first(journal_block_bytes);
  std::ranges::copy(header, block.begin());
  return (*file)->write_at(0, block).and_then([&] { return (*file)->sync(); });
}

// Who fills the volume to its last byte, and only then finds out, has others fail that write to it meanwhile: as much
// as the files take is left.
Status check_room(FileSystem& files, const JournalSettings& settings) {
  auto space = files.space(settings.path);
  if (!space) return tl::unexpected(space.error());
  const auto wanted = 2 * settings.files * settings.file_bytes;
  if (space->available_bytes >= wanted) return {};
  return fail(ErrorKind::no_space, "the volume of " + settings.path + " has " + std::to_string(space->available_bytes) +
                                       " bytes left, and " + std::to_string(wanted) +
                                       " are wanted, of which half stays free");
}

Status remove_all_of(FileSystem& files, const std::string& path) {
  auto entries = files.list(path);
  if (!entries) return tl::unexpected(entries.error());
  bool removed_any = false;
  for (const auto& entry : *entries) {
    if (!entry.name.ends_with(suffix) && !entry.name.ends_with(unfinished_suffix)) continue;
    if (auto removed = files.remove(path + "/" + entry.name); !removed) return removed;
    removed_any = true;
  }
  return removed_any ? files.sync_directory(path) : Status{};
}

}  // namespace

MutableBytes AlignedBuffer::of(std::size_t bytes) {
  if (size_ < bytes) {
    memory_.reset();
    memory_.reset(static_cast<std::uint8_t*>(operator new[](bytes, std::align_val_t{journal_block_bytes})));
    size_ = bytes;
  }
  return {memory_.get(), bytes};
}

std::string journal_file_name(std::size_t number) {
  const auto digits = std::to_string(number);
  return (digits.size() < 2 ? "0" : "") + digits + std::string(suffix);
}

Result<std::vector<std::string>> list_journal_files(FileSystem& files, const std::string& path) {
  std::vector<std::string> found;
  auto entries = files.list(path);
  if (!entries && entries.error().kind == ErrorKind::not_found) return found;
  if (!entries) return tl::unexpected(entries.error());
  for (const auto& entry : *entries) {
    if (entry.name.ends_with(suffix) && !entry.is_directory) found.push_back(path + "/" + entry.name);
  }
  std::ranges::sort(found);
  return found;
}

Result<std::unique_ptr<JournalFiles>> JournalFiles::open(FileSystem& files, const JournalSettings& settings,
                                                         const JournalOwner& owner, JournalSequence next_sequence,
                                                         Random& random) {
  std::unique_ptr<JournalFiles> journal(new JournalFiles(files, {Uuid{}, owner, settings.file_bytes, next_sequence}));
  auto fits = journal->open_existing(settings);
  if (!fits) return tl::unexpected(fits.error());
  if (!*fits) {
    journal->header_.journal = Uuid::random(random);
    if (auto made = journal->make(settings, next_sequence); !made) return tl::unexpected(made.error());
  }
  if (auto written = journal->write_headers(next_sequence); !written) return tl::unexpected(written.error());
  return journal;
}

Result<bool> JournalFiles::open_existing(const JournalSettings& settings) {
  auto paths = list_journal_files(files_, settings.path);
  if (!paths) return tl::unexpected(paths.error());
  if (paths->size() != settings.files) return false;
  const auto block = block_.of(journal_block_bytes);
  for (const auto& path : *paths) {
    auto file = files_.open(path, OpenMode::direct_read_write);
    if (!file) return tl::unexpected(file.error());
    auto size = (*file)->size_bytes();
    if (!size) return tl::unexpected(size.error());
    auto read = (*file)->read_at(0, block);
    if (!read) return tl::unexpected(read.error());
    auto header = parse_journal_header(BytesView(block).first(*read));
    const bool first = opened_.empty();
    const bool fits = header && *size == header_.file_bytes && header->file_bytes == header_.file_bytes &&
                      header->owner == header_.owner && (first || header->journal == header_.journal);
    if (!fits) {
      opened_.clear();
      return false;
    }
    header_.journal = header->journal;
    opened_.push_back(std::move(*file));
  }
  return true;
}

Status JournalFiles::make(const JournalSettings& settings, JournalSequence next_sequence) {
  auto header = header_;
  header.needed_from = next_sequence;
  auto block = encode_journal_header(header);
  if (!block) return tl::unexpected(block.error());
  auto ready = make_durable_directories(files_, settings.path)
                   .and_then([&] { return files_.sync_directory(parent_of(settings.path)); })
                   .and_then([&] { return remove_all_of(files_, settings.path); })
                   .and_then([&] { return check_room(files_, settings); });
  if (!ready) return ready;
  for (std::size_t number = 0; number < settings.files; ++number) {
    const auto path = settings.path + "/" + journal_file_name(number);
    const auto unfinished = path + ".tmp";
    auto made =
        fill(files_, unfinished, *block, settings.file_bytes).and_then([&] { return files_.rename(unfinished, path); });
    if (!made) {
      if (auto removed = remove_all_of(files_, settings.path); !removed)
        return fail(made.error().kind, made.error().message + "; and " + removed.error().message);
      return made;
    }
    auto file = files_.open(path, OpenMode::direct_read_write);
    if (!file) return tl::unexpected(file.error());
    opened_.push_back(std::move(*file));
  }
  return files_.sync_directory(settings.path);
}

Status JournalFiles::write_header(std::size_t file, JournalSequence needed_from) {
  header_.needed_from = needed_from;
  auto encoded = encode_journal_header(header_);
  if (!encoded) return tl::unexpected(encoded.error());
  const auto block = block_.of(journal_block_bytes);
  std::ranges::copy(*encoded, block.begin());
  return opened_[file]->write_at(0, block).and_then([&] { return opened_[file]->sync(); });
}

Status JournalFiles::write_headers(JournalSequence next_sequence) {
  for (std::size_t file = 0; file < opened_.size(); ++file) {
    if (auto written = write_header(file, next_sequence); !written) return written;
  }
  return {};
}

Status JournalFiles::write(std::size_t file, std::uint64_t position, BytesView blocks) {
  return opened_[file]->write_at(position, blocks).and_then([&] { return opened_[file]->sync(); });
}

}  // namespace millrace::log

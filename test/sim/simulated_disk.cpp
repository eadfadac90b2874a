#include "test/sim/simulated_disk.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "test/sim/simulated_files.h"

namespace millrace::sim {
namespace {

constexpr std::uint64_t endless = UINT64_MAX / 2;

std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts;
  for (std::size_t from = 0; from < path.size();) {
    auto end = path.find('/', from);
    if (end == std::string::npos) end = path.size();
    if (end > from) parts.push_back(path.substr(from, end - from));
    from = end + 1;
  }
  return parts;
}

struct Fingerprint {
  std::uint64_t value = 14695981039346656037ULL;
  void add(BytesView bytes) {
    for (auto byte : bytes) value = (value ^ byte) * 1099511628211ULL;
  }
};

}  // namespace

std::string_view to_string(DiskCall call) {
  static constexpr std::array<std::string_view, 15> names{
      "create", "write",          "truncate", "preallocate", "set the time of",
      "sync",   "make directory", "rename",   "remove",      "sync directory",
      "open",   "look at",        "read",     "list",        "lock"};
  return names[static_cast<std::size_t>(call)];
}

SimulatedDisk::SimulatedDisk(Random& random, const Clock& clock) : random_(random), clock_(clock) {
  volumes_.push_back({"", 0, endless});
  add_inode(true, 0);
}

SimulatedDisk::~SimulatedDisk() { end_processes(); }

void SimulatedDisk::add_volume(const std::string& path, std::uint64_t capacity_bytes) {
  InodeNumber directory = 0;
  for (const auto& part : parts_of(path)) {
    auto known = at(directory).names.find(part);
    if (known != at(directory).names.end()) {
      directory = known->second;
      continue;
    }
    const auto made = add_inode(true, 0);
    edit(directory).names[part] = edit(directory).durable_names[part] = made;
    directory = made;
  }
  edit(directory).volume = volumes_.size();
  volumes_.push_back({path, directory, capacity_bytes});
}

std::size_t SimulatedDisk::volume_of(const std::string& path) const {
  std::size_t found = 0;
  for (std::size_t number = 1; number < volumes_.size(); ++number) {
    const auto& root = volumes_[number].path;
    if (path.starts_with(root) && (path.size() == root.size() || path[root.size()] == '/') &&
        root.size() > volumes_[found].path.size())
      found = number;
  }
  return found;
}

std::uint64_t SimulatedDisk::used_bytes(const std::string& path) const {
  return volumes_[volume_of(path)].used_pages * DiskPages::page_bytes;
}

std::unique_ptr<SimulatedFiles> SimulatedDisk::start_process() { return std::make_unique<SimulatedFiles>(*this); }

void SimulatedDisk::end_processes() {
  while (!processes_.empty()) (*processes_.begin())->end();
}

std::unique_ptr<SimulatedDisk> SimulatedDisk::fork(Random& random, const Clock& clock) const {
  auto copy = std::make_unique<SimulatedDisk>(random, clock);
  copy->inodes_ = inodes_;
  copy->volumes_ = volumes_;
  copy->changes_ = changes_;
  copy->name_changes_ = name_changes_;
  copy->lost_pages_ = lost_pages_;
  for (const auto& [number, count] : handles_) copy->count_space(number);
  return copy;
}

void SimulatedDisk::lose_power(const PowerLoss& loss) {
  end_processes();
  lost_pages_ = false;
  for (InodeNumber number = 0; number < inodes_.size(); ++number) {
    if (inodes_[number] == nullptr) continue;
    const auto& inode = at(number);
    if (inode.is_directory && !inode.unsynced_names.empty()) lose_names(edit(number), loss, random_);
    if (inode.is_directory) continue;
    if (!inode.unsynced.empty() || inode.dropped || inode.modified != inode.durable_modified)
      lose_changes(edit(number), loss, random_);
  }
  forget_unreachable();
}

void SimulatedDisk::forget_unreachable() {
  std::vector<std::uint32_t> links(inodes_.size());
  std::vector<InodeNumber> found;
  links[0] = 1;
  found.push_back(0);
  for (std::size_t next = 0; next < found.size(); ++next) {
    for (const auto& [name, number] : at(found[next]).names) {
      if (links[number]++ == 0) found.push_back(number);
    }
  }
  for (InodeNumber number = 0; number < inodes_.size(); ++number) {
    if (inodes_[number] == nullptr) continue;
    if (links[number] != at(number).links && number != 0) {
      edit(number).links = links[number];
      count_space(number);
    }
    if (links[number] == 0) {
      volumes_[at(number).volume].used_pages -= at(number).used_pages;
      inodes_[number] = nullptr;
    } else if (!at(number).is_directory) {
      count_space(number);
    }
  }
}

Status SimulatedDisk::begin(DiskCall call, const std::string& path) {
  if (is_change(call)) ++changes_;
  if (on_call) on_call({call, path});
  for (auto& [fault, seen, failed] : faults_) {
    if (!fault.calls.empty() && !fault.calls.contains(call)) continue;
    if (fault.matches && !fault.matches(path)) continue;
    if (seen++ < fault.after || failed >= fault.times) continue;
    ++failed;
    ++failed_calls_;
    return millrace::fail(fault.kind, "cannot " + std::string(to_string(call)) + " " + path + ": simulated");
  }
  return {};
}

std::size_t SimulatedDisk::cached_bytes(std::uint64_t position, std::size_t wanted) {
  constexpr std::uint64_t one_miss_in = 8;
  if (random_.below(one_miss_in) != 0) {
    ++cached_reads_;
    return wanted;
  }
  ++uncached_reads_;
  const auto to_next_page = static_cast<std::size_t>(DiskPages::page_bytes - position % DiskPages::page_bytes);
  return random_.below(2) == 0 ? 0 : std::min(wanted, to_next_page);
}

Inode& SimulatedDisk::edit(InodeNumber number) {
  auto& inode = inodes_[number];
  if (inode.use_count() > 1) inode = std::make_shared<Inode>(*inode);
  return *inode;
}

InodeNumber SimulatedDisk::add_inode(bool is_directory, std::size_t volume) {
  auto inode = std::make_shared<Inode>();
  inode->is_directory = is_directory;
  inode->volume = volume;
  inode->modified = inode->durable_modified = clock_.wall_clock();
  inodes_.push_back(std::move(inode));
  return static_cast<InodeNumber>(inodes_.size() - 1);
}

Result<SimulatedDisk::Place> SimulatedDisk::find(const std::string& path) const {
  Place place{0, "", 0};
  for (auto& part : parts_of(path)) {
    if (!place.inode || !at(*place.inode).is_directory)
      return millrace::fail(ErrorKind::not_found, path + ": its directory is not there");
    place.directory = *place.inode;
    place.name = std::move(part);
    const auto& names = at(place.directory).names;
    auto known = names.find(place.name);
    place.inode = known == names.end() ? std::nullopt : std::optional(known->second);
  }
  return place;
}

Result<InodeNumber> SimulatedDisk::find_existing(const std::string& path) const {
  auto place = find(path);
  if (!place) return tl::unexpected(place.error());
  if (!place->inode) return millrace::fail(ErrorKind::not_found, path + " is not there");
  return *place->inode;
}

void SimulatedDisk::change_name(InodeNumber directory, NameChange change) {
  auto& changed = edit(directory);
  auto known = changed.names.find(change.name);
  const auto replaced = known == changed.names.end() ? std::nullopt : std::optional(known->second);
  change.sequence = ++name_changes_;
  change.apply(changed.names);
  if (change.inode && change.from.empty()) linked(*change.inode, true);
  changed.unsynced_names.push_back(std::move(change));
  if (replaced) linked(*replaced, false);
}

void SimulatedDisk::linked(InodeNumber number, bool more) {
  edit(number).links += more ? 1U : -1U;
  count_space(number);
}

void SimulatedDisk::opened(InodeNumber number, bool more) {
  auto& handles = handles_[number];
  handles += more ? 1U : -1U;
  if (handles > 0) return;
  handles_.erase(number);
  count_space(number);
}

std::uint64_t SimulatedDisk::free_pages(InodeNumber number) const {
  const auto& volume = volumes_[at(number).volume];
  const auto capacity = volume.capacity_bytes / DiskPages::page_bytes;
  return capacity - std::min(capacity, volume.used_pages);
}

std::uint64_t SimulatedDisk::fitting(InodeNumber number, std::uint64_t position, std::uint64_t length_bytes) const {
  const auto& inode = at(number);
  auto left = free_pages(number);
  const auto end = position + length_bytes;
  for (auto page = position / DiskPages::page_bytes; page * DiskPages::page_bytes < end; ++page) {
    if (page < inode.preallocated_pages || inode.cached.has_page(page)) continue;
    if (left-- == 0) return std::max(position, page * DiskPages::page_bytes) - position;
  }
  return length_bytes;
}

void SimulatedDisk::count_space(InodeNumber number) {
  const auto& inode = at(number);
  std::uint64_t used = 0;
  if (!inode.is_directory && (inode.links > 0 || handles_.contains(number)))
    used = inode.preallocated_pages + inode.cached.pages_in(inode.preallocated_pages, UINT64_MAX);
  if (used == inode.used_pages) return;
  volumes_[inode.volume].used_pages += used - inode.used_pages;
  edit(number).used_pages = used;
}

bool SimulatedDisk::flip_bit(const std::string& path, std::uint64_t position, unsigned bit) {
  auto number = find_existing(path);
  if (!number || at(*number).is_directory || position >= at(*number).cached.size()) return false;
  auto& inode = edit(*number);
  inode.cached.flip_bit(position, bit);
  if (position < inode.durable.size()) inode.durable.flip_bit(position, bit);
  return true;
}

std::vector<std::string> SimulatedDisk::files_below(const std::string& directory) const {
  std::vector<std::string> found;
  auto root = find_existing(directory);
  if (!root) return found;
  std::vector<std::pair<std::string, InodeNumber>> next{{directory, *root}};
  while (!next.empty()) {
    auto [path, number] = std::move(next.back());
    next.pop_back();
    if (!at(number).is_directory)
      found.push_back(std::move(path));
    else
      for (const auto& [name, inode] : at(number).names) next.emplace_back(path + "/" + name, inode);
  }
  std::ranges::sort(found);
  return found;
}

std::uint64_t SimulatedDisk::fingerprint() const {
  Fingerprint all;
  for (const auto& path : files_below("")) {
    all.add(as_bytes(path));
    const auto& pages = at(*find_existing(path)).cached;
    std::vector<std::uint8_t> bytes(pages.size());
    (void)pages.read(0, bytes);
    all.add(bytes);
  }
  return all.value;
}

}  // namespace millrace::sim

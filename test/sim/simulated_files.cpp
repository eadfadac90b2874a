#include "test/sim/simulated_files.h"

#include <algorithm>
#include <utility>

namespace millrace::sim {

class SimulatedFile final : public File {
 public:
  SimulatedFile(std::shared_ptr<SimulatedDisk*> disk, std::string path, InodeNumber inode)
      : disk_(std::move(disk)), path_(std::move(path)), inode_(inode) {
    (*disk_)->opened(inode_, true);
  }
  ~SimulatedFile() override {
    if (*disk_ != nullptr) (*disk_)->opened(inode_, false);
  }

  [[nodiscard]] const std::string& path() const override { return path_; }
  [[nodiscard]] int descriptor() const override { return -1; }
  [[nodiscard]] Result<FileStatus> status() const override {
    return begin(DiskCall::status).map([&] { return FileStatus{inode().cached.size(), inode().modified}; });
  }
  Result<std::size_t> read_at(std::uint64_t position, MutableBytes into) const override {
    return begin(DiskCall::read).map([&] { return inode().cached.read(position, into); });
  }
  // Takes no time and does not fail, as what it reads needs no disk.
  std::size_t read_at_if_cached(std::uint64_t position, MutableBytes into) const override {
    if (*disk_ == nullptr) return 0;
    const auto cached = disk().cached_bytes(position, into.size());
    return inode().cached.read(position, into.first(cached));
  }
  Status write_at(std::uint64_t position, BytesView bytes) override {
    if (bytes.empty()) return {};
    if (auto begun = begin(DiskCall::write); !begun) {
      // Of what fails in the middle some is there.
      if (*disk_ != nullptr) put(position, bytes.first(disk().random_.below(bytes.size())));
      return begun;
    }
    const auto fitting = disk().fitting(inode_, position, bytes.size());
    put(position, bytes.first(fitting));
    if (fitting < bytes.size()) return no_space();
    return {};
  }
  Status write_at(std::uint64_t position, const std::vector<BytesView>& pieces) override {
    std::vector<std::uint8_t> all;
    for (auto piece : pieces) all.insert(all.end(), piece.begin(), piece.end());
    return write_at(position, all);
  }
  Status truncate(std::uint64_t size_bytes) override {
    return begin(DiskCall::truncate).map([&] { change({true, size_bytes, nullptr}); });
  }
  Status preallocate(std::uint64_t size_bytes) override {
    if (auto begun = begin(DiskCall::preallocate); !begun) return begun;
    const auto pages = (size_bytes + DiskPages::page_bytes - 1) / DiskPages::page_bytes;
    const auto known = inode().preallocated_pages;
    if (pages <= known) return {};
    if (pages - known - inode().cached.pages_in(known, pages) > disk().free_pages(inode_)) return no_space();
    disk().edit(inode_).preallocated_pages = pages;
    disk().count_space(inode_);
    return {};
  }
  Status set_modified(TimestampMs time) override {
    return begin(DiskCall::set_modified).map([&] { disk().edit(inode_).modified = time; });
  }
  Status sync() override {
    auto begun = begin(DiskCall::sync);
    if (*disk_ == nullptr) return begun;
    auto& inode = disk().edit(inode_);
    if (!begun) {
      disk().lost_pages_ = true;
      inode.dropped |= !inode.unsynced.empty();
      inode.unsynced.clear();
      return begun;
    }
    if (inode.dropped) {
      for (const auto& made : inode.unsynced) made.apply(inode.durable);
    } else {
      inode.durable = inode.cached;
    }
    inode.unsynced.clear();
    inode.durable_modified = inode.modified;
    return {};
  }

 private:
  [[nodiscard]] SimulatedDisk& disk() const { return **disk_; }
  [[nodiscard]] const Inode& inode() const { return disk().at(inode_); }
  [[nodiscard]] Status begin(DiskCall call) const {
    if (*disk_ == nullptr) return fail(ErrorKind::io, path_ + ": its process has ended");
    auto begun = disk().begin(call, path_);
    if (*disk_ == nullptr) return fail(ErrorKind::io, path_ + ": its process has ended");
    return begun;
  }
  [[nodiscard]] Status no_space() const {
    return fail(ErrorKind::no_space, "cannot write " + path_ + ": no space, simulated");
  }
  void put(std::uint64_t position, BytesView bytes) {
    if (bytes.empty()) return;
    change({false, position, std::make_shared<const std::vector<std::uint8_t>>(bytes.begin(), bytes.end())});
  }
  void change(FileChange made) {
    auto& inode = disk().edit(inode_);
    made.apply(inode.cached);
    if (made.resizes) {
      const auto pages = (made.position + DiskPages::page_bytes - 1) / DiskPages::page_bytes;
      inode.preallocated_pages = std::min(inode.preallocated_pages, pages);
    }
    inode.modified = disk().clock_.wall_clock();
    inode.unsynced.push_back(std::move(made));
    disk().count_space(inode_);
  }

  const std::shared_ptr<SimulatedDisk*> disk_;
  const std::string path_;
  const InodeNumber inode_;
};

SimulatedFiles::SimulatedFiles(SimulatedDisk& disk) : disk_(std::make_shared<SimulatedDisk*>(&disk)) {
  disk.processes_.insert(this);
}

SimulatedFiles::~SimulatedFiles() { end(); }

void SimulatedFiles::end() {
  if (*disk_ == nullptr) return;
  auto& disk = **disk_;
  disk.processes_.erase(this);
  std::erase_if(disk.locks_, [&](const auto& lock) { return lock.second == this; });
  if (disk.processes_.empty()) {
    for (const auto handles = std::exchange(disk.handles_, {}); const auto& [number, count] : handles)
      disk.count_space(number);
  }
  *disk_ = nullptr;
}

Status SimulatedFiles::begin(DiskCall call, const std::string& path) {
  if (*disk_ != nullptr) {
    auto begun = (*disk_)->begin(call, path);
    if (*disk_ != nullptr) return begun;
  }
  return fail(ErrorKind::io, path + ": its process has ended");
}

Result<std::shared_ptr<File>> SimulatedFiles::open(const std::string& path, OpenMode mode) {
  if (auto begun = begin(DiskCall::open, path); !begun) return tl::unexpected(begun.error());
  auto place = (*disk_)->find(path);
  if (!place) return tl::unexpected(place.error());
  if (!place->inode) {
    if (mode == OpenMode::read_only || mode == OpenMode::read_write || mode == OpenMode::direct_read_write)
      return fail(ErrorKind::not_found, path + " is not there");
    if (auto begun = begin(DiskCall::create, path); !begun) return tl::unexpected(begun.error());
    place->inode = (*disk_)->add_inode(false, (*disk_)->at(place->directory).volume);
    (*disk_)->change_name(place->directory, {0, place->name, place->inode, ""});
  } else if (mode == OpenMode::create_new) {
    return fail(ErrorKind::already_exists, path + " exists");
  } else if ((*disk_)->at(*place->inode).is_directory) {
    return fail(ErrorKind::io, path + " is a directory");
  }
  return std::shared_ptr<File>(std::make_shared<SimulatedFile>(disk_, path, *place->inode));
}

Result<std::vector<FileSystem::Entry>> SimulatedFiles::list(const std::string& directory) {
  if (auto begun = begin(DiskCall::list, directory); !begun) return tl::unexpected(begun.error());
  return (*disk_)->find_existing(directory).map([&](InodeNumber number) {
    std::vector<Entry> entries;
    for (const auto& [name, inode] : (*disk_)->at(number).names)
      entries.push_back({name, (*disk_)->at(inode).is_directory});
    return entries;
  });
}

Result<bool> SimulatedFiles::exists(const std::string& path) {
  return begin(DiskCall::status, path).map([&] { return (*disk_)->find_existing(path).has_value(); });
}

Status SimulatedFiles::create_directories(const std::string& path) {
  for (std::size_t end = 0; end < path.size();) {
    end = std::min(path.find('/', end + 1), path.size());
    const auto part = path.substr(0, end);
    if (*disk_ != nullptr && (*disk_)->find_existing(part)) continue;
    if (auto begun = begin(DiskCall::make_directory, part); !begun) return begun;
    auto place = (*disk_)->find(part);
    if (!place) return tl::unexpected(place.error());
    const auto made = (*disk_)->add_inode(true, (*disk_)->at(place->directory).volume);
    (*disk_)->change_name(place->directory, {0, place->name, made, ""});
  }
  return {};
}

Status SimulatedFiles::rename(const std::string& from, const std::string& to) {
  if (auto begun = begin(DiskCall::rename, from); !begun) return begun;
  auto& disk = **disk_;
  auto source = disk.find(from);
  auto target = disk.find(to);
  if (!source) return tl::unexpected(source.error());
  if (!target) return tl::unexpected(target.error());
  if (!source->inode) return fail(ErrorKind::not_found, from + " is not there");
  const auto moved = *source->inode;
  if (disk.at(source->directory).volume != disk.at(target->directory).volume)
    return fail(ErrorKind::io, "cannot rename " + from + " to " + to + ": they are on different volumes");
  if (target->inode == moved) return {};
  if (target->inode && disk.at(*target->inode).is_directory && !disk.at(*target->inode).names.empty())
    return fail(ErrorKind::already_exists, to + " is a directory that is not empty");
  if (source->directory == target->directory) {
    disk.change_name(source->directory, {0, target->name, moved, source->name});
  } else {
    disk.change_name(target->directory, {0, target->name, moved, ""});
    disk.change_name(source->directory, {0, source->name, std::nullopt, ""});
  }
  return {};
}

Status SimulatedFiles::remove(const std::string& path) {
  if (auto begun = begin(DiskCall::remove, path); !begun) return begun;
  auto& disk = **disk_;
  auto place = disk.find(path);
  if (!place) return tl::unexpected(place.error());
  if (!place->inode) return fail(ErrorKind::not_found, path + " is not there");
  if (!disk.at(*place->inode).names.empty()) return fail(ErrorKind::already_exists, path + " is not empty");
  disk.change_name(place->directory, {0, place->name, std::nullopt, ""});
  return {};
}

Status SimulatedFiles::remove_all(const std::string& path) {
  if (*disk_ == nullptr) return begin(DiskCall::remove, path);
  auto number = (*disk_)->find_existing(path);
  if (!number) return {};
  for (const auto names = (*disk_)->at(*number).names; const auto& [name, inode] : names) {
    if (auto removed = remove_all(path + "/" + name); !removed) return removed;
  }
  return remove(path);
}

Status SimulatedFiles::sync_directory(const std::string& directory) {
  auto begun = begin(DiskCall::sync_directory, directory);
  if (*disk_ == nullptr) return begun;
  auto number = (*disk_)->find_existing(directory);
  if (!number) return tl::unexpected(number.error());
  if (!begun) return begun;
  auto& inode = (*disk_)->edit(*number);
  for (const auto& change : inode.unsynced_names) change.apply(inode.durable_names);
  inode.unsynced_names.clear();
  return {};
}

Result<Space> SimulatedFiles::space(const std::string& directory) {
  if (auto begun = begin(DiskCall::status, directory); !begun) return tl::unexpected(begun.error());
  auto number = (*disk_)->find_existing(directory);
  if (!number) return tl::unexpected(number.error());
  return Space{(*disk_)->volumes_[(*disk_)->at(*number).volume].capacity_bytes,
               (*disk_)->free_pages(*number) * DiskPages::page_bytes};
}

Result<std::string> SimulatedFiles::read_text(const std::string& path, std::uint64_t limit_bytes) {
  auto file = open(path, OpenMode::read_only);
  if (!file) return tl::unexpected(file.error());
  auto size = (*file)->size_bytes();
  if (!size) return tl::unexpected(size.error());
  if (*size > limit_bytes) return fail(ErrorKind::resource_exhausted, path + " is too large");
  std::string text(*size, '\0');
  auto count = (*file)->read_at(0, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  if (!count) return tl::unexpected(count.error());
  return text;
}

Result<std::shared_ptr<void>> SimulatedFiles::lock(const std::string& path) {
  if (auto begun = begin(DiskCall::lock, path); !begun) return tl::unexpected(begun.error());
  if (auto file = open(path, OpenMode::read_write_or_create); !file) return tl::unexpected(file.error());
  if (!(*disk_)->locks_.emplace(path, this).second)
    return fail(ErrorKind::conflict, path + " is locked by another process");
  return std::shared_ptr<void>(nullptr, [disk = disk_, path](void*) {
    if (*disk != nullptr) (*disk)->locks_.erase(path);
  });
}

}  // namespace millrace::sim

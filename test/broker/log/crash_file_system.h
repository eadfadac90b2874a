// A disk in memory that forgets what was not synced: files keep the writes and truncations since their last sync,
// directories the creations, renames and removals since theirs. A crash keeps a random part of them and all handles go
// dead:
//
//   of a file        the first so many changes; of the writes behind the last truncation among them any may be missing
//                    (zeros, where the file was extended), and the last may be torn at any byte
//   of a directory   the first so many changes
//
// Faults: a crash before the n-th change from now on, writes that find no space (what fits is written), writes and
// syncs that fail. One thread.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/file.h"
#include "broker/base/random.h"

namespace millrace::log::test {

class CrashFileSystem final : public FileSystem {
 public:
  explicit CrashFileSystem(Random& random) : random_(random) {}

  std::optional<std::uint64_t> crash_after;  // changes; counts down
  std::uint64_t free_bytes = 1 << 30;
  bool fail_writes = false;
  bool fail_syncs = false;

  [[nodiscard]] bool crashed() const { return crashed_; }
  // A sync has failed since the machine's start: what can be read is not what will be on the disk, and nobody can see
  // that.
  [[nodiscard]] bool lost_pages() const { return lost_pages_; }

  // The power goes: until restart every call fails.
  void crash() { crashed_ = true; }
  // The machine is back with what the disk has.
  void restart() {
    crashed_ = lost_pages_ = false;
    crash_after.reset();
    fail_writes = fail_syncs = false;
    free_bytes = 1 << 30;
    ++generation_;
    locks_.clear();
    // Parents first: what was renamed has its new name, or not, before anything in it.
    for (auto& [path, changes] : directory_changes_) {
      const auto kept = random_.below(changes.size() + 1);
      for (std::size_t at = 0; at < kept; ++at) changes[at].apply(durable_, durable_directories_);
    }
    directory_changes_.clear();
    std::set<Node*> seen;
    for (auto& [path, node] : durable_) {
      if (seen.insert(node.get()).second) keep_part(*node);
    }
    names_ = durable_;
    directories_ = durable_directories_;
  }

  Result<std::shared_ptr<File>> open(const std::string& path, OpenMode mode) override {
    if (auto up = alive(path); !up) return tl::unexpected(up.error());
    auto found = names_.find(path);
    if (found != names_.end()) {
      if (mode == OpenMode::create_new) return fail(ErrorKind::already_exists, path + " exists");
      return std::shared_ptr<File>(std::make_shared<Handle>(*this, path, found->second));
    }
    if (mode == OpenMode::read_only || mode == OpenMode::read_write || mode == OpenMode::direct_read_write)
      return fail(ErrorKind::not_found, path + " is not there");
    if (auto changed = change(path); !changed) return tl::unexpected(changed.error());
    auto node = std::make_shared<Node>();
    note(parent(path), {path, node, {}});
    return std::shared_ptr<File>(std::make_shared<Handle>(*this, path, node));
  }
  Result<std::vector<Entry>> list(const std::string& directory) override {
    if (auto up = alive(directory); !up) return tl::unexpected(up.error());
    std::map<std::string, bool> found;
    const auto prefix = directory + "/";
    for (const auto& [path, node] : names_) {
      if (!path.starts_with(prefix)) continue;
      auto rest = path.substr(prefix.size());
      auto slash = rest.find('/');
      found[rest.substr(0, slash)] |= slash != std::string::npos;
    }
    for (const auto& path : directories_) {
      if (parent(path) == directory) found[path.substr(prefix.size())] = true;
    }
    std::vector<Entry> entries;
    for (const auto& [name, is_directory] : found) entries.push_back({name, is_directory});
    return entries;
  }
  Result<bool> exists(const std::string& path) override {
    return alive(path).map([&] { return names_.contains(path) || directories_.contains(path); });
  }
  Status create_directories(const std::string& path) override {
    return alive(path).map([&] {  // kept at once: logs are made rarely
      directories_.insert(path);
      durable_directories_.insert(path);
    });
  }
  Status rename(const std::string& from, const std::string& to) override {
    if (auto changed = change(from); !changed) return changed;
    if (directories_.contains(from)) {
      if (directories_.contains(to)) return fail(ErrorKind::already_exists, to + " is there");
      rename_directory(from, to);
      return {};
    }
    auto found = names_.find(from);
    if (found == names_.end()) return fail(ErrorKind::not_found, from + " is not there");
    note(parent(to), {to, found->second, from});
    return {};
  }
  Status remove(const std::string& path) override {
    if (auto up = alive(path); !up) return up;
    if (!names_.contains(path)) return fail(ErrorKind::not_found, path + " is not there");
    if (auto changed = change(path); !changed) return changed;
    note(parent(path), {path, nullptr, {}});
    return {};
  }
  Status remove_all(const std::string& path) override {
    if (auto changed = change(path); !changed) return changed;
    std::erase_if(directory_changes_, [&](const auto& changes) { return is_within(changes.first, path); });
    note(parent(path), {path, nullptr, {}, true});
    return {};
  }
  Status sync_directory(const std::string& directory) override {
    if (auto changed = change(directory); !changed) return changed;
    for (auto& made : directory_changes_[directory]) made.apply(durable_, durable_directories_);
    directory_changes_.erase(directory);
    return {};
  }
  Result<Space> space(const std::string& directory) override {
    return alive(directory).map([&] { return Space{1 << 30, free_bytes}; });
  }
  Result<std::string> read_text(const std::string& path, std::uint64_t /*limit_bytes*/) override {
    if (auto up = alive(path); !up) return tl::unexpected(up.error());
    auto found = names_.find(path);
    if (found == names_.end()) return fail(ErrorKind::not_found, path + " is not there");
    return std::string(found->second->bytes.begin(), found->second->bytes.end());
  }
  Result<std::shared_ptr<void>> lock(const std::string& path) override {
    if (auto up = alive(path); !up) return tl::unexpected(up.error());
    if (!locks_.insert(path).second) return fail(ErrorKind::conflict, path + " is locked");
    return std::shared_ptr<void>(nullptr, [this, path, generation = generation_](void*) {
      if (generation == generation_) locks_.erase(path);
    });
  }

 private:
  using Bytes = std::vector<std::uint8_t>;

  struct Change {
    bool truncates = false;
    std::uint64_t position = 0;  // or the new size
    Bytes bytes;

    void apply(Bytes& to) const {
      if (truncates) {
        to.resize(position);
        return;
      }
      to.resize(std::max<std::size_t>(to.size(), position + bytes.size()));
      std::ranges::copy(bytes, to.begin() + static_cast<std::ptrdiff_t>(position));
    }
  };
  struct Node {
    Bytes bytes;
    Bytes durable;
    std::vector<Change> unsynced;
    TimestampMs modified{0};  // as it was last set: writes do not move it, and it is never lost
  };
  using Names = std::map<std::string, std::shared_ptr<Node>>;
  struct NameChange {
    std::string path;
    std::shared_ptr<Node> node;  // null: removed
    std::string from;            // renamed from there
    bool of_directory = false;   // with all that is in it

    void apply(Names& names, std::set<std::string>& directories) const {
      if (of_directory) return apply_to_tree(names, directories);
      if (!from.empty()) names.erase(from);
      if (node == nullptr) {
        names.erase(path);
      } else {
        names[path] = node;
      }
    }
    void apply_to_tree(Names& names, std::set<std::string>& directories) const {
      const auto& root = from.empty() ? path : from;
      Names moved;
      for (auto at = names.begin(); at != names.end();) {
        if (!is_within(at->first, root)) {
          ++at;
          continue;
        }
        if (!from.empty()) moved.emplace(path + at->first.substr(root.size()), at->second);
        at = names.erase(at);
      }
      names.merge(moved);
      directories.erase(root);
      if (!from.empty()) directories.insert(path);
    }
  };

  class Handle final : public File {
   public:
    Handle(CrashFileSystem& files, std::string path, std::shared_ptr<Node> node)
        : files_(files), path_(std::move(path)), node_(std::move(node)), generation_(files.generation_) {}

    [[nodiscard]] const std::string& path() const override { return path_; }
    [[nodiscard]] Result<FileStatus> status() const override {
      return alive().map([&] { return FileStatus{node_->bytes.size(), node_->modified}; });
    }
    Result<std::size_t> read_at(std::uint64_t position, MutableBytes into) const override {
      if (auto up = alive(); !up) return tl::unexpected(up.error());
      if (position >= node_->bytes.size()) return std::size_t{0};
      auto count = std::min<std::size_t>(into.size(), node_->bytes.size() - position);
      std::copy_n(node_->bytes.begin() + static_cast<std::ptrdiff_t>(position), count, into.begin());
      return count;
    }
    // In turns, so that nothing else depends on it.
    std::size_t read_at_if_cached(std::uint64_t position, MutableBytes into) const override {
      return ++files_.asked_for_cached_ % 5 == 0 ? 0 : read_at(position, into).value_or(0);
    }
    Status write_at(std::uint64_t position, BytesView bytes) override {
      if (auto changed = changing(); !changed) return changed;
      auto fitting = files_.fail_writes ? files_.random_.below(bytes.size() + 1)
                                        : std::min<std::uint64_t>(bytes.size(), files_.free_bytes);
      files_.free_bytes -= std::min(files_.free_bytes, fitting);
      note({false, position, Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(fitting))});
      if (files_.fail_writes) return fail(ErrorKind::io, "cannot write " + path_ + ": injected");
      if (fitting < bytes.size()) return fail(ErrorKind::no_space, "cannot write " + path_ + ": no space, injected");
      return {};
    }
    Status write_at(std::uint64_t position, const std::vector<BytesView>& pieces) override {
      for (auto piece : pieces) {
        if (auto written = write_at(position, piece); !written) return written;
        position += piece.size();
      }
      return {};
    }
    Status truncate(std::uint64_t size_bytes) override {
      return changing().map([&] { note({true, size_bytes, {}}); });
    }
    Status preallocate(std::uint64_t /*size_bytes*/) override { return alive(); }
    Status set_modified(TimestampMs time) override {
      return alive().map([&] { node_->modified = time; });
    }
    Status sync() override {
      if (auto changed = changing(); !changed) return changed;
      if (files_.fail_syncs) {
        // Linux: the pages stay readable, count as written, and no later sync tries them again.
        node_->unsynced.clear();
        files_.lost_pages_ = true;
        return fail(ErrorKind::io, "cannot sync " + path_ + ": injected");
      }
      for (const auto& change : node_->unsynced) change.apply(node_->durable);
      node_->unsynced.clear();
      return {};
    }
    [[nodiscard]] int descriptor() const override { return -1; }

   private:
    [[nodiscard]] Status alive() const {
      if (generation_ != files_.generation_) return fail(ErrorKind::io, path_ + ": opened before the crash");
      return files_.alive(path_);
    }
    Status changing() {
      return alive().and_then([&] { return files_.change(path_); });
    }
    void note(Change change) {
      change.apply(node_->bytes);
      node_->unsynced.push_back(std::move(change));
    }

    CrashFileSystem& files_;
    const std::string path_;
    const std::shared_ptr<Node> node_;
    const std::uint64_t generation_;
  };

  [[nodiscard]] Status alive(const std::string& path) const {
    if (crashed_) return fail(ErrorKind::io, path + ": the power is gone");
    return {};
  }
  Status change(const std::string& path) {
    if (crash_after && (*crash_after)-- == 0) crash();
    return alive(path);
  }
  void note(const std::string& directory, NameChange change) {
    change.apply(names_, directories_);
    directory_changes_[directory].push_back(std::move(change));
  }
  // What was changed in it and not synced goes along.
  void rename_directory(const std::string& from, const std::string& to) {
    if (auto pending = directory_changes_.extract(from); !pending.empty()) {
      for (auto& inner : pending.mapped()) {
        inner.path = to + inner.path.substr(from.size());
        if (!inner.from.empty()) inner.from = to + inner.from.substr(from.size());
      }
      pending.key() = to;
      directory_changes_.insert(std::move(pending));
    }
    note(parent(to), {to, nullptr, from, true});
  }
  static bool is_within(const std::string& path, const std::string& directory) {
    return path == directory || path.starts_with(directory + "/");
  }
  static std::string parent(const std::string& path) { return path.substr(0, path.rfind('/')); }

  void keep_part(Node& node) {
    auto kept = random_.below(node.unsynced.size() + 1);
    std::size_t may_miss = 0;
    for (std::size_t at = 0; at < kept; ++at) {
      if (node.unsynced[at].truncates) may_miss = at + 1;
    }
    for (std::size_t at = 0; at < kept; ++at) {
      auto& change = node.unsynced[at];
      const bool last = at + 1 == kept;
      if (!change.truncates && last && random_.below(2) == 0)
        change.bytes.resize(random_.below(change.bytes.size() + 1));
      if (!change.truncates && at >= may_miss && !last && random_.below(8) == 0) continue;
      change.apply(node.durable);
    }
    node.unsynced.clear();
    node.bytes = node.durable;
  }

  Random& random_;
  bool crashed_ = false;
  bool lost_pages_ = false;
  std::uint64_t generation_ = 0;
  std::uint64_t asked_for_cached_ = 0;
  Names names_;    // as running programs see them
  Names durable_;  // as the disk has them
  std::map<std::string, std::vector<NameChange>> directory_changes_;
  std::set<std::string> directories_;
  std::set<std::string> durable_directories_;
  std::set<std::string> locks_;
};

// Lives on disks of their own, the first of which is to end before the disk's first change, the next before its second,
// until one comes to its end: `life(files, change, crashed)` sets whether the power went. No more than `most`.
template <class Life>
void at_each_change(std::uint64_t most, Life life) {
  bool crashed = true;
  for (std::uint64_t change = 0; crashed && !testing::Test::HasFailure(); ++change) {
    ASSERT_LT(change, most);
    SCOPED_TRACE(change);
    SeededRandom random(change);
    CrashFileSystem files(random);
    life(files, change, crashed);
  }
}

}  // namespace millrace::log::test

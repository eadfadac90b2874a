#include "test/sim/power_loss.h"

#include <algorithm>
#include <array>

namespace millrace::sim {
namespace {

using Data = PowerLoss::Data;
using Names = PowerLoss::Names;

void keep_first(Inode& file, bool any_may_miss, Random& random) {
  const auto kept = random.below(file.unsynced.size() + 1);
  std::size_t may_miss = kept;
  if (any_may_miss) {
    may_miss = 0;
    for (std::size_t at = 0; at < kept; ++at) {
      if (file.unsynced[at].resizes) may_miss = at + 1;
    }
  }
  for (std::size_t at = 0; at < kept; ++at) {
    const auto& change = file.unsynced[at];
    const bool last = at + 1 == kept;
    if (!change.resizes && at >= may_miss && !last && random.below(8) == 0) continue;
    if (!change.resizes && last && random.below(2) == 0) {
      file.durable.write(change.position, BytesView(*change.bytes).first(random.below(change.bytes->size() + 1)));
    } else {
      change.apply(file.durable);
    }
  }
}

void keep_pages(Inode& file, std::uint64_t page_bytes, Random& random) {
  // As it was after each of the changes.
  std::vector<DiskPages> versions{file.durable};
  versions.reserve(file.unsynced.size() + 1);
  for (const auto& change : file.unsynced) {
    versions.push_back(versions.back());
    change.apply(versions.back());
  }
  auto left = file.durable;
  left.resize(versions[random.below(versions.size())].size());
  for (std::uint64_t at = 0; at < left.size(); at += page_bytes)
    left.take(versions[random.below(versions.size())], at, at + page_bytes);
  file.durable = std::move(left);
}

}  // namespace

PowerLoss PowerLoss::by_number(std::uint64_t number) {
  static constexpr std::array<PowerLoss, count> all{{
      {Data::lost, Names::lost, 4096},
      {Data::writes, Names::in_order, 4096},
      {Data::pages, Names::in_order, 4096},
      {Data::mixed, Names::in_order, 512},
      {Data::kept, Names::kept, 4096},
      {Data::in_order, Names::in_order, 4096},
      {Data::pages, Names::in_order, 512},
      {Data::lost, Names::kept, 4096},
      {Data::kept, Names::lost, 4096},
      {Data::lost, Names::in_order, 4096},
      {Data::pages, Names::kept, 64},
      {Data::mixed, Names::lost, 4096},
  }};
  return all[number % count];
}

std::string PowerLoss::to_string() const {
  static constexpr std::array data_names{"kept", "lost", "in order", "by writes", "by pages", "mixed"};
  static constexpr std::array names_names{"kept", "lost", "in order", "any"};
  return std::string("data ") + data_names[static_cast<std::size_t>(data)] + ", names " +
         names_names[static_cast<std::size_t>(names)] + ", pages of " + std::to_string(page_bytes);
}

void lose_changes(Inode& file, const PowerLoss& loss, Random& random) {
  auto data = loss.data;
  if (data == Data::mixed) data = static_cast<Data>(random.below(static_cast<std::uint64_t>(Data::mixed)));
  if (data == Data::kept || (data != Data::lost && random.below(2) == 0)) file.durable_modified = file.modified;
  switch (data) {
    case Data::kept:
      for (const auto& change : file.unsynced) change.apply(file.durable);
      break;
    case Data::in_order:
      keep_first(file, false, random);
      break;
    case Data::writes:
      keep_first(file, true, random);
      break;
    case Data::pages:
      if (!file.unsynced.empty()) keep_pages(file, loss.page_bytes, random);
      break;
    case Data::lost:
    case Data::mixed:
      break;
  }
  file.unsynced.clear();
  file.cached = file.durable;
  file.dropped = false;
  file.modified = file.durable_modified;
}

void lose_names(Inode& directory, const PowerLoss& loss, Random& random) {
  auto& changes = directory.unsynced_names;
  auto kept = changes.size();
  if (loss.names == Names::lost) kept = 0;
  if (loss.names == Names::in_order) kept = random.below(changes.size() + 1);
  for (std::size_t at = 0; at < kept; ++at) {
    if (loss.names == Names::any && random.below(2) == 0) continue;
    changes[at].apply(directory.durable_names);
  }
  changes.clear();
  directory.names = directory.durable_names;
}

}  // namespace millrace::sim

// What a shard may read of a segment's files: what is open already and in the page cache, and not too much of that. Searches take
// one in place of waiting for the disk: they fail with unavailable where the disk would have to be asked, or where so many reads
// were not enough; who gets any error asks a thread of the pool, which searches anew and says what is wrong. Used within one job.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "broker/base/file.h"
#include "broker/base/result.h"
#include "broker/log/file_cache.h"

namespace millrace::log {

class PageCacheReads {
 public:
  // Enough for a batch by an index of any size; no more than about 100 us.
  static constexpr std::size_t usual = 64;

  explicit PageCacheReads(std::size_t most = usual) : left_(most) {}

  Result<std::shared_ptr<File>> open(CachedFile& file);
  // At least `least` of into.size() bytes.
  Result<std::size_t> read_at(const File& file, std::uint64_t position, MutableBytes into, std::size_t least);

 private:
  std::size_t left_;
};

// The same for who waits for the disk, with `only` a nullptr: then fewer bytes come at the end of the file.
inline Result<std::shared_ptr<File>> open_for(PageCacheReads* only, CachedFile& file) {
  return only == nullptr ? file.open() : only->open(file);
}
inline Result<std::size_t> read_for(PageCacheReads* only, const File& file, std::uint64_t position, MutableBytes into,
                                    std::size_t least) {
  return only == nullptr ? file.read_at(position, into) : only->read_at(file, position, into, least);
}

}  // namespace millrace::log

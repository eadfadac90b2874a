#include "broker/log/page_cache_reads.h"

namespace millrace::log {

Result<std::shared_ptr<File>> PageCacheReads::open(CachedFile& file) {
  if (auto open = file.if_open()) return open;
  return fail(ErrorKind::unavailable, file.path() + " is not open");
}

Result<std::size_t> PageCacheReads::read_at(const File& file, std::uint64_t position, MutableBytes into,
                                            std::size_t least) {
  if (left_ == 0) return fail(ErrorKind::unavailable, file.path() + " takes too long to read on a shard");
  --left_;
  const auto count = file.read_at_if_cached(position, into);
  if (count >= least) return count;
  return fail(ErrorKind::unavailable, file.path() + " is not in the page cache");
}

}  // namespace millrace::log

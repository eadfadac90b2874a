// Whether a range of a file can be read without waiting for the disk: asked before sendfile, which would stall the whole shard
// on a cold page. cachestat(2) where the kernel has and permits it (6.5), else a probe of single bytes with
// preadv2(RWF_NOWAIT). A guess: pages may be reclaimed the moment after.
//
// Any thread; bring_in() blocks: on the pool.
#pragma once

#include <cstdint>

namespace millrace::network {

[[nodiscard]] bool is_resident(int file, std::uint64_t position, std::uint64_t bytes);

// Waits until the disk has brought the range into the page cache. Nothing is copied: the pages go to /dev/null by sendfile. What
// cannot be read shows itself when the range is sent.
void bring_in(int file, std::uint64_t position, std::uint64_t bytes);

}  // namespace millrace::network

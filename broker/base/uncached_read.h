// Reads of a file that leave the page cache as it is (File::read_at_uncached). With O_DIRECT where the file system has it: the
// bytes come from the disk. Elsewhere through the page cache: what was not in it before is dropped from it again, and nothing is
// read ahead. Blocks; any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "broker/base/bytes.h"

namespace millrace {

// Of positions, sizes and memory that need not be aligned; the same results.
using DirectRead = ssize_t (*)(int descriptor, std::uint64_t position, MutableBytes into);

// How many bytes are in `into`, fewer than it takes only at the end of the file; minus errno after a failure.
ssize_t read_uncached(int descriptor, std::uint64_t position, MutableBytes into);
// With another way to read with O_DIRECT. Whatever it fails with, but for EIO, is no failure of the file.
ssize_t read_uncached(int descriptor, std::uint64_t position, MutableBytes into, DirectRead read_direct);

}  // namespace millrace

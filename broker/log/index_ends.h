// Whether the indexes of a sealed segment, which a start after an unclean stop does not build anew, end where its
// records do.
//
//     records      |—————|—————|—————|—————| end: here the recovery point lies, and the next segment begins
//     offset index       ^     ^     ^       entries missing here, or left behind the end by a truncation: corrupt
//     time index         ^           ^     ^ the last one, which sealing adds, is made again when it is missing;
//                                            one that is true of no batch: corrupt
//
// A recovery point says that everything below it was synced. The segment that ends right there may have been sealed,
// truncated or given new indexes after that sync; those further below were synced once more with what follows them.
//
// Kafka looks at no more than whether the offset index is there (LogSegment.sanityCheck). Blocks; nobody else uses the
// segment.
#pragma once

#include <cstdint>
#include <string>

#include "broker/base/file.h"
#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/log/log_segment.h"

namespace millrace::log {

// Of a segment that is loaded, whose records end before `end`. A time index without its last entry gets it, and is synced.
// corrupt: the indexes must be built anew, or the log file goes on behind its last batch.
Status check_index_ends(FileSystem& files, const std::string& directory, LogSegment& segment, Offset end,
                        std::int32_t index_interval_bytes);

// Syncs the indexes of a segment, and the directory that they are in.
Status sync_indexes(FileSystem& files, const std::string& directory, LogSegment& segment);

}  // namespace millrace::log

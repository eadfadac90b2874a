// Records as clients from before record batches read them: messages of magic 0 or 1 (Kafka: RecordsUtil.downConvert,
// LazyDownConversionRecords; KIP-283). Headers of records and control batches have no place there and are left out.
//
// Of an uncompressed batch only the records from the asked offset on are given, each a message of its own; a compressed
// batch stays one message with its codec. A message that is of the wanted magic already, or of an older one, stays as it is, even
// one before the asked offset: logs from before 0.11 hold such. Pure; any thread.
#pragma once

#include <cstdint>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/protocol/conversion_bounds.h"

namespace millrace::protocol {

// What a fetch of `records` from `from` on gets: as many bytes as `records` has, or more where the first message that
// comes of them is larger. Messages may be cut at the end, and what is left over is the start of a message that is too
// large to be there: both are known to clients of the time. `records` may end with a part of a batch.
//
// Errors: unsupported when the first batch to convert is of zstd, which the old formats have not; corrupt; those of the
// bounds. A later batch that cannot be converted ends the answer before it, so that the client meets the error where it
// begins. `charge` starts empty and holds the answer's bytes afterwards.
Result<std::vector<std::uint8_t>> convert_down(BytesView records, std::int8_t to_magic, Offset from,
                                               ConversionCharge& charge);

}  // namespace millrace::protocol

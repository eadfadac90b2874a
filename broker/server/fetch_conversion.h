// Records for clients that read the formats before record batches: read and converted by the workers, because both
// may take their time (Kafka: KafkaApis.maybeConvertFetchedData).
#pragma once

#include <memory>
#include <vector>

#include "broker/base/file.h"
#include "broker/base/shard.h"
#include "broker/base/types.h"
#include "broker/protocol/conversion_bounds.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/records.h"

namespace millrace::server {

struct RecordsToConvert {
  FileSlice slice;
  Offset from;  // what the client asked for
  // What became of it, when all are done. Without records and without an error there was no memory for it now: the
  // client asks again.
  protocol::Records records{BytesView()};
  protocol::ErrorCode error = protocol::ErrorCode::none;
};

// Converts all of them one after another; `done` runs on `home`. The list outlives it. Converted records hold their
// part of the bounds until they are sent.
void convert_records(std::vector<RecordsToConvert>& all, std::int8_t to_magic, protocol::ConversionBoundsPointer bounds,
                     Shard& home, Job done);

}  // namespace millrace::server

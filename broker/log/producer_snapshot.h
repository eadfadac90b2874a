// A snapshot of a log's producers at an offset, in "<offset>.snapshot" beside the segment that starts there (Kafka:
// ProducerStateManager.readSnapshot, writeSnapshot). Version 1, big-endian:
//
//     int16   version (1)
//     uint32  CRC-32C of everything behind this field
//     int32   number of entries, then for each
//       int64 producer id, int16 epoch, int32 last sequence, int64 last offset, int32 offset delta, int64 timestamp,
//       int32 coordinator epoch, int64 first offset of the open transaction (-1: none)
//
// Only the newest batch of a producer is kept; last sequence and last offset are -1 without one. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/result.h"
#include "broker/log/producer_entry.h"

namespace millrace::log {

std::vector<std::uint8_t> encode_producer_snapshot(const std::vector<ProducerEntry>& entries);
// corrupt names what is wrong; `path` is for the message.
Result<std::vector<ProducerEntry>> decode_producer_snapshot(BytesView bytes, const std::string& path);

}  // namespace millrace::log

// The four codecs behind compression.h, one source file each. For compression.cpp only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/result.h"
#include "broker/protocol/compression.h"

namespace millrace::protocol {

// The bytes that a stream may still give.
class OutputBudget {
 public:
  OutputBudget(Codec codec, std::size_t input_bytes, const DecompressionLimits& limits)
      : codec_(codec), limit_bytes_(limits.limit_for(input_bytes)) {}

  Status charge(std::uint64_t output_bytes);
  [[nodiscard]] std::uint64_t left_bytes() const { return limit_bytes_ - used_bytes_; }

 private:
  Codec codec_;
  std::uint64_t limit_bytes_;
  std::uint64_t used_bytes_ = 0;
};

tl::unexpected<Error> corrupt_stream(Codec codec, const char* why);
tl::unexpected<Error> truncated_stream(Codec codec);

using DecompressorResult = Result<std::unique_ptr<Decompressor>>;
using CompressResult = Result<std::vector<std::uint8_t>>;

DecompressorResult open_gzip(BytesView compressed, const DecompressionLimits& limits);
DecompressorResult open_snappy(BytesView compressed, const DecompressionLimits& limits);
DecompressorResult open_lz4(BytesView compressed, const DecompressionLimits& limits, Framing framing);
DecompressorResult open_zstd(BytesView compressed, const DecompressionLimits& limits);

CompressResult compress_gzip(BytesView plain, std::optional<int> level);
CompressResult compress_snappy(BytesView plain);
CompressResult compress_lz4(BytesView plain, std::optional<int> level, Framing framing);
CompressResult compress_zstd(BytesView plain, std::optional<int> level);

}  // namespace millrace::protocol

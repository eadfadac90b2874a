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

// What a codec may hold of each thread's without asking.
inline constexpr std::uint64_t unpaid_codec_bytes = std::uint64_t{4} << 20;

// One stream's memory beyond that, given back when it dies.
class PaidMemory {
 public:
  explicit PaidMemory(CodecMemory* memory) : memory_(memory) {}
  PaidMemory(const PaidMemory&) = delete;
  PaidMemory& operator=(const PaidMemory&) = delete;
  ~PaidMemory() {
    if (paid_bytes_ > 0) memory_->give_back(paid_bytes_);
  }

  // The stream holds up to `bytes` from here on.
  Status grow_to(std::uint64_t bytes) {
    if (memory_ == nullptr || bytes <= unpaid_codec_bytes || bytes <= paid_bytes_) return {};
    if (auto taken = memory_->take(bytes - paid_bytes_); !taken) return taken;
    paid_bytes_ = bytes;
    return {};
  }

 private:
  CodecMemory* memory_;
  std::uint64_t paid_bytes_ = 0;
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

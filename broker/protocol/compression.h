// The codecs of record batches: gzip (zlib), snappy (xerial's framing as Java clients write it, and raw blocks as
// others do), lz4 (frame format) and zstd. Decompression is a stream with a bound, because a kilobyte from a stranger
// can be gigabytes. The contexts of the codecs are kept per thread. Any thread; one object belongs to one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/result.h"
#include "broker/protocol/record_batch.h"

namespace millrace::protocol {

// Whom a codec asks before it takes more memory for one stream than is kept for each thread anyway: for zstd's window, for a
// snappy block. Any thread.
class CodecMemory {
 public:
  // Errors: unavailable when others have it now, resource_exhausted when there is never so much.
  virtual Status take(std::uint64_t bytes) = 0;
  virtual void give_back(std::uint64_t bytes) = 0;

 protected:
  ~CodecMemory() = default;
};

struct DecompressionLimits {
  // One stream may give at most output_limit_bytes, and at most ratio_limit bytes per byte of input once it has given
  // always_allowed_bytes: small batches of repetitive records compress very well, and cost little.
  std::uint64_t output_limit_bytes = std::uint64_t{1} << 30;
  std::uint64_t ratio_limit = 2000;
  std::uint64_t always_allowed_bytes = std::uint64_t{16} << 20;
  // A codec's unit that is decoded as a whole: a snappy block, which is all of the stream where it has no framing.
  std::uint64_t block_limit_bytes = std::uint64_t{64} << 20;
  int zstd_window_log_limit = 27;  // that of Java's decoder: 128 MiB
  CodecMemory* memory = nullptr;   // outlives the streams; null: nobody is asked

  [[nodiscard]] std::uint64_t limit_for(std::size_t input_bytes) const;
};

// Java clients that write message format 0 put a wrong checksum into the header of lz4 frames, over the frame's magic
// too, and expect it there (KAFKA-3160). Every other codec and format is framed as its library does it.
enum class Framing : std::uint8_t { standard, magic_0 };

class Decompressor {
 public:
  Decompressor() = default;
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;
  virtual ~Decompressor() = default;

  // Up to into.size() further bytes (at least one); 0 at the end of the stream. Errors: corrupt; truncated when the
  // input ends first; resource_exhausted at the limits. After an error the stream stays where it is.
  virtual Result<std::size_t> read(MutableBytes into) = 0;
};

// `compressed` must outlive the stream. Codec::none gives the bytes as they are.
Result<std::unique_ptr<Decompressor>> open_decompressor(Codec codec, BytesView compressed,
                                                        const DecompressionLimits& limits = {},
                                                        Framing framing = Framing::standard);

// All that is left of the stream. `pay` is asked before so many further bytes are allocated; its error ends the reading.
using PayForBytes = std::function<Status(std::size_t more_bytes)>;
Result<std::vector<std::uint8_t>> read_whole(Decompressor& stream, const PayForBytes& pay);

// The whole output at once. Its memory is bounded by the limits only: for tests, tools and small batches.
Result<std::vector<std::uint8_t>> decompress(Codec codec, BytesView compressed, const DecompressionLimits& limits = {},
                                             Framing framing = Framing::standard);

// `level` as in compression.gzip.level (1 to 9, or -1), compression.lz4.level (1 to 17) and compression.zstd.level; the
// codec's default when absent. Another level is invalid_argument.
Result<std::vector<std::uint8_t>> compress(Codec codec, BytesView plain, std::optional<int> level = std::nullopt,
                                           Framing framing = Framing::standard);

}  // namespace millrace::protocol

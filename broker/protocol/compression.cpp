#include "broker/protocol/compression.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "broker/protocol/codecs.h"

namespace millrace::protocol {
namespace {

class PlainStream final : public Decompressor {
 public:
  explicit PlainStream(BytesView bytes) : bytes_(bytes) {}

  Result<std::size_t> read(MutableBytes into) override {
    const std::size_t count = std::min(into.size(), bytes_.size());
    if (count != 0) std::memcpy(into.data(), bytes_.data(), count);
    bytes_ = bytes_.subspan(count);
    return count;
  }

 private:
  BytesView bytes_;
};

}  // namespace

std::uint64_t DecompressionLimits::limit_for(std::size_t input_bytes) const {
  return std::min(output_limit_bytes, std::max(always_allowed_bytes, input_bytes * ratio_limit));
}

Status OutputBudget::charge(std::uint64_t output_bytes) {
  if (output_bytes > left_bytes()) {
    return fail(ErrorKind::resource_exhausted, "the " + std::string(to_string(codec_)) + " stream expands beyond " +
                                                   std::to_string(limit_bytes_) + " bytes");
  }
  used_bytes_ += output_bytes;
  return {};
}

tl::unexpected<Error> corrupt_stream(Codec codec, const char* why) {
  return fail(ErrorKind::corrupt, "the " + std::string(to_string(codec)) + " stream is corrupt: " + why);
}

tl::unexpected<Error> truncated_stream(Codec codec) {
  return fail(ErrorKind::truncated, "the " + std::string(to_string(codec)) + " stream ends too early");
}

Result<std::unique_ptr<Decompressor>> open_decompressor(Codec codec, BytesView compressed,
                                                        const DecompressionLimits& limits, Framing framing) {
  switch (codec) {
    case Codec::none:
      return std::make_unique<PlainStream>(compressed);
    case Codec::gzip:
      return open_gzip(compressed, limits);
    case Codec::snappy:
      return open_snappy(compressed, limits);
    case Codec::lz4:
      return open_lz4(compressed, limits, framing);
    case Codec::zstd:
      return open_zstd(compressed, limits);
  }
  return fail(ErrorKind::corrupt, "unknown codec " + std::to_string(static_cast<int>(codec)));
}

Result<std::vector<std::uint8_t>> read_whole(Decompressor& stream, const PayForBytes& pay) {
  constexpr std::size_t first_bytes = std::size_t{64} << 10;
  std::vector<std::uint8_t> plain;
  std::size_t used = 0;
  for (;;) {
    if (used == plain.size()) {
      const auto more = std::max(plain.size(), first_bytes);
      if (auto paid = pay(more); !paid) return tl::unexpected(paid.error());
      plain.resize(plain.size() + more);
    }
    auto count = stream.read(MutableBytes(plain).subspan(used));
    if (!count) return tl::unexpected(count.error());
    if (*count == 0) break;
    used += *count;
  }
  plain.resize(used);
  return plain;
}

Result<std::vector<std::uint8_t>> decompress(Codec codec, BytesView compressed, const DecompressionLimits& limits,
                                             Framing framing) {
  auto stream = open_decompressor(codec, compressed, limits, framing);
  if (!stream) return tl::unexpected(stream.error());
  return read_whole(**stream, [](std::size_t) { return Status{}; });
}

Result<std::vector<std::uint8_t>> compress(Codec codec, BytesView plain, std::optional<int> level, Framing framing) {
  switch (codec) {
    case Codec::none:
      return std::vector<std::uint8_t>(plain.begin(), plain.end());
    case Codec::gzip:
      return compress_gzip(plain, level);
    case Codec::snappy:
      return compress_snappy(plain);
    case Codec::lz4:
      return compress_lz4(plain, level, framing);
    case Codec::zstd:
      return compress_zstd(plain, level);
  }
  return fail(ErrorKind::invalid_argument, "unknown codec " + std::to_string(static_cast<int>(codec)));
}

}  // namespace millrace::protocol

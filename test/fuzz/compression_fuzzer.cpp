// The codecs. Any bytes as a compressed stream, read in pieces of any size: the same as when it is read at once, and
// never beyond the limits. Any bytes as plain ones: compressed at any level and read again in pieces they are the
// same.
//
// Input: codec, direction, level, a seed for the sizes of the pieces, the bytes.
#include <algorithm>
#include <vector>

#include "broker/protocol/compression.h"
#include "test/fuzz/fuzz_input.h"

namespace millrace::protocol {
namespace {

using fuzz::FuzzInput;
using fuzz::require;

constexpr DecompressionLimits limits{.output_limit_bytes = std::uint64_t{2} << 20,
                                     .ratio_limit = 500,
                                     .always_allowed_bytes = std::uint64_t{1} << 20,
                                     .zstd_window_log_limit = 22};
constexpr std::size_t piece_limit_bytes = std::size_t{40} << 10;

Result<std::vector<std::uint8_t>> read_in_pieces(Codec codec, BytesView compressed, std::uint32_t seed) {
  auto stream = open_decompressor(codec, compressed, limits);
  if (!stream) return tl::unexpected(stream.error());
  std::vector<std::uint8_t> plain;
  std::vector<std::uint8_t> piece(piece_limit_bytes);
  for (;;) {
    seed = seed * 1664525U + 1013904223U;
    const auto size = seed % 3 == 0 ? 1 + (seed >> 8) % 16 : 1 + (seed >> 8) % piece_limit_bytes;
    const auto count = (*stream)->read(MutableBytes(piece).first(size));
    if (!count) return tl::unexpected(count.error());
    require(*count <= size, "more was read than was asked for");
    if (*count == 0) return plain;
    plain.insert(plain.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(*count));
    require(codec == Codec::none || plain.size() <= limits.limit_for(compressed.size()), "the limit was exceeded");
  }
}

void check_stream(Codec codec, BytesView compressed, std::uint32_t seed) {
  const auto whole = decompress(codec, compressed, limits);
  const auto pieces = read_in_pieces(codec, compressed, seed);
  require(whole.has_value() == pieces.has_value(), "read in pieces it is another stream");
  if (whole) require(*whole == *pieces, "read in pieces it has other bytes");
}

void check_round_trip(Codec codec, BytesView plain, std::optional<int> level, std::uint32_t seed) {
  const auto compressed = compress(codec, plain, level);
  if (!compressed) {
    require(level.has_value() && compressed.error().kind == ErrorKind::invalid_argument, compressed.error().message);
    return;
  }
  const auto again = read_in_pieces(codec, *compressed, seed);
  // What compresses very well is refused like any other bomb.
  if (!again) return require(again.error().kind == ErrorKind::resource_exhausted, again.error().message);
  require(std::ranges::equal(*again, plain), "compressed and decompressed it is something else");
}

void run(BytesView bytes) {
  FuzzInput input(bytes);
  const auto codec = static_cast<Codec>(input.below(5));
  const auto mode = input.byte();
  const auto level = input.byte();
  const std::uint32_t seed = input.byte();
  if (mode % 4 != 0) return check_stream(codec, input.rest(), seed);
  // High levels of zstd and gzip take their time; one input in a while is enough for them.
  const auto chosen = level % 8 == 0 ? std::optional<int>() : std::optional<int>(static_cast<int>(level % 24) - 2);
  check_round_trip(codec, input.rest(), codec == Codec::zstd && chosen > 6 ? chosen.value() % 6 : chosen, seed);
}

}  // namespace
}  // namespace millrace::protocol

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  millrace::protocol::run({data, size});
  return 0;
}

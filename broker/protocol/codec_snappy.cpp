#include <snappy-c.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <utility>

#include "broker/protocol/codecs.h"

namespace millrace::protocol {
namespace {

// xerial's framing: a magic, two version numbers, then blocks of a four-byte length and a raw snappy block.
constexpr std::array<std::uint8_t, 8> xerial_magic{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0};
constexpr std::size_t xerial_header_bytes = 16;
constexpr std::size_t xerial_block_bytes = std::size_t{32} << 10;  // what snappy-java writes

// No element of a snappy block makes more than 64 bytes out of three: a length beyond that is a lie, found before it is
// believed.
constexpr std::uint64_t most_expansion = 22;

bool has_xerial_header(BytesView bytes) {
  return bytes.size() >= xerial_header_bytes && std::equal(xerial_magic.begin(), xerial_magic.end(), bytes.begin());
}

class SnappyStream final : public Decompressor {
 public:
  SnappyStream(BytesView compressed, const DecompressionLimits& limits)
      : compressed_(compressed),
        is_framed_(has_xerial_header(compressed)),
        block_limit_bytes_(limits.block_limit_bytes),
        budget_(Codec::snappy, compressed.size(), limits),
        memory_(limits.memory) {}

  Result<std::size_t> read(MutableBytes into) override {
    while (given_ == block_.size()) {
      if (compressed_.empty()) return 0;
      if (auto more = is_framed_ ? next_framed_block() : decode_block(std::exchange(compressed_, {})); !more) {
        return tl::unexpected(more.error());
      }
    }
    const std::size_t count = std::min(into.size(), block_.size() - given_);
    std::memcpy(into.data(), block_.data() + given_, count);
    given_ += count;
    return count;
  }

 private:
  Status next_framed_block() {
    if (has_xerial_header(compressed_)) {  // also in the middle: streams may be joined
      compressed_ = compressed_.subspan(xerial_header_bytes);
      return {};
    }
    if (compressed_.size() < 4) return truncated_stream(Codec::snappy);
    const auto size_bytes = load_big_endian<std::uint32_t>(compressed_.data());
    if (size_bytes > compressed_.size() - 4) return truncated_stream(Codec::snappy);
    const BytesView block = compressed_.subspan(4, size_bytes);
    compressed_ = compressed_.subspan(4 + size_bytes);
    return decode_block(block);
  }

  Status decode_block(BytesView block) {
    std::size_t plain_bytes = 0;
    const char* const from = as_text(block).data();
    if (snappy_uncompressed_length(from, block.size(), &plain_bytes) != SNAPPY_OK ||
        plain_bytes > block.size() * most_expansion) {
      return corrupt_stream(Codec::snappy, "a block's length is wrong");
    }
    if (plain_bytes > block_limit_bytes_) {
      return fail(ErrorKind::resource_exhausted,
                  "a snappy block expands beyond " + std::to_string(block_limit_bytes_) + " bytes");
    }
    if (auto charged = budget_.charge(plain_bytes); !charged) return charged;
    if (auto paid = memory_.grow_to(plain_bytes); !paid) return paid;
    block_.resize(plain_bytes);
    given_ = 0;
    if (snappy_uncompress(from, block.size(), reinterpret_cast<char*>(block_.data()), &plain_bytes) != SNAPPY_OK ||
        plain_bytes != block_.size()) {
      block_.clear();
      return corrupt_stream(Codec::snappy, "a block cannot be decoded");
    }
    return {};
  }

  BytesView compressed_;
  bool is_framed_;
  std::uint64_t block_limit_bytes_;
  OutputBudget budget_;
  PaidMemory memory_;
  std::vector<std::uint8_t> block_;
  std::size_t given_ = 0;  // of block_
};

}  // namespace

DecompressorResult open_snappy(BytesView compressed, const DecompressionLimits& limits) {
  return std::make_unique<SnappyStream>(compressed, limits);
}

CompressResult compress_snappy(BytesView plain) {
  std::vector<std::uint8_t> out(xerial_header_bytes);
  std::copy(xerial_magic.begin(), xerial_magic.end(), out.begin());
  store_big_endian<std::int32_t>(out.data() + 8, 1);
  store_big_endian<std::int32_t>(out.data() + 12, 1);
  while (!plain.empty()) {
    const BytesView block = plain.first(std::min(plain.size(), xerial_block_bytes));
    plain = plain.subspan(block.size());
    const std::size_t at = out.size();
    std::size_t size_bytes = snappy_max_compressed_length(block.size());
    out.resize(at + 4 + size_bytes);
    if (snappy_compress(reinterpret_cast<const char*>(block.data()), block.size(),
                        reinterpret_cast<char*>(out.data() + at + 4), &size_bytes) != SNAPPY_OK) {
      return fail(ErrorKind::resource_exhausted, "snappy did not finish");
    }
    store_big_endian(out.data() + at, static_cast<std::uint32_t>(size_bytes));
    out.resize(at + 4 + size_bytes);
  }
  return out;
}

}  // namespace millrace::protocol

#include <lz4frame.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <string>

#include "broker/protocol/codec_context.h"
#include "broker/protocol/codecs.h"

namespace millrace::protocol {
namespace {

// A frame begins with its magic, a byte of flags, the size of blocks, the content's size (8 bytes) and a dictionary's
// id (4) where flags say so, and one byte of the checksum of all that comes after the magic.
constexpr std::size_t frame_magic_bytes = 4;
constexpr std::size_t least_descriptor_bytes = 2;
constexpr std::uint8_t independent_blocks_flag = 0x20;
constexpr std::uint8_t content_size_flag = 0x08;
constexpr std::uint8_t dictionary_flag = 0x01;
constexpr std::size_t most_header_bytes = frame_magic_bytes + least_descriptor_bytes + 8 + 4 + 1;

// XXH32 with seed 0 of fewer than 16 bytes: liblz4 has it and keeps it to itself.
std::uint32_t xxh32_of_few(BytesView bytes) {
  constexpr std::uint32_t prime1 = 2654435761U;
  constexpr std::uint32_t prime2 = 2246822519U;
  constexpr std::uint32_t prime3 = 3266489917U;
  constexpr std::uint32_t prime4 = 668265263U;
  constexpr std::uint32_t prime5 = 374761393U;
  std::uint32_t hash = prime5 + static_cast<std::uint32_t>(bytes.size());
  for (; bytes.size() >= 4; bytes = bytes.subspan(4)) {
    std::uint32_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof word);  // little-endian, as the machine
    hash = std::rotl(hash + word * prime3, 17) * prime4;
  }
  for (const std::uint8_t byte : bytes) hash = std::rotl(hash + byte * prime5, 11) * prime1;
  hash = (hash ^ (hash >> 15)) * prime2;
  hash = (hash ^ (hash >> 13)) * prime3;
  return hash ^ (hash >> 16);
}

std::uint8_t header_checksum(BytesView bytes) { return static_cast<std::uint8_t>(xxh32_of_few(bytes) >> 8); }

std::size_t header_bytes(std::uint8_t flags) {
  return frame_magic_bytes + least_descriptor_bytes + ((flags & content_size_flag) != 0 ? 8U : 0U) +
         ((flags & dictionary_flag) != 0 ? 4U : 0U) + 1;
}

// Frames that liblz4 reads and Kafka's reader in Java does not: consumers could not go on behind them.
const char* unreadable_for_kafka(BytesView frame) {
  if (frame.size() <= frame_magic_bytes) return nullptr;
  const std::uint8_t flags = frame[frame_magic_bytes];
  if ((flags & independent_blocks_flag) == 0) return "blocks that depend on each other are not supported";
  if ((flags & dictionary_flag) != 0) return "dictionaries are not supported";
  return nullptr;
}

struct Lz4Deleter {
  void operator()(LZ4F_dctx* context) const { LZ4F_freeDecompressionContext(context); }
};
using Lz4Context = CodecContext<LZ4F_dctx, Lz4Deleter>;

class Lz4Stream final : public Decompressor {
 public:
  Lz4Stream(Lz4Context::Owner context, BytesView compressed, const DecompressionLimits& limits, Framing framing)
      : context_(std::move(context)), compressed_(compressed), budget_(Codec::lz4, compressed.size(), limits) {
    if (framing == Framing::magic_0) mend_header();
  }
  ~Lz4Stream() override {
    // The reset keeps what was left of the content's size that a frame said: behind a frame that was not read to its end,
    // sound ones that say none would be refused.
    if (!ended_) return;
    LZ4F_resetDecompressionContext(context_.get());
    Lz4Context::give_back(std::move(context_));
  }

  Result<std::size_t> read(MutableBytes into) override {
    while (!ended_) {
      BytesView& source = header_.empty() ? compressed_ : header_;
      std::size_t produced = into.size();
      std::size_t taken = source.size();
      const std::size_t hint = LZ4F_decompress(context_.get(), into.data(), &produced, source.data(), &taken, nullptr);
      if (LZ4F_isError(hint) != 0) return corrupt_stream(Codec::lz4, LZ4F_getErrorName(hint));
      source = source.subspan(taken);
      ended_ = hint == 0;
      if (produced != 0) {
        if (auto charged = budget_.charge(produced); !charged) return tl::unexpected(charged.error());
        return produced;
      }
      if (!ended_ && taken == 0) return truncated_stream(Codec::lz4);
    }
    return 0;
  }

 private:
  // The header's checksum, whatever it is, gives way to the right one.
  void mend_header() {
    if (compressed_.size() <= frame_magic_bytes) return;
    const std::size_t size_bytes = header_bytes(compressed_[frame_magic_bytes]);
    if (compressed_.size() < size_bytes) return;
    std::ranges::copy(compressed_.first(size_bytes), mended_.begin());
    header_ = BytesView(mended_).first(size_bytes);
    mended_[size_bytes - 1] = header_checksum(header_.subspan(frame_magic_bytes, size_bytes - frame_magic_bytes - 1));
    compressed_ = compressed_.subspan(size_bytes);
  }

  Lz4Context::Owner context_;
  std::array<std::uint8_t, most_header_bytes> mended_{};
  BytesView header_;  // of mended_, what has not been read
  BytesView compressed_;
  OutputBudget budget_;
  bool ended_ = false;
};

}  // namespace

DecompressorResult open_lz4(BytesView compressed, const DecompressionLimits& limits, Framing framing) {
  if (const char* why = unreadable_for_kafka(compressed)) return corrupt_stream(Codec::lz4, why);
  auto context = Lz4Context::take();
  if (!context) {
    LZ4F_dctx* made = nullptr;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&made, LZ4F_VERSION)) != 0)
      return fail(ErrorKind::resource_exhausted, "no memory for lz4");
    context.reset(made);
  }
  return std::make_unique<Lz4Stream>(std::move(context), compressed, limits, framing);
}

// Blocks of 64 KiB that do not depend on each other, without a content checksum: the one form that Kafka's own reader
// takes.
CompressResult compress_lz4(BytesView plain, std::optional<int> level, Framing framing) {
  if (level && (*level < 1 || *level > 17))
    return fail(ErrorKind::invalid_argument, "lz4 level " + std::to_string(*level) + "; 1 to 17 are allowed");
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;
  preferences.compressionLevel = level.value_or(0);
  std::vector<std::uint8_t> out(LZ4F_compressFrameBound(plain.size(), &preferences));
  const std::size_t size_bytes = LZ4F_compressFrame(out.data(), out.size(), plain.data(), plain.size(), &preferences);
  if (LZ4F_isError(size_bytes) != 0)
    return fail(ErrorKind::resource_exhausted, std::string("lz4: ") + LZ4F_getErrorName(size_bytes));
  out.resize(size_bytes);
  if (framing == Framing::magic_0) {
    const std::size_t last = frame_magic_bytes + least_descriptor_bytes;
    out[last] = header_checksum(BytesView(out).first(last));
  }
  return out;
}

}  // namespace millrace::protocol

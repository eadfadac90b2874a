#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <array>
#include <string>

#include "broker/protocol/codec_context.h"
#include "broker/protocol/codecs.h"

namespace millrace::protocol {
namespace {

// What the frame that begins here makes its reader keep (RFC 8878, section 3.1.1.1); 0 where no such frame begins.
std::uint64_t window_bytes(BytesView frame) {
  constexpr std::array<std::uint8_t, 4> magic{0x28, 0xB5, 0x2F, 0xFD};
  constexpr std::array<std::size_t, 4> dictionary_id_bytes{0, 1, 2, 4};
  if (frame.size() < 6 || !std::equal(magic.begin(), magic.end(), frame.begin())) return 0;
  const std::uint8_t descriptor = frame[4];
  const bool single_segment = (descriptor & 0x20) != 0;
  if (!single_segment) {
    const std::uint64_t base = std::uint64_t{1} << (10 + (frame[5] >> 3));
    return base + base / 8 * (frame[5] & 7);
  }
  const auto content_size = frame.subspan(5);
  const std::size_t skipped = dictionary_id_bytes[descriptor & 3];
  const std::size_t size_bytes = std::size_t{1} << (descriptor >> 6);
  if (content_size.size() < skipped + size_bytes) return 0;
  std::uint64_t size = 0;
  for (std::size_t at = size_bytes; at > 0; --at) size = size << 8 | content_size[skipped + at - 1];
  return size_bytes == 2 ? size + 256 : size;
}

struct ZstdDeleter {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};
using ZstdContext = CodecContext<ZSTD_DCtx, ZstdDeleter>;

class ZstdStream final : public Decompressor {
 public:
  ZstdStream(ZstdContext::Owner context, BytesView compressed, const DecompressionLimits& limits)
      : memory_(limits.memory),
        context_(std::move(context)),
        compressed_(compressed),
        window_limit_bytes_(std::uint64_t{1} << limits.zstd_window_log_limit),
        budget_(Codec::zstd, compressed.size(), limits) {}
  ~ZstdStream() override {
    // A context that a large window has made big is not kept.
    if (ZSTD_sizeof_DCtx(context_.get()) > unpaid_codec_bytes) return;
    ZSTD_DCtx_reset(context_.get(), ZSTD_reset_session_only);
    ZstdContext::give_back(std::move(context_));
  }

  Result<std::size_t> read(MutableBytes into) override {
    while (!compressed_.empty() || !frame_ended_) {
      if (frame_begins_) {
        const auto window = window_bytes(compressed_);
        // What is beyond the limit zstd refuses itself.
        if (window <= window_limit_bytes_) {
          if (auto paid = memory_.grow_to(window); !paid) return tl::unexpected(paid.error());
        }
      }
      ZSTD_inBuffer in{compressed_.data(), compressed_.size(), 0};
      ZSTD_outBuffer out{into.data(), into.size(), 0};
      const std::size_t hint = ZSTD_decompressStream(context_.get(), &out, &in);
      if (ZSTD_isError(hint) != 0) return failure(hint);
      compressed_ = compressed_.subspan(in.pos);
      frame_ended_ = frame_begins_ = hint == 0;  // another frame may follow
      if (out.pos != 0) {
        if (auto charged = budget_.charge(out.pos); !charged) return tl::unexpected(charged.error());
        return out.pos;
      }
      if (!frame_ended_ && in.pos == 0) return truncated_stream(Codec::zstd);
    }
    return 0;
  }

 private:
  static tl::unexpected<Error> failure(std::size_t code) {
    if (ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge ||
        ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation) {
      return fail(ErrorKind::resource_exhausted,
                  std::string("the zstd stream needs too much memory: ") + ZSTD_getErrorName(code));
    }
    return corrupt_stream(Codec::zstd, ZSTD_getErrorName(code));
  }

  PaidMemory memory_;  // dies after the context
  ZstdContext::Owner context_;
  BytesView compressed_;
  std::uint64_t window_limit_bytes_;
  OutputBudget budget_;
  bool frame_begins_ = true;
  bool frame_ended_ = false;
};

}  // namespace

DecompressorResult open_zstd(BytesView compressed, const DecompressionLimits& limits) {
  auto context = ZstdContext::take();
  if (!context) context.reset(ZSTD_createDCtx());
  if (!context ||
      ZSTD_isError(ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, limits.zstd_window_log_limit)) != 0) {
    return fail(ErrorKind::resource_exhausted,
                "no zstd context for a window of 2^" + std::to_string(limits.zstd_window_log_limit) + " bytes");
  }
  return std::make_unique<ZstdStream>(std::move(context), compressed, limits);
}

CompressResult compress_zstd(BytesView plain, std::optional<int> level) {
  const int chosen = level.value_or(ZSTD_defaultCLevel());
  if (chosen < ZSTD_minCLevel() || chosen > ZSTD_maxCLevel()) {
    return fail(ErrorKind::invalid_argument, "zstd level " + std::to_string(chosen) + "; " +
                                                 std::to_string(ZSTD_minCLevel()) + " to " +
                                                 std::to_string(ZSTD_maxCLevel()) + " are allowed");
  }
  std::vector<std::uint8_t> out(ZSTD_compressBound(plain.size()));
  const std::size_t size_bytes = ZSTD_compress(out.data(), out.size(), plain.data(), plain.size(), chosen);
  if (ZSTD_isError(size_bytes) != 0)
    return fail(ErrorKind::resource_exhausted, std::string("zstd: ") + ZSTD_getErrorName(size_bytes));
  out.resize(size_bytes);
  return out;
}

}  // namespace millrace::protocol

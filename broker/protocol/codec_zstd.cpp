#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "broker/protocol/codec_context.h"
#include "broker/protocol/codecs.h"

namespace millrace::protocol {
namespace {

// What a frame says at its begin (RFC 8878, section 3.1.1.1).
struct FrameHeader {
  std::uint64_t window_bytes = 0;                   // what its reader has to keep
  std::optional<std::uint64_t> content_bytes = {};  // what it gives, if it says so
};

// Of what begins with no such frame, or with a part of its header, nothing is known.
FrameHeader read_frame_header(BytesView frame) {
  constexpr std::array<std::uint8_t, 4> magic{0x28, 0xB5, 0x2F, 0xFD};
  constexpr std::array<std::size_t, 4> dictionary_id_bytes{0, 1, 2, 4};
  constexpr std::uint64_t two_byte_sizes_begin_at = 256;
  if (frame.size() < 6 || !std::equal(magic.begin(), magic.end(), frame.begin())) return {};
  const std::uint8_t descriptor = frame[4];
  const bool single_segment = (descriptor & 0x20) != 0;
  FrameHeader header;
  std::size_t at = 5;
  if (!single_segment) {
    const std::uint64_t base = std::uint64_t{1} << (10 + (frame[at] >> 3));
    header.window_bytes = base + base / 8 * (frame[at] & 7);
    ++at;
  }
  at += dictionary_id_bytes[descriptor & 3];
  const std::size_t size_bytes = descriptor >> 6 == 0 ? (single_segment ? 1 : 0) : std::size_t{1} << (descriptor >> 6);
  if (size_bytes == 0 || frame.size() < at + size_bytes) return header;
  std::uint64_t size = 0;
  for (std::size_t left = size_bytes; left > 0; --left) size = size << 8 | frame[at + left - 1];
  header.content_bytes = size_bytes == 2 ? size + two_byte_sizes_begin_at : size;
  if (single_segment) header.window_bytes = *header.content_bytes;
  return header;
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
        if (auto begun = begin_frame(); !begun) return tl::unexpected(begun.error());
      }
      ZSTD_inBuffer in{compressed_.data(), compressed_.size(), 0};
      ZSTD_outBuffer out{into.data(), into.size(), 0};
      const std::size_t hint = ZSTD_decompressStream(context_.get(), &out, &in);
      if (ZSTD_isError(hint) != 0) return failure(hint);
      compressed_ = compressed_.subspan(in.pos);
      frame_ended_ = frame_begins_ = hint == 0;  // another frame may follow
      given_bytes_ += out.pos;
      // libzstd compares the two only where the room is large enough for all of the frame.
      if (frame_ended_ && header_.content_bytes.value_or(given_bytes_) != given_bytes_)
        return corrupt_stream(Codec::zstd, "a frame has another size than it says");
      if (out.pos != 0) {
        if (auto charged = budget_.charge(out.pos); !charged) return tl::unexpected(charged.error());
        return out.pos;
      }
      if (!frame_ended_ && in.pos == 0) return truncated_stream(Codec::zstd);
    }
    return 0;
  }

 private:
  Status begin_frame() {
    header_ = read_frame_header(compressed_);
    given_bytes_ = 0;
    // What is beyond the limit zstd refuses itself.
    return header_.window_bytes <= window_limit_bytes_ ? memory_.grow_to(header_.window_bytes) : Status();
  }

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
  FrameHeader header_;             // of the frame that is read
  std::uint64_t given_bytes_ = 0;  // of its content
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

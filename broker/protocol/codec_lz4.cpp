#include <lz4frame.h>

#include <string>

#include "broker/protocol/codec_context.h"
#include "broker/protocol/codecs.h"

namespace millrace::protocol {
namespace {

struct Lz4Deleter {
  void operator()(LZ4F_dctx* context) const { LZ4F_freeDecompressionContext(context); }
};
using Lz4Context = CodecContext<LZ4F_dctx, Lz4Deleter>;

class Lz4Stream final : public Decompressor {
 public:
  Lz4Stream(Lz4Context::Owner context, BytesView compressed, const DecompressionLimits& limits)
      : context_(std::move(context)), compressed_(compressed), budget_(Codec::lz4, compressed.size(), limits) {}
  ~Lz4Stream() override {
    LZ4F_resetDecompressionContext(context_.get());
    Lz4Context::give_back(std::move(context_));
  }

  Result<std::size_t> read(MutableBytes into) override {
    while (!ended_) {
      std::size_t produced = into.size();
      std::size_t taken = compressed_.size();
      const std::size_t hint =
          LZ4F_decompress(context_.get(), into.data(), &produced, compressed_.data(), &taken, nullptr);
      if (LZ4F_isError(hint) != 0) return corrupt_stream(Codec::lz4, LZ4F_getErrorName(hint));
      compressed_ = compressed_.subspan(taken);
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
  Lz4Context::Owner context_;
  BytesView compressed_;
  OutputBudget budget_;
  bool ended_ = false;
};

}  // namespace

DecompressorResult open_lz4(BytesView compressed, const DecompressionLimits& limits) {
  auto context = Lz4Context::take();
  if (!context) {
    LZ4F_dctx* made = nullptr;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&made, LZ4F_VERSION)) != 0)
      return fail(ErrorKind::resource_exhausted, "no memory for lz4");
    context.reset(made);
  }
  return std::make_unique<Lz4Stream>(std::move(context), compressed, limits);
}

// Blocks of 64 KiB that do not depend on each other, without a content checksum: the one form that Kafka's own reader takes.
CompressResult compress_lz4(BytesView plain, std::optional<int> level) {
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
  return out;
}

}  // namespace millrace::protocol

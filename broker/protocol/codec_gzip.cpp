#define ZLIB_CONST
#include <zlib.h>

#include <algorithm>
#include <limits>
#include <string>

#include "broker/protocol/codec_context.h"
#include "broker/protocol/codecs.h"

namespace millrace::protocol {
namespace {

constexpr int gzip_window_bits = 15 + 16;  // the largest window, gzip's header and trailer

struct InflateDeleter {
  void operator()(z_stream* stream) const {
    inflateEnd(stream);
    delete stream;
  }
};
using InflateContext = CodecContext<z_stream, InflateDeleter>;

// Several members in a row are one stream, as in java.util.zip.GZIPInputStream; what follows them and is no member is ignored, as there.
class GzipStream final : public Decompressor {
 public:
  GzipStream(InflateContext::Owner context, BytesView compressed, const DecompressionLimits& limits)
      : context_(std::move(context)), compressed_(compressed), budget_(Codec::gzip, compressed.size(), limits) {}
  ~GzipStream() override {
    inflateReset2(context_.get(), gzip_window_bits);
    InflateContext::give_back(std::move(context_));
  }

  Result<std::size_t> read(MutableBytes into) override {
    while (!ended_) {
      const std::size_t in = std::min<std::size_t>(compressed_.size(), std::numeric_limits<uInt>::max());
      const std::size_t out = std::min<std::size_t>(into.size(), std::numeric_limits<uInt>::max());
      context_->next_in = compressed_.data();
      context_->avail_in = static_cast<uInt>(in);
      context_->next_out = into.data();
      context_->avail_out = static_cast<uInt>(out);
      const int outcome = inflate(context_.get(), Z_NO_FLUSH);
      compressed_ = compressed_.subspan(in - context_->avail_in);
      const std::size_t produced = out - context_->avail_out;
      if (outcome == Z_STREAM_END) {
        next_member();
      } else if (outcome == Z_BUF_ERROR || (outcome == Z_OK && produced == 0 && compressed_.empty())) {
        return truncated_stream(Codec::gzip);
      } else if (outcome != Z_OK) {
        return corrupt_stream(Codec::gzip, context_->msg != nullptr ? context_->msg : "inflate failed");
      }
      if (produced == 0) continue;
      if (auto charged = budget_.charge(produced); !charged) return tl::unexpected(charged.error());
      return produced;
    }
    return 0;
  }

 private:
  void next_member() {
    if (compressed_.size() > 2 && compressed_[0] == 0x1f && compressed_[1] == 0x8b) {
      inflateReset(context_.get());
    } else {
      ended_ = true;
    }
  }

  InflateContext::Owner context_;
  BytesView compressed_;
  OutputBudget budget_;
  bool ended_ = false;
};

}  // namespace

DecompressorResult open_gzip(BytesView compressed, const DecompressionLimits& limits) {
  auto context = InflateContext::take();
  if (!context) {
    auto made = std::make_unique<z_stream>();
    if (inflateInit2(made.get(), gzip_window_bits) != Z_OK)
      return fail(ErrorKind::resource_exhausted, "no memory for gzip");
    context.reset(made.release());
  }
  return std::make_unique<GzipStream>(std::move(context), compressed, limits);
}

CompressResult compress_gzip(BytesView plain, std::optional<int> level) {
  const int chosen = level.value_or(Z_DEFAULT_COMPRESSION);
  if (chosen != Z_DEFAULT_COMPRESSION && (chosen < 1 || chosen > 9)) {
    return fail(ErrorKind::invalid_argument, "gzip level " + std::to_string(chosen) + "; 1 to 9 and -1 are allowed");
  }
  if (plain.size() > std::numeric_limits<uInt>::max())
    return fail(ErrorKind::invalid_argument, "more than 4 GiB to compress");
  z_stream stream{};
  if (deflateInit2(&stream, chosen, Z_DEFLATED, gzip_window_bits, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    return fail(ErrorKind::resource_exhausted, "no memory for gzip");
  }
  std::vector<std::uint8_t> out(deflateBound(&stream, plain.size()));
  stream.next_in = plain.data();
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  const int outcome = deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  if (outcome != Z_STREAM_END) return fail(ErrorKind::resource_exhausted, "gzip did not finish");
  return out;
}

}  // namespace millrace::protocol

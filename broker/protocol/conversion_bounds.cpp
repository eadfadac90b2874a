#include "broker/protocol/conversion_bounds.h"

#include <algorithm>
#include <string>

namespace millrace::protocol {

namespace {

ConversionBounds::Settings paid_to(CodecMemory& memory, ConversionBounds::Settings settings) {
  settings.decompression.memory = &memory;
  return settings;
}

}  // namespace

ConversionBounds::ConversionBounds(const Settings& settings, MetricsRegistry* metrics)
    : settings_(paid_to(*this, settings)) {
  if (metrics == nullptr) return;
  metrics_ = std::make_unique<Metrics>(
      Metrics{metrics->counter("millrace_conversion_refused_total",
                               "Batches whose records were not decompressed or converted: they expand too far, or the "
                               "memory for conversions was in use"),
              metrics->gauge("millrace_conversion_memory_bytes", "Bytes of records in conversion")});
}

void ConversionBounds::observe(const Error& error) {
  if (error.kind != ErrorKind::resource_exhausted && error.kind != ErrorKind::unavailable) return;
  refusals_.fetch_add(1, std::memory_order_relaxed);
  if (metrics_) metrics_->refusals.add();
}

Status ConversionBounds::take(std::uint64_t bytes, std::uint64_t held_bytes) {
  auto used = used_bytes_.load(std::memory_order_relaxed);
  do {
    if (bytes <= settings_.memory_bytes && used <= settings_.memory_bytes - bytes) continue;
    const bool never_fits = bytes > settings_.memory_bytes || held_bytes > settings_.memory_bytes - bytes;
    return fail(never_fits ? ErrorKind::resource_exhausted : ErrorKind::unavailable,
                "records in conversion may take " + std::to_string(settings_.memory_bytes) + " bytes of memory" +
                    (never_fits ? ", and these need more" : ", and others have them now"));
  } while (!used_bytes_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  if (metrics_) metrics_->used_bytes.add(static_cast<double>(bytes));
  return {};
}

void ConversionBounds::give_back(std::uint64_t bytes) {
  used_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  if (metrics_) metrics_->used_bytes.add(-static_cast<double>(bytes));
}

Status ConversionCharge::add(std::uint64_t bytes) {
  if (auto taken = bounds_->take(bytes, bytes_); !taken) return taken;
  bytes_ += bytes;
  return {};
}

void ConversionCharge::reduce_to(std::uint64_t bytes) {
  if (bytes >= bytes_) return;
  bounds_->give_back(bytes_ - bytes);
  bytes_ = bytes;
}

Result<std::vector<std::uint8_t>> decompress_within(ConversionCharge& charge, Codec codec, BytesView compressed,
                                                    const DecompressionLimits& limits, Framing framing,
                                                    unsigned copies) {
  auto stream = open_decompressor(codec, compressed, limits, framing);
  if (!stream) return tl::unexpected(stream.error());
  return read_whole(**stream, [&](std::size_t more_bytes) { return charge.add(std::uint64_t{more_bytes} * copies); });
}

}  // namespace millrace::protocol

// What the conversion of records may cost: how far a compressed stream may expand, and how much memory all conversions
// that hold records as a whole may take at one time (up and down conversion between formats, another codec). Scans hold a
// window only; what their codec needs beyond 4 MiB (a large window of zstd, a snappy block) is of that memory too.
//
// Any thread. Errors: unavailable when others hold the memory now, so that the same may work later; resource_exhausted
// when it can never fit. Both count as refusals.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "broker/base/metrics.h"
#include "broker/base/result.h"
#include "broker/protocol/compression.h"

namespace millrace::protocol {

class ConversionBounds final : public CodecMemory {
 public:
  struct Settings {
    DecompressionLimits decompression;                          // millrace.decompression.max.bytes and .max.ratio
    std::uint64_t memory_bytes = std::uint64_t{128} * 1048576;  // millrace.conversion.memory.bytes
  };

  // `metrics` outlives the bounds; null: nothing is counted for the outside.
  explicit ConversionBounds(const Settings& settings, MetricsRegistry* metrics = nullptr);
  ConversionBounds(const ConversionBounds&) = delete;
  ConversionBounds& operator=(const ConversionBounds&) = delete;

  [[nodiscard]] const DecompressionLimits& decompression() const { return settings_.decompression; }
  [[nodiscard]] std::uint64_t used_bytes() const { return used_bytes_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t refusals() const { return refusals_.load(std::memory_order_relaxed); }

  // Counts `error` when it is a refusal by these bounds.
  void observe(const Error& error);

  // For codecs: decompression() names these bounds.
  Status take(std::uint64_t bytes) override { return take(bytes, 0); }
  void give_back(std::uint64_t bytes) override;

 private:
  friend class ConversionCharge;
  Status take(std::uint64_t bytes, std::uint64_t held_bytes);

  const Settings settings_;
  std::atomic<std::uint64_t> used_bytes_{0};
  std::atomic<std::uint64_t> refusals_{0};
  struct Metrics {
    MetricsRegistry::Counter refusals;
    MetricsRegistry::Gauge used_bytes;
  };
  std::unique_ptr<Metrics> metrics_;
};

using ConversionBoundsPointer = std::shared_ptr<ConversionBounds>;

// Bytes taken from the bounds; given back when it dies. One thread at a time.
class ConversionCharge {
 public:
  explicit ConversionCharge(ConversionBoundsPointer bounds) : bounds_(std::move(bounds)) {}
  ConversionCharge(ConversionCharge&& other) noexcept
      : bounds_(std::move(other.bounds_)), bytes_(std::exchange(other.bytes_, 0)) {}
  ConversionCharge& operator=(ConversionCharge&&) = delete;
  ConversionCharge(const ConversionCharge&) = delete;
  ConversionCharge& operator=(const ConversionCharge&) = delete;
  ~ConversionCharge() { reduce_to(0); }

  [[nodiscard]] ConversionBounds& bounds() const { return *bounds_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  Status add(std::uint64_t bytes);
  void reduce_to(std::uint64_t bytes);

 private:
  ConversionBoundsPointer bounds_;
  std::uint64_t bytes_ = 0;
};

// The whole output of a stream, charged `copies` times: for what is made of it too. Errors of Decompressor::read, and
// of the bounds' memory.
Result<std::vector<std::uint8_t>> decompress_within(ConversionCharge& charge, Codec codec, BytesView compressed,
                                                    const DecompressionLimits& limits,
                                                    Framing framing = Framing::standard, unsigned copies = 1);

}  // namespace millrace::protocol

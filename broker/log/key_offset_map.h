// The newest offset of each key in the dirty part of a log: what compaction keeps its records by (Kafka: SkimpyOffsetMap).
// Keys are told apart by a 128-bit keyed hash (SipHash), so that nobody can make two keys that are taken for one.
//
// How many keys it takes decides how far one pass of a cleaner comes, and is Kafka's: slots of 24 bytes, of which the load factor
// may be filled. The memory grows with the keys, up to those slots. Owned by one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/random.h"
#include "broker/base/types.h"

namespace millrace::log {

class KeyOffsetMap {
 public:
  static constexpr std::size_t slot_bytes = 24;

  // `memory_bytes`: a thread's share of log.cleaner.dedupe.buffer.size, of which 2 GiB are used at most; `load_factor`:
  // log.cleaner.io.buffer.load.factor.
  KeyOffsetMap(std::uint64_t memory_bytes, double load_factor, Random& random);

  [[nodiscard]] std::size_t slots() const { return slots_; }
  // A map that takes no key at all cleans nothing.
  [[nodiscard]] std::size_t limit() const { return limit_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool full() const { return size_ >= limit_; }
  [[nodiscard]] double utilization() const { return static_cast<double>(size_) / static_cast<double>(slots_); }

  // Only while it is not full(). The offset becomes latest_offset().
  void put(BytesView key, Offset offset);
  // none() for a key that is not there.
  [[nodiscard]] Offset get(BytesView key) const;

  // Everything up to here has been looked at.
  [[nodiscard]] Offset latest_offset() const { return latest_offset_; }
  void set_latest_offset(Offset offset) { latest_offset_ = offset; }

  void clear();

 private:
  struct Hash {
    std::uint64_t low = 0;
    std::uint64_t high = 0;

    friend bool operator==(const Hash&, const Hash&) = default;
  };
  struct Slot {
    Hash hash;
    Offset offset = Offset::none();  // none(): free
  };
  static_assert(sizeof(Slot) == slot_bytes);

  [[nodiscard]] Hash hash_of(BytesView key) const;
  [[nodiscard]] std::size_t place_of(const Hash& hash) const;
  void grow();

  const std::size_t slots_;
  const std::size_t limit_;
  const std::uint64_t key_low_;
  const std::uint64_t key_high_;
  std::vector<Slot> table_;
  std::size_t size_ = 0;
  Offset latest_offset_ = Offset::none();
};

}  // namespace millrace::log

#include "broker/log/key_offset_map.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "broker/base/check.h"

namespace millrace::log {
namespace {

constexpr std::uint64_t memory_limit_bytes = std::numeric_limits<std::int32_t>::max();
constexpr std::size_t first_table_slots = 1024;

// SipHash-2-4 with an output of 128 bits (Aumasson, Bernstein).
class SipHash {
 public:
  SipHash(std::uint64_t key_low, std::uint64_t key_high)
      : v0_(0x736f6d6570736575 ^ key_low),
        v1_(0x646f72616e646f6d ^ key_high ^ 0xee),
        v2_(0x6c7967656e657261 ^ key_low),
        v3_(0x7465646279746573 ^ key_high) {}

  void add(BytesView bytes) {
    const std::size_t whole_bytes = bytes.size() & ~std::size_t{7};
    for (std::size_t at = 0; at < whole_bytes; at += 8) add_word(word_at(bytes, at, 8));
    add_word(word_at(bytes, whole_bytes, bytes.size() - whole_bytes) | std::uint64_t{bytes.size()} << 56);
  }

  std::uint64_t low() { return finish(0xee); }
  std::uint64_t high() {
    v1_ ^= 0xdd;
    return finish(0);
  }

 private:
  static std::uint64_t word_at(BytesView bytes, std::size_t at, std::size_t count) {
    std::uint64_t word = 0;
    if (count > 0) std::memcpy(&word, bytes.data() + at, count);
    return word;
  }

  void add_word(std::uint64_t word) {
    v3_ ^= word;
    rounds(2);
    v0_ ^= word;
  }

  std::uint64_t finish(std::uint64_t mark) {
    v2_ ^= mark;
    rounds(4);
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

  void rounds(int count) {
    for (int round = 0; round < count; ++round) {
      v0_ += v1_;
      v1_ = std::rotl(v1_, 13) ^ v0_;
      v0_ = std::rotl(v0_, 32);
      v2_ += v3_;
      v3_ = std::rotl(v3_, 16) ^ v2_;
      v0_ += v3_;
      v3_ = std::rotl(v3_, 21) ^ v0_;
      v2_ += v1_;
      v1_ = std::rotl(v1_, 17) ^ v2_;
      v2_ = std::rotl(v2_, 32);
    }
  }

  std::uint64_t v0_;
  std::uint64_t v1_;
  std::uint64_t v2_;
  std::uint64_t v3_;
};

}  // namespace

KeyOffsetMap::KeyOffsetMap(std::uint64_t memory_bytes, double load_factor, Random& random)
    : slots_(static_cast<std::size_t>(std::min(memory_bytes, memory_limit_bytes)) / slot_bytes),
      limit_(std::min(slots_, static_cast<std::size_t>(static_cast<double>(slots_) * load_factor))),
      key_low_(random.next()),
      key_high_(random.next()) {}

KeyOffsetMap::Hash KeyOffsetMap::hash_of(BytesView key) const {
  SipHash hash(key_low_, key_high_);
  hash.add(key);
  const std::uint64_t low = hash.low();
  return {low, hash.high()};
}

// Where the hash is, or the free place where it belongs. There is always a free one: the table is never filled.
std::size_t KeyOffsetMap::place_of(const Hash& hash) const {
  auto place = static_cast<std::size_t>(hash.low % table_.size());
  while (table_[place].offset != Offset::none() && table_[place].hash != hash)
    place = place + 1 == table_.size() ? 0 : place + 1;
  return place;
}

void KeyOffsetMap::grow() {
  // A load factor of 1 fills all slots: one place more than that is always free.
  const auto wanted = std::min(std::max(first_table_slots, table_.size() * 2), slots_ + 1);
  std::vector<Slot> old(wanted);
  old.swap(table_);
  for (const Slot& slot : old) {
    if (slot.offset != Offset::none()) table_[place_of(slot.hash)] = slot;
  }
}

void KeyOffsetMap::put(BytesView key, Offset offset) {
  MILLRACE_INVARIANT(!full() && offset >= Offset(0), "a full map of keys is given another one");
  const bool crowded = size_ + 1 > table_.size() - table_.size() / 10;
  if (table_.empty() || (crowded && table_.size() < slots_ + 1)) grow();
  const Hash hash = hash_of(key);
  Slot& slot = table_[place_of(hash)];
  if (slot.offset == Offset::none()) ++size_;
  slot = {hash, offset};
  latest_offset_ = offset;
}

Offset KeyOffsetMap::get(BytesView key) const {
  return table_.empty() ? Offset::none() : table_[place_of(hash_of(key))].offset;
}

void KeyOffsetMap::clear() {
  table_ = {};
  size_ = 0;
  latest_offset_ = Offset::none();
}

}  // namespace millrace::log

#include "broker/metadata/znodes/kafka_map_order.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>

namespace millrace::metadata::znodes {
namespace {

// String.hashCode, for the ASCII that names and numbers are made of.
std::uint32_t java_hash(const std::string& text) {
  std::uint32_t hash = 0;
  for (char character : text) hash = hash * 31 + static_cast<unsigned char>(character);
  return hash;
}

std::uint32_t spread(const std::string& key) {
  auto hash = java_hash(key);
  return hash ^ hash >> 16U;
}

// scala.collection.Hashing.improve
std::uint32_t improved(const std::string& key) {
  auto code = java_hash(key);
  std::uint32_t hash = code + ~(code << 9U);
  hash = hash ^ hash >> 14U;
  hash = hash + (hash << 4U);
  return hash ^ hash >> 10U;
}

struct Hashed {
  std::uint32_t hash;
  std::size_t position;  // where it came from
  std::string key;
};

std::vector<Hashed> hash_all(std::vector<std::string>& keys, std::uint32_t (*hash)(const std::string&)) {
  std::vector<Hashed> entries;
  entries.reserve(keys.size());
  for (auto& key : keys) {
    auto value = hash(key);
    entries.push_back({value, entries.size(), std::move(key)});
  }
  keys.clear();
  return entries;
}

// The smallest power of two from 16 on that holds `count` keys below `load` of it.
std::uint32_t table_size(std::size_t count) {
  std::uint32_t size = 16;
  while (count >= std::size_t{size} / 4 * 3) size *= 2;
  return size;
}

// One node of the trie: five bits of the hash choose; keys alone in their slot come first, then the nodes below.
void append_trie(std::vector<Hashed> entries, unsigned shift, std::vector<std::string>& out) {
  constexpr unsigned bits = 5;
  if (shift >= 32) {  // full collision
    for (auto& entry : entries) out.push_back(std::move(entry.key));
    return;
  }
  std::vector<std::vector<Hashed>> slots(1U << bits);
  for (auto& entry : entries) slots[entry.hash >> shift & ((1U << bits) - 1)].push_back(std::move(entry));
  for (auto& slot : slots) {
    if (slot.size() == 1) out.push_back(std::move(slot.front().key));
  }
  for (auto& slot : slots) {
    if (slot.size() > 1) append_trie(std::move(slot), shift + bits, out);
  }
}

}  // namespace

void sort_as_scala_mutable_map(std::vector<std::string>& keys) {
  auto mask = table_size(keys.size()) - 1;
  auto entries = hash_all(keys, spread);
  // A bucket's keys are sorted by their signed hash.
  std::ranges::sort(entries, {}, [mask](const Hashed& entry) {
    return std::tuple(entry.hash & mask, static_cast<std::int32_t>(entry.hash), entry.position);
  });
  for (auto& entry : entries) keys.push_back(std::move(entry.key));
}

void sort_as_scala_immutable_map(std::vector<std::string>& keys) {
  constexpr std::size_t small = 4;
  if (keys.size() <= small) return;
  auto entries = hash_all(keys, improved);
  append_trie(std::move(entries), 0, keys);
}

void sort_as_java_properties(std::vector<std::string>& keys) {
  auto mask = table_size(keys.size()) - 1;
  auto entries = hash_all(keys, spread);
  std::ranges::sort(entries, {}, [mask](const Hashed& entry) { return std::pair(entry.hash & mask, entry.position); });
  for (auto& entry : entries) keys.push_back(std::move(entry.key));
}

}  // namespace millrace::metadata::znodes

// An immutable map whose next version shares what did not change: 256 buckets, each a sorted array behind a shared_ptr.
// A change copies one bucket (about n/256 entries) and the table of 256 pointers; two versions are compared by skipping
// the buckets that they share. Values are shared_ptr's themselves. Any thread may read; writers own their copy.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace millrace::metadata {

// `Hash` and `std::less<>` take whatever is used to look up (a string_view where the key is a string).
template <class Key, class Value, class Hash>
class SharedMap {
 public:
  using Pointer = std::shared_ptr<const Value>;

  [[nodiscard]] std::size_t size() const { return size_; }

  // Null when absent. Valid as long as this version of the map.
  template <class Wanted>
  [[nodiscard]] const Pointer* find(const Wanted& key) const {
    const auto& bucket = buckets_[index_of(key)];
    if (!bucket) return nullptr;
    auto at = lower_bound(*bucket, key);
    return at != bucket->end() && !std::less<>{}(key, at->first) ? &at->second : nullptr;
  }

  void set(const Key& key, Pointer value) {
    auto& bucket = buckets_[index_of(key)];
    auto next = bucket ? std::make_shared<Bucket>(*bucket) : std::make_shared<Bucket>();
    auto at = lower_bound(*next, key);
    if (at != next->end() && at->first == key) {
      at->second = std::move(value);
    } else {
      next->insert(at, {key, std::move(value)});
      ++size_;
    }
    bucket = std::move(next);
  }

  template <class Wanted>
  void erase(const Wanted& key) {
    auto& bucket = buckets_[index_of(key)];
    if (find(key) == nullptr) return;
    auto next = std::make_shared<Bucket>(*bucket);
    next->erase(lower_bound(*next, key));
    bucket = next->empty() ? nullptr : std::move(next);
    --size_;
  }

  // Every entry, in no particular order.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const auto& bucket : buckets_) {
      if (!bucket) continue;
      for (const auto& [key, value] : *bucket) visit(key, value);
    }
  }

  // visit(key, before, after) for every key whose pointer differs; null where it is absent.
  template <class Visit>
  static void for_each_difference(const SharedMap& before, const SharedMap& after, Visit&& visit) {
    for (std::size_t index = 0; index < bucket_count; ++index) {
      const auto& old_bucket = before.buckets_[index];
      const auto& new_bucket = after.buckets_[index];
      if (old_bucket == new_bucket) continue;
      if (old_bucket) {
        for (const auto& [key, value] : *old_bucket) {
          const Pointer* now = after.find(key);
          if (now == nullptr || *now != value) visit(key, value, now == nullptr ? Pointer() : *now);
        }
      }
      if (new_bucket) {
        for (const auto& [key, value] : *new_bucket) {
          if (before.find(key) == nullptr) visit(key, Pointer(), value);
        }
      }
    }
  }

 private:
  using Bucket = std::vector<std::pair<Key, Pointer>>;
  static constexpr std::size_t bucket_count = 256;

  template <class Wanted>
  static std::size_t index_of(const Wanted& key) {
    std::size_t hash = Hash{}(key);
    return (hash ^ (hash >> 32U)) % bucket_count;
  }
  template <class Entries, class Wanted>
  static auto lower_bound(Entries& bucket, const Wanted& key) {
    return std::lower_bound(bucket.begin(), bucket.end(), key,
                            [](const auto& entry, const Wanted& wanted) { return std::less<>{}(entry.first, wanted); });
  }

  std::array<std::shared_ptr<const Bucket>, bucket_count> buckets_;
  std::size_t size_ = 0;
};

}  // namespace millrace::metadata

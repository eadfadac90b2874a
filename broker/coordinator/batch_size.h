// What records take in a batch of an internal topic, which max.message.bytes bounds. Any thread.
#pragma once

#include <cstddef>

namespace millrace::coordinator {

inline constexpr std::size_t default_batch_bytes_max = 1'048'588;  // message.max.bytes

// Of a batch besides its records, and of a record besides its key and value, at most.
inline constexpr std::size_t batch_overhead_bytes = 61;
inline constexpr std::size_t record_overhead_bytes = 32;

template <class Record>
[[nodiscard]] std::size_t batched_bytes(const Record& record) {
  return record_overhead_bytes + record.key.size() + (record.value ? record.value->size() : 0);
}

}  // namespace millrace::coordinator

// What Java says of a text that is UTF-8 here: a group's place in the internal topic and the bound on an offset's metadata are counted in
// its UTF-16 units. Bytes that are no UTF-8 count as Java's decoder would make them: U+FFFD for each maximal faulty part. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace millrace {

// String.hashCode.
std::int32_t java_hash(std::string_view utf8);

// String.length.
std::size_t java_length(std::string_view utf8);

// The partition, of `partition_count`, that an id belongs to in `__consumer_offsets` and `__transaction_state`
// (org.apache.kafka.common.utils.Utils.abs of the hash, modulo the count); partition_count > 0.
std::int32_t java_partition(std::string_view id, std::int32_t partition_count);

}  // namespace millrace

// How often the codec asks for memory: as often for a hundred partitions as for ten. A binary of its own, because it counts what
// operator new is asked for.
#include <cstdlib>
#include <new>
#include <utility>

#include <gtest/gtest.h>

#include "broker/protocol/message.h"
#include "test/broker/protocol/many_partitions.h"

namespace {

thread_local std::size_t allocations = 0;

void* counted(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}

}  // namespace

// NOLINTBEGIN(misc-new-delete-overloads): the aligned ones stay the library's, nothing here is over-aligned.
void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
// NOLINTEND(misc-new-delete-overloads)

namespace millrace::protocol {
namespace {

template <class Work>
std::size_t allocations_of(Work work) {
  const auto before = allocations;
  work();
  return allocations - before;
}

TEST(Allocations, OfADecodedProduceRequestDoNotGrowWithItsPartitions) {
  const auto batch = small_batch();
  for (Version version = 3; version <= newest_produce; ++version) {
    auto of = [&](std::int32_t partitions) {
      const auto body = encode(produce_to(partitions, batch), version).value();
      return allocations_of([&] {
        const auto request = decode<ProduceRequest>(body, version);
        EXPECT_TRUE(request && request->topic_data.at(0).partition_data.size() == static_cast<std::size_t>(partitions));
      });
    };
    EXPECT_EQ(of(100), of(10)) << "version " << version;
    EXPECT_LE(of(100), 2) << "version " << version << ": one array of topics, one of partitions";
  }
}

TEST(Allocations, OfAnEncodedProduceResponseDoNotGrowWithItsPartitions) {
  const auto batch = small_batch();
  for (Version version = 3; version <= newest_produce; ++version) {
    auto of = [&](std::int32_t partitions) {
      const auto response = produced(produce_to(partitions, batch));
      return allocations_of([&] { EXPECT_TRUE(encode_response_frame(response, version, 7)); });
    };
    EXPECT_EQ(of(100), of(10)) << "version " << version;
    EXPECT_LE(of(100), 2) << "version " << version << ": the bytes, and the chain that holds them";
  }
}

TEST(Allocations, OfADecodedFetchRequestDoNotGrowWithItsPartitions) {
  for (Version version = 4; version <= newest_fetch_by_name; ++version) {
    auto of = [&](std::int32_t partitions) {
      const auto body = encode(fetch_from(partitions), version).value();
      return allocations_of([&] {
        const auto request = decode<FetchRequest>(body, version);
        EXPECT_TRUE(request && request->topics.at(0).partitions.size() == static_cast<std::size_t>(partitions));
      });
    };
    EXPECT_EQ(of(100), of(10)) << "version " << version;
    EXPECT_LE(of(100), 2) << "version " << version << ": one array of topics, one of partitions";
  }
}

TEST(Allocations, OfAnEncodedFetchResponseWithSplicedRecordsGrowWithTheLogarithmOfItsPartitionsAtMost) {
  const auto batch = std::make_shared<const std::vector<std::uint8_t>>(small_batch());
  for (Version version = 4; version <= newest_fetch_by_name; ++version) {
    auto of = [&](std::int32_t partitions) {
      const auto response = fetched(fetch_from(partitions), batch);
      return allocations_of([&] { EXPECT_TRUE(encode_response_frame(response, version, 7)); });
    };
    EXPECT_LE(of(100), of(10) + 4) << "version " << version << ": the list of where the records go doubles four times";
  }
}

}  // namespace
}  // namespace millrace::protocol

// Any bytes as one of the files beside a segment: a crash, another program or a bad disk may have written them. They
// are refused, or read in bounds; what was read is written again to the same.
//
// Input: which file, the bytes.
#include <memory>

#include "broker/log/checkpoint_file.h"
#include "broker/log/clean_shutdown_file.h"
#include "broker/log/meta_properties.h"
#include "broker/log/offset_index.h"
#include "broker/log/partition_metadata_file.h"
#include "broker/log/producer_snapshot.h"
#include "broker/log/time_index.h"
#include "test/fuzz/fuzz_input.h"
#include "test/fuzz/memory_files.h"

namespace millrace::log {
namespace {

using fuzz::FuzzInput;
using fuzz::MemoryFiles;
using fuzz::require;

constexpr std::size_t index_max_bytes = 1 << 20;

void check_snapshot(BytesView bytes) {
  const auto entries = decode_producer_snapshot(bytes, "snapshot");
  if (!entries) return require(!entries.error().message.empty(), "an error without words");
  const auto again = decode_producer_snapshot(encode_producer_snapshot(*entries), "snapshot");
  require(again.has_value() && again->size() == entries->size(), "written again it is another snapshot");
}

void check_offset_index(BytesView bytes) {
  MemoryFiles files(bytes);
  FileCache cache(files, 4);
  OffsetIndex index(Offset(1000), std::make_shared<CachedFile>(cache, "index"), index_max_bytes);
  if (!index.load(std::uint64_t{1} << 31)) return;
  const auto view = index.view();
  for (auto target : {-1L, 0L, 1000L, 1001L, 5000L, 0x7fffffffL, 0x7fffffffffffffffL}) {
    const auto found = view.lookup(Offset(target));
    require(!found || found->offset <= std::max(Offset(target), Offset(1000)), "an entry above the offset was found");
  }
  for (std::size_t number = 0; number < view.entries(); number += 1 + view.entries() / 8)
    require(view.entry(number).has_value(), "an entry of a sound index cannot be read");
}

void check_time_index(BytesView bytes) {
  MemoryFiles files(bytes);
  FileCache cache(files, 4);
  TimeIndex index(Offset(1000), std::make_shared<CachedFile>(cache, "index"), index_max_bytes);
  if (!index.load()) return;
  const auto view = index.view();
  for (auto target : {-1L, 0L, 1'600'000'000'000L, 0x7fffffffffffffffL}) {
    const auto found = view.lookup(TimestampMs(target));
    require(!found || found->timestamp <= TimestampMs(target), "an entry above the time was found");
  }
}

void run(BytesView bytes) {
  FuzzInput input(bytes);
  const auto which = input.below(8);
  MemoryFiles files(input.rest());
  switch (which) {
    case 0:
      return check_snapshot(input.rest());
    case 1:
      return check_offset_index(input.rest());
    case 2:
      return check_time_index(input.rest());
    case 3:
      return static_cast<void>(read_offset_checkpoint(files, "checkpoint"));
    case 4:
      return static_cast<void>(read_epoch_checkpoint(files, "checkpoint"));
    case 5:
      return static_cast<void>(read_meta_properties(files, "directory"));
    case 6:
      return static_cast<void>(read_clean_shutdown(files, "directory"));
    default:
      return static_cast<void>(read_partition_metadata(files, "directory"));
  }
}

}  // namespace
}  // namespace millrace::log

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  millrace::log::run({data, size});
  return 0;
}

#include "broker/metadata/znode_offsets.h"

#include <charconv>

#include "broker/base/task.h"
#include "broker/metadata/cluster_founding.h"
#include "broker/metadata/store_tasks.h"
#include "broker/metadata/znodes/znode_paths.h"

namespace millrace::metadata {
namespace {

Task<Status> store_one(MetadataStore& store, std::string path, Offset offset) {
  const auto data = std::to_string(offset.value());
  auto written = co_await set(store, path, data);
  if (!written && written.error().kind == ErrorKind::not_found) {
    auto created = co_await completion<Status>([&](auto done) { create_path(store, path, std::move(done)); });
    if (!created) co_return created;
    written = co_await set(store, path, data);
  }
  if (!written) co_return tl::unexpected(written.error());
  co_return Status();
}

Task<Result<std::optional<Offset>>> find_one(MetadataStore& store, std::string path) {
  auto znode = co_await get(store, path);
  if (!znode && znode.error().kind == ErrorKind::not_found) co_return std::optional<Offset>();
  if (!znode) co_return tl::unexpected(znode.error());
  std::int64_t offset = 0;
  const auto* const end = znode->data.data() + znode->data.size();
  const auto parsed = std::from_chars(znode->data.data(), end, offset);
  if (parsed.ec != std::errc() || parsed.ptr != end)
    co_return fail(ErrorKind::corrupt, path + " holds no offset: '" + znode->data + "'");
  co_return std::optional(Offset(offset));
}

Task<std::vector<Status>> store_all(MetadataStore& store, std::string group_id, ZnodeOffsets::Offsets offsets) {
  std::vector<Status> outcomes;
  outcomes.reserve(offsets.size());
  for (const auto& [partition, offset] : offsets)
    outcomes.push_back(co_await store_one(store, znodes::consumer_offset_path(group_id, partition), offset));
  co_return outcomes;
}

Task<std::vector<Result<std::optional<Offset>>>> find_all(MetadataStore& store, std::string group_id,
                                                          std::vector<TopicPartition> partitions) {
  std::vector<Result<std::optional<Offset>>> found;
  found.reserve(partitions.size());
  for (const auto& partition : partitions)
    found.push_back(co_await find_one(store, znodes::consumer_offset_path(group_id, partition)));
  co_return found;
}

}  // namespace

void ZnodeOffsets::store(std::string group_id, Offsets offsets, Stored done) {
  spawn(store_all(store_, std::move(group_id), std::move(offsets)), std::move(done));
}

void ZnodeOffsets::find(std::string group_id, std::vector<TopicPartition> partitions, Found done) {
  spawn(find_all(store_, std::move(group_id), std::move(partitions)), std::move(done));
}

}  // namespace millrace::metadata

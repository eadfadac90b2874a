#include "broker/metadata/cluster_founding.h"

#include <memory>
#include <utility>

#include "broker/base/random.h"
#include "broker/base/task.h"
#include "broker/base/uuid.h"
#include "broker/metadata/store_retry.h"
#include "broker/metadata/store_tasks.h"
#include "broker/metadata/znode_path.h"
#include "broker/metadata/znodes/cluster_identity.h"
#include "broker/metadata/znodes/znode_paths.h"

namespace millrace::metadata {
namespace {

namespace paths = znodes::paths;

Task<Status> make_path(MetadataStore& store, std::string path, std::string data) {
  StoreRetry retry(store.shard());
  while (true) {
    auto created = co_await create(store, path, data);
    if (created || created.error().kind == ErrorKind::already_exists) co_return Status();
    if (created.error().kind == ErrorKind::not_found) {
      std::string parent(parent_path(path));
      if (parent.size() <= 1) co_return tl::unexpected(std::move(created.error()));
      auto above = co_await make_path(store, std::move(parent), "");
      if (!above) co_return above;
      continue;
    }
    if (!retry.worth_it(created.error())) co_return tl::unexpected(std::move(created.error()));
    co_await retry.pause();
  }
}

Task<Result<std::string>> standing_cluster_id(MetadataStore& store) {
  StoreRetry retry(store.shard());
  while (true) {
    auto znode = co_await get(store, std::string(paths::cluster_id));
    if (znode) co_return znodes::decode_cluster_id(znode->data);
    if (!retry.worth_it(znode.error())) co_return tl::unexpected(std::move(znode.error()));
    co_await retry.pause();
  }
}

Task<Result<std::string>> found(MetadataStore& store, std::string proposed) {
  for (auto path : paths::persistent) {
    auto made = co_await make_path(store, std::string(path), "");
    if (!made) co_return tl::unexpected(std::move(made.error()));
  }
  // Whoever wrote it first, and whatever became of an answer that was lost: what can be read is the cluster's id.
  auto made = co_await make_path(store, std::string(paths::cluster_id), znodes::encode_cluster_id(proposed));
  if (!made) co_return tl::unexpected(std::move(made.error()));
  co_return co_await standing_cluster_id(store);
}

}  // namespace

void found_cluster(MetadataStore& store, Random& random, const std::string& wanted_cluster_id,
                   Reply<std::string> reply) {
  auto proposed = wanted_cluster_id.empty() ? to_string(Uuid::random(random)) : wanted_cluster_id;
  spawn(found(store, std::move(proposed)),
        [reply = std::move(reply)](Result<std::string> id) mutable { reply(std::move(id)); });
}

void create_path(MetadataStore& store, std::string path, Reply<void> reply) {
  spawn(make_path(store, std::move(path), ""),
        [reply = std::move(reply)](Status made) mutable { reply(std::move(made)); });
}

}  // namespace millrace::metadata

#include "broker/metadata/embedded_znodes.h"

#include <utility>
#include <variant>

#include "broker/base/file.h"
#include "broker/metadata/znode_path.h"

namespace millrace::metadata {

Result<std::unique_ptr<EmbeddedZnodes>> EmbeddedZnodes::open(const std::string& directory, bool must_exist) {
  auto& files = posix_file_system();
  const auto path = directory + "/metadata.db";
  if (must_exist) {
    auto exists = files.exists(path);
    if (!exists) return tl::unexpected(std::move(exists.error()));
    if (!*exists) return fail(ErrorKind::not_found, "there is no metadata store in " + directory);
  }
  if (auto made = files.create_directories(directory); !made) return tl::unexpected(std::move(made.error()));
  std::unique_ptr<EmbeddedZnodes> store(new EmbeddedZnodes());
  store->directory_ = directory;
  auto lock = files.lock(directory + "/lock");
  if (!lock) {
    if (lock.error().kind != ErrorKind::conflict) return tl::unexpected(std::move(lock.error()));
    return fail(ErrorKind::conflict, "a broker runs on the metadata store in " + directory + ": stop it first");
  }
  store->lock_ = std::move(*lock);
  auto database = ZnodeDatabase::open(path);
  if (!database) return tl::unexpected(std::move(database.error()));
  store->database_ = std::move(*database);
  auto zxid = store->database_->load(store->tree_);
  if (!zxid) return tl::unexpected(std::move(zxid.error()));
  store->zxid_ = *zxid;
  return store;
}

Result<ZnodeSnapshot> EmbeddedZnodes::read() const {
  ZnodeSnapshot snapshot{"the metadata store in " + directory_, {}};
  std::vector<std::string> waiting{"/"};
  while (!waiting.empty()) {
    const auto path = std::move(waiting.back());
    waiting.pop_back();
    auto znode = tree_.get(path);
    if (!znode) return tl::unexpected(std::move(znode.error()));
    auto children = tree_.children(path);
    if (!children) return tl::unexpected(std::move(children.error()));
    for (const auto& name : children->names) waiting.push_back(child_path(path, name));
    snapshot.znodes[path] = {std::move(znode->data), znode->stat.version.value(),
                             znode->stat.ephemeral_owner != no_session};
  }
  return snapshot;
}

Status EmbeddedZnodes::apply(const std::vector<Operation>& operations, const Clock& clock) {
  const auto zxid = zxid_ + 1;
  const auto before = tree_.mark();
  ZnodeTree::Changes unheard;
  auto outcome = tree_.multi(operations, {zxid, clock.wall_clock(), no_session}, unheard);
  if (!outcome) return tl::unexpected(std::move(outcome.error()));
  if (outcome->failure) return tl::unexpected(std::move(outcome->failure->error));
  if (auto committed = database_->commit(tree_, zxid); !committed) {
    tree_.undo_to(before);
    return committed;
  }
  tree_.forget_journal();
  zxid_ = zxid;
  return {};
}

}  // namespace millrace::metadata

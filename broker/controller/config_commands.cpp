#include "broker/controller/config_commands.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/clock.h"
#include "broker/base/logging.h"
#include "broker/base/shard.h"
#include "broker/base/task.h"
#include "broker/metadata/store_retry.h"
#include "broker/metadata/store_tasks.h"
#include "broker/metadata/znode_path.h"
#include "broker/metadata/znodes/entity_config.h"
#include "broker/metadata/znodes/znode_paths.h"

namespace millrace::controller {

using metadata::ConfigEntity;
using metadata::ConfigMap;
using metadata::ConfigOwner;
using metadata::MetadataStore;
using metadata::Operation;
namespace znodes = metadata::znodes;

namespace {

constexpr Logger logger{"controller"};
// How often a command looks again because somebody else wrote in between.
constexpr int max_attempts = 20;
// As long as a broker may take to read a notification.
constexpr std::chrono::milliseconds notification_lifetime = std::chrono::minutes(15);
constexpr std::size_t purges_per_change = 8;

struct Standing {
  ConfigMap config;
  std::optional<metadata::ZnodeVersion> version;  // nullopt: there is no znode
};

bool is_overtaken(const Error& error) {
  return error.kind == ErrorKind::version_mismatch || error.kind == ErrorKind::already_exists ||
         error.kind == ErrorKind::not_found || error.kind == ErrorKind::not_empty;
}

// An entity with quotas alone, whose znode goes with the last of them.
bool is_removed_when_empty(ConfigEntity entity) {
  return entity == ConfigEntity::clients || entity == ConfigEntity::users || entity == ConfigEntity::ips;
}

metadata::CreateOperation announcement(const ConfigOwner& owner) {
  return {std::string(znodes::paths::config_change_prefix),
          znodes::encode_config_change(znodes::entity_path(owner.entity, stored_name(owner))),
          metadata::CreateMode::persistent_sequential};
}

}  // namespace

class ConfigCommands::State {
 public:
  explicit State(MetadataStore& store) : store_(store) {}

  Task<Result<ConfigMap>> run(ConfigOwner owner, Edit edit, bool preview) {
    metadata::StoreRetry retry(store_.shard());
    for (int attempt = 0;;) {
      auto outcome = co_await run_once(owner, edit, preview);
      if (outcome) {
        if (!preview) co_await purge_notifications();
        co_return outcome;
      }
      if (is_overtaken(outcome.error()) && ++attempt < max_attempts) continue;
      if (!retry.worth_it(outcome.error())) co_return outcome;
      co_await retry.pause();
    }
  }

 private:
  Task<Result<ConfigMap>> run_once(const ConfigOwner& owner, const Edit& edit, bool preview) {
    const auto path = znodes::config_path(owner.entity, stored_name(owner));
    auto standing = co_await read(path);
    if (!standing) co_return tl::unexpected(standing.error());
    auto edited = edit(standing->config);
    if (!edited) co_return tl::unexpected(refused(edited.error()));
    if (preview || *edited == standing->config) co_return edited;
    auto operations = edited->empty() && is_removed_when_empty(owner.entity)
                          ? co_await removal(owner, path, *standing)
                          : co_await writing(path, *standing, znodes::encode_config(*edited));
    if (!operations) co_return tl::unexpected(operations.error());
    operations->emplace_back(announcement(owner));
    auto applied = co_await metadata::multi(store_, std::move(*operations));
    if (!applied) co_return tl::unexpected(applied.error());
    if (applied->failure) co_return tl::unexpected(applied->failure->error);
    co_return edited;
  }

  // The edit's own errors must not look like those of a read that is out of date.
  static Error refused(Error error) {
    if (is_overtaken(error) || error.kind == ErrorKind::connection_loss) error.kind = ErrorKind::invalid_argument;
    return error;
  }

  Task<Result<Standing>> read(const std::string& path) {
    auto znode = co_await metadata::get(store_, path);
    if (!znode) {
      if (znode.error().kind == ErrorKind::not_found) co_return Standing{};
      co_return tl::unexpected(znode.error());
    }
    auto config = znodes::decode_config(znode->data);
    if (!config) co_return tl::unexpected(Error{ErrorKind::corrupt, "znode " + path + ": " + config.error().message});
    co_return Standing{std::move(*config), znode->stat.version};
  }

  // Makes the folders that are missing too: /config/users/<user>/clients.
  Task<Result<std::vector<Operation>>> writing(const std::string& path, const Standing& standing, std::string payload) {
    std::vector<Operation> operations;
    if (standing.version) {
      operations.emplace_back(metadata::SetOperation{path, std::move(payload), *standing.version});
      co_return operations;
    }
    std::vector<std::string> missing;
    for (auto folder = std::string(metadata::parent_path(path)); folder.size() > 1;
         folder = std::string(metadata::parent_path(folder))) {
      auto there = co_await metadata::exists(store_, folder);
      if (!there) co_return tl::unexpected(there.error());
      if (there->has_value()) break;
      missing.push_back(folder);
    }
    for (auto folder = missing.rbegin(); folder != missing.rend(); ++folder)
      operations.emplace_back(metadata::CreateOperation{*folder, ""});
    operations.emplace_back(metadata::CreateOperation{path, std::move(payload)});
    co_return operations;
  }

  // A user stays while clients of it have something, and goes with the last of them when it has nothing itself.
  Task<Result<std::vector<Operation>>> removal(const ConfigOwner& owner, const std::string& path,
                                               const Standing& standing) {
    auto below = co_await metadata::children(store_, path);
    if (!below) co_return tl::unexpected(below.error());
    if (!below->names.empty()) co_return co_await writing(path, standing, znodes::encode_config({}));
    std::vector<Operation> operations{
        metadata::RemoveOperation{path, standing.version.value_or(metadata::any_version)}};
    if (!owner.client) co_return operations;
    const std::string clients(metadata::parent_path(path));
    auto siblings = co_await metadata::children(store_, clients);
    if (!siblings) co_return tl::unexpected(siblings.error());
    if (siblings->names.size() > 1) co_return operations;
    operations.emplace_back(metadata::RemoveOperation{clients});
    const std::string user(metadata::parent_path(clients));
    auto of_user = co_await read(user);
    if (!of_user) co_return tl::unexpected(of_user.error());
    if (of_user->config.empty())
      operations.emplace_back(metadata::RemoveOperation{user, of_user->version.value_or(metadata::any_version)});
    co_return operations;
  }

  // The oldest first, a few at a time: each change makes one.
  Task<Status> purge_notifications() {
    auto changes = co_await metadata::children(store_, std::string(znodes::paths::config_changes));
    if (!changes) co_return Status{};
    std::ranges::sort(changes->names);
    const auto now = store_.shard().clock().wall_clock();
    for (std::size_t i = 0; i < std::min(purges_per_change, changes->names.size()); ++i) {
      auto path = metadata::child_path(znodes::paths::config_changes, changes->names[i]);
      auto stat = co_await metadata::exists(store_, path);
      if (!stat || !stat->has_value()) break;
      if (now.value() - (*stat)->ctime.value() < notification_lifetime.count()) break;
      // One that another broker has removed by now is gone either way.
      if (auto removed = co_await metadata::remove(store_, path); removed) logger.debug("removed " + path);
    }
    co_return Status{};
  }

  MetadataStore& store_;
};

namespace {

// Keeps the state alive until the command is over.
template <class State>
Task<Result<ConfigMap>> holding([[maybe_unused]] std::shared_ptr<State> state, Task<Result<ConfigMap>> command) {
  auto outcome = co_await std::move(command);
  co_return outcome;
}

}  // namespace

ConfigCommands::ConfigCommands(MetadataStore& store) : state_(std::make_shared<State>(store)) {}
ConfigCommands::~ConfigCommands() = default;

void ConfigCommands::change(ConfigOwner owner, Edit edit, Completion done) {
  spawn(holding(state_, state_->run(std::move(owner), std::move(edit), false)), std::move(done));
}

void ConfigCommands::preview(ConfigOwner owner, Edit edit, Completion done) {
  spawn(holding(state_, state_->run(std::move(owner), std::move(edit), true)), std::move(done));
}

}  // namespace millrace::controller

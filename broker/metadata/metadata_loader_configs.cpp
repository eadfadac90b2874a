// Configurations of every kind of entity, and the notifications of their changes.
#include "broker/metadata/metadata_loader_state.h"
#include "broker/metadata/znodes/entity_config.h"
#include "broker/metadata/znodes/znode_paths.h"

namespace millrace::metadata {

namespace paths = znodes::paths;

void MetadataLoader::State::read_all_configs(ConfigEntity entity) {
  auto path = znodes::config_folder_path(entity);
  store_->children(path, Watch::no,
                   answer<Children>([entity](State& state) { state.read_all_configs(entity); }, path,
                                    [entity](State& state, Children& children) {
                                      for (const auto& name : children.names) state.read_entity(entity, name);
                                    }));
}

// What is set for a user and, below it, for the user's clients.
void MetadataLoader::State::read_entity(ConfigEntity entity, const std::string& name) {
  enqueue([entity, name](State& state) { state.read_config(entity, name); });
  if (entity == ConfigEntity::users) {
    enqueue([name](State& state) { state.read_user_clients(name); });
  }
}

void MetadataLoader::State::read_user_clients(const std::string& user) {
  auto path = znodes::config_path(ConfigEntity::users, user) + "/clients";
  store_->children(
      path, Watch::no,
      answer<Children>([user](State& state) { state.read_user_clients(user); }, path,
                       [user](State& state, Children& children) {
                         for (const auto& client : children.names) {
                           std::string name = user;
                           name.append("/clients/").append(client);
                           state.enqueue([name](State& later) { later.read_config(ConfigEntity::users, name); });
                         }
                       }));
}

void MetadataLoader::State::read_config(ConfigEntity entity, const std::string& name) {
  auto path = znodes::config_path(entity, name);
  store_->get(path, Watch::no,
              answer<Znode>([entity, name](State& state) { state.read_config(entity, name); }, path,
                            [entity, name, path](State& state, Znode& znode) {
                              state.configs_seen_.insert(znodes::entity_path(entity, name));
                              auto config = znodes::decode_config(znode.data);
                              if (!config) return loader_logger.error("znode " + path + ": " + config.error().message);
                              state.image_.set_config(entity, name, std::move(*config));
                            },
                            [entity, name](State& state) { state.image_.set_config(entity, name, {}); }));
}

void MetadataLoader::State::read_config_changes(bool known) {
  std::string path(paths::config_changes);
  Read again = [known](State& state) { state.read_config_changes(known); };
  store_->children(path, Watch::yes, answer<Children>(again, path, [known](State& state, Children& children) {
                     constexpr std::string_view prefix = "config_change_";
                     std::map<std::int64_t, std::string> changes;
                     for (auto& name : children.names) {
                       if (!name.starts_with(prefix)) continue;
                       auto number = parse_number<std::int64_t>(std::string_view(name).substr(prefix.size()));
                       if (number && *number > state.last_config_change_) changes.emplace(*number, std::move(name));
                     }
                     if (changes.empty()) return;
                     state.last_config_change_ = changes.rbegin()->first;
                     if (known) return;
                     for (const auto& change : changes) {
                       state.enqueue([name = change.second](State& later) { later.read_config_change(name); });
                     }
                   }));
}

void MetadataLoader::State::read_config_change(const std::string& name) {
  auto path = std::string(paths::config_changes) + "/" + name;
  store_->get(path, Watch::no,
              answer<Znode>([name](State& state) { state.read_config_change(name); }, path,
                            [path](State& state, Znode& znode) {
                              auto entity_path = znodes::decode_config_change(znode.data);
                              if (!entity_path)
                                return loader_logger.error("znode " + path + ": " + entity_path.error().message);
                              auto owner = parse_entity_path(*entity_path);
                              if (!owner) return loader_logger.warning("znode " + path + ": " + owner.error().message);
                              state.enqueue([owner = *owner](State& later) {
                                later.read_config(owner.entity, stored_name(owner));
                              });
                            }));
}

}  // namespace millrace::metadata

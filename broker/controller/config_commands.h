// What is set for an entity is changed by any broker: the znode below /config, and beside it the notification that
// makes every broker read it (Kafka: AdminZkClient.changeConfigs, tryCleanQuotaNodes,
// ZkNodeChangeNotificationListener.purgeObsoleteNotifications).
//
// Both are one multi, and what was read must still stand when it is written: of two changes at once none is lost.
// Clients, users and addresses for which nothing is set any more have no znode. Notifications that every broker has
// read long ago are taken away.
//
// Belongs to the store's shard; edits and completions run there.
#pragma once

#include <functional>
#include <memory>

#include "broker/base/result.h"
#include "broker/base/unique_function.h"
#include "broker/metadata/cluster_image.h"
#include "broker/metadata/config_entity.h"
#include "broker/metadata/metadata_store.h"

namespace millrace::controller {

class ConfigCommands {
 public:
  // What shall be set where `now` is; called again when somebody else wrote in between. Its error is the command's.
  using Edit = std::function<Result<metadata::ConfigMap>(const metadata::ConfigMap& now)>;
  // What is set now.
  using Completion = UniqueFunction<void(Result<metadata::ConfigMap>)>;

  // `store` outlives the object.
  explicit ConfigCommands(metadata::MetadataStore& store);
  ~ConfigCommands();
  ConfigCommands(const ConfigCommands&) = delete;
  ConfigCommands& operator=(const ConfigCommands&) = delete;

  // Durable and announced when it answers. An edit that changes nothing writes nothing.
  void change(metadata::ConfigOwner owner, Edit edit, Completion done);
  // Only what `edit` makes of what is set; nothing is written.
  void preview(metadata::ConfigOwner owner, Edit edit, Completion done);

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace millrace::controller

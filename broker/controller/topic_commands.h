// Topics come and go by the controller's hand: what a topic is stands in its znode, who leads its partitions in theirs.
//
// A topic exists from the moment that its znode does (with its configuration, in one multi). Its partitions' states
// follow in bounded multis; a controller that dies in between is followed by one that finds the partitions without a
// state and makes them. Partitions are added to its znode at once, and get their states in the same way. A deletion
// is first recorded below /admin/delete_topics and then carried out in bounded multis, the topic's own znode last, so
// that it too is finished after any death. Every write checks the controller epoch's znode: a controller that was
// replaced changes nothing.
// Source: kafka.zk.AdminZkClient, kafka.controller.TopicDeletionManager, PartitionStateMachine.
//
// Belongs to the store's shard; completions run there.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/base/unique_function.h"
#include "broker/base/uuid.h"
#include "broker/metadata/metadata_store.h"
#include "broker/metadata/znodes/topic_assignment.h"

namespace millrace::controller {

struct NewTopic {
  std::string name;
  TopicId id;
  std::vector<std::vector<BrokerId>> assignment;  // by partition, the preferred leader first
  std::map<std::string, std::string, std::less<>> configs;
};

// The controller's term: its number and the version of /controller_epoch, which every write checks.
struct ControllerTerm {
  ControllerEpoch epoch;
  metadata::ZnodeVersion epoch_version;
};

class TopicCommands {
 public:
  using Completion = UniqueFunction<void(Status)>;
  // From what the topic's znode says to the replicas of the partitions that are added to it, by index; empty: the
  // topic stays as it is. Called on the store's shard, again when somebody else wrote the znode in between.
  using GrowthPlan =
      UniqueFunction<std::vector<std::vector<BrokerId>>(const metadata::znodes::TopicAssignment& standing)>;

  // `store` outlives the object.
  TopicCommands(metadata::MetadataStore& store, ControllerTerm term);
  ~TopicCommands();
  TopicCommands(const TopicCommands&) = delete;
  TopicCommands& operator=(const TopicCommands&) = delete;

  // already_exists: a topic of that name is there or is being deleted. An unknown outcome is looked up before it is
  // answered: a topic with this id is this call's own.
  void create(NewTopic topic, Completion done);
  // not_found: there is none.
  void remove(std::string name, Completion done);
  // Adds partitions behind those that are there. not_found: there is no such topic; not_empty: it is being deleted.
  // An unknown outcome is looked up before it is answered.
  void grow(std::string name, GrowthPlan plan, Completion done);
  // Finishes what an earlier controller left half done: partitions without a state, deletions that were recorded.
  void resume(Completion done);

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace millrace::controller

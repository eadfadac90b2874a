// Creating, growing and deleting topics on behalf of a request: through the controller, then waiting until it shows.
#pragma once

#include <chrono>
#include <memory>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/controller/topic_commands.h"
#include "broker/metadata/cluster_image.h"
#include "broker/server/broker_services.h"

namespace millrace::server {

// What happened to a topic that was asked for.
enum class TopicOutcome : std::uint8_t {
  done,
  timed_out,  // the controller did it, but this broker does not show it yet
};

// `home` is the asking shard. Errors are the controller's (topic_commands.h).
Task<Result<TopicOutcome>> create_topic(BrokerServices& services, Shard& home, controller::NewTopic topic,
                                        std::chrono::milliseconds timeout);
// Adds the partitions that `plan` names. It is called on the metadata shard.
Task<Result<TopicOutcome>> grow_topic(BrokerServices& services, Shard& home, std::string name,
                                      controller::TopicCommands::GrowthPlan plan, std::chrono::milliseconds timeout);
Task<Result<TopicOutcome>> delete_topic(BrokerServices& services, Shard& home,
                                        std::shared_ptr<const metadata::TopicImage> topic,
                                        std::chrono::milliseconds timeout);

}  // namespace millrace::server

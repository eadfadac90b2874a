// From what a request asks for to a topic that can be made, or to the reason why not, in Kafka's words
// (Kafka: ZkAdminManager.createTopics, AdminZkClient.validateTopicCreate, DefaultAutoTopicCreationManager).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "broker/controller/topic_commands.h"
#include "broker/metadata/cluster_image.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/messages/create_topics.h"
#include "broker/server/broker_services.h"

namespace millrace::server {

// A topic beyond this is a mistake or an attack; Kafka has no bound and falls over (max.topic.partitions in others).
inline constexpr std::int32_t max_partitions_of_topic = 100'000;

struct TopicRefusal {
  protocol::ErrorCode code;
  std::string message;
};

tl::expected<controller::NewTopic, TopicRefusal> plan_new_topic(BrokerServices& services,
                                                                const metadata::ClusterImage& image,
                                                                const protocol::CreateTopicsRequest::Topic& wanted);
tl::expected<controller::NewTopic, TopicRefusal> plan_auto_created_topic(BrokerServices& services,
                                                                         const metadata::ClusterImage& image,
                                                                         std::string_view name);

}  // namespace millrace::server

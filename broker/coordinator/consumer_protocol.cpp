#include "broker/coordinator/consumer_protocol.h"

#include <algorithm>

#include "broker/coordinator/consumer_group_member.h"
#include "broker/protocol/stored_record_codec.h"

namespace millrace::coordinator {

struct ConsumerProtocolPartitions {
  protocol::String topic{};
  protocol::Array<PartitionIndex> partitions{};

  friend bool operator==(const ConsumerProtocolPartitions&, const ConsumerProtocolPartitions&) = default;

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("topic", self.topic);
    field("partitions", self.partitions);
  }
};

struct ConsumerProtocolSubscription {
  static constexpr std::string_view name = "ConsumerProtocolSubscription";
  static constexpr protocol::Versions versions{0, protocol::highest_version};
  static constexpr protocol::Version flexible_since = protocol::highest_version;  // never

  protocol::Array<protocol::String> topics{};
  protocol::NullableBytes user_data{};
  protocol::Array<ConsumerProtocolPartitions> owned_partitions{};
  std::int32_t generation_id = -1;
  protocol::NullableString rack_id{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("topics", self.topics);
    field("user_data", self.user_data, protocol::nullable());
    field("owned_partitions", self.owned_partitions, protocol::since(1), protocol::ignorable);
    field("generation_id", self.generation_id, protocol::since(2), protocol::ignorable);
    field("rack_id", self.rack_id, protocol::since(3), protocol::nullable(3), protocol::ignorable);
  }
};

struct ConsumerProtocolAssignment {
  static constexpr std::string_view name = "ConsumerProtocolAssignment";
  static constexpr protocol::Versions versions{0, protocol::highest_version};
  static constexpr protocol::Version flexible_since = protocol::highest_version;  // never

  protocol::Array<ConsumerProtocolPartitions> assigned_partitions{};
  protocol::NullableBytes user_data{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("assigned_partitions", self.assigned_partitions);
    field("user_data", self.user_data, protocol::nullable());
  }
};

namespace {

constexpr protocol::Version newest_version = 3;

AssignedPartitions known_partitions(const std::vector<ConsumerProtocolPartitions>& topics,
                                    const TopicDirectory& directory) {
  AssignedPartitions known;
  for (const auto& topic : topics) {
    if (const auto facts = directory.find(topic.topic)) add_partitions(known, facts->id, topic.partitions);
  }
  return known;
}

}  // namespace

Result<ConsumerSubscription> decode_subscription(BytesView metadata, const TopicDirectory& directory) {
  auto decoded = protocol::decode_stored_record<ConsumerProtocolSubscription>(metadata);
  if (!decoded) return tl::unexpected(decoded.error());
  ConsumerSubscription subscription;
  subscription.topics.assign(decoded->topics.begin(), decoded->topics.end());
  std::ranges::sort(subscription.topics);
  subscription.topics.erase(std::ranges::unique(subscription.topics).begin(), subscription.topics.end());
  subscription.owned = known_partitions(decoded->owned_partitions, directory);
  if (decoded->rack_id) subscription.rack_id = *decoded->rack_id;
  return subscription;
}

Result<AssignedPartitions> decode_assignment(BytesView bytes, const TopicDirectory& directory) {
  if (bytes.empty()) return AssignedPartitions();
  auto decoded = protocol::decode_stored_record<ConsumerProtocolAssignment>(bytes);
  if (!decoded) return tl::unexpected(decoded.error());
  return known_partitions(decoded->assigned_partitions, directory);
}

std::vector<std::uint8_t> encode_assignment(const AssignedPartitions& partitions, BytesView metadata,
                                            const TopicDirectory& directory) {
  protocol::Version version = 0;
  if (metadata.size() >= sizeof(version)) version = load_big_endian<protocol::Version>(metadata.data());
  ConsumerProtocolAssignment assignment;
  for (const auto& [topic, indexes] : partitions) {
    if (const auto name = directory.name(topic); !name.empty())
      assignment.assigned_partitions.push_back({name, indexes});
  }
  auto encoded = protocol::encode_stored_record(assignment, std::clamp<protocol::Version>(version, 0, newest_version));
  return encoded ? std::move(*encoded) : std::vector<std::uint8_t>();
}

}  // namespace millrace::coordinator

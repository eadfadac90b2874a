#include "broker/coordinator/group_subscription.h"

#include "broker/protocol/stored_record_codec.h"

namespace millrace::coordinator {

struct ConsumerSubscription {
  static constexpr std::string_view name = "ConsumerProtocolSubscription";
  static constexpr protocol::Versions versions{0,
                                               protocol::highest_version};  // read as version 0, which all start with
  static constexpr protocol::Version flexible_since = protocol::highest_version;

  protocol::Array<protocol::String> topics{};
  protocol::NullableBytes user_data{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("topics", self.topics);
    field("user_data", self.user_data, protocol::nullable());
  }
};

Result<std::vector<std::string_view>> subscribed_topics(BytesView metadata) {
  auto subscription = protocol::decode_stored_record<ConsumerSubscription>(metadata);
  if (!subscription) return tl::unexpected(subscription.error());
  return std::move(subscription->topics);
}

}  // namespace millrace::coordinator

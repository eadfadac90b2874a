#include "broker/server/consumer_group_admission.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::server {
namespace {

using testing::HasSubstr;

TEST(ConsumerGroupAdmission, IsRefusedAsLongAsABrokerIsApacheKafka) {
  metadata::ClusterImageBuilder builder;
  auto add = [&](int id, bool is_millrace) {
    metadata::BrokerImage broker;
    broker.id = BrokerId(id);
    broker.is_millrace = is_millrace;
    builder.set_broker(broker);
  };
  EXPECT_EQ(refusal_of_new_members(builder.draft()), "");
  add(1, true);
  EXPECT_EQ(refusal_of_new_members(builder.draft()), "");
  add(2, false);
  EXPECT_THAT(refusal_of_new_members(builder.draft()), HasSubstr("while broker 2 is Apache Kafka"));
  builder.remove_broker(BrokerId(2));
  EXPECT_EQ(refusal_of_new_members(builder.draft()), "");
}

TEST(ConsumerGroupAdmission, KnowsWhoIsInAGroup) {
  coordinator::ConsumerGroup group("g");
  coordinator::ConsumerGroupMember member;
  member.id = "m";
  member.instance_id = "i";
  group.put_metadata(member);
  protocol::ConsumerGroupHeartbeatRequest request;
  request.group_id = "g";
  request.member_id = "other";
  EXPECT_TRUE(is_new_member(&group, request));
  EXPECT_TRUE(is_new_member(nullptr, request));
  request.member_epoch = 3;
  EXPECT_FALSE(is_new_member(&group, request)) << "the coordinator tells it that it is unknown";
  request.member_epoch = coordinator::leaving_member_epoch;
  EXPECT_FALSE(is_new_member(&group, request));
  request.member_epoch = coordinator::joining_member_epoch;
  request.member_id = "m";
  EXPECT_FALSE(is_new_member(&group, request)) << "it was fenced, and is there again";
  request.member_id = "new";
  request.instance_id = "i";
  EXPECT_FALSE(is_new_member(&group, request)) << "a static member that was restarted";
  request.instance_id = "j";
  EXPECT_TRUE(is_new_member(&group, request));
}

}  // namespace
}  // namespace millrace::server

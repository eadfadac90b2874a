// What requests of groups are told while the coordinator of their group is not here, not yet, or without its disk. What a coordinator in
// service says is compared with Kafka's answers by the compat suite.
#include "broker/server/group_calls.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>
#include <string_view>

#include "test/broker/server/broker_under_test.h"
#include "test/broker/server/damaged_file.h"

namespace millrace::server {
namespace {

using Errors = std::map<std::string_view, ErrorCode>;

const ConfigPairs one_partition{{"offsets.topic.num.partitions", "1"}, {"offsets.topic.replication.factor", "1"}};

protocol::OffsetCommitRequest commit_request(std::string_view group) {
  protocol::OffsetCommitRequest request;
  request.group_id = group;
  auto& topic = request.topics.emplace_back();
  topic.name = "topic";
  auto& partition = topic.partitions.emplace_back();
  partition.committed_offset = Offset(7);
  return request;
}

ErrorCode commit(Client& client, std::string_view group) {
  return client.ask(commit_request(group), 9)->topics.at(0).partitions.at(0).error_code;
}

ErrorCode find_coordinator(Client& client, std::string_view group) {
  protocol::FindCoordinatorRequest request;
  request.key = group;
  return client.ask(request, 3)->error_code;
}

template <class Request>
Request request_of(std::string_view group) {
  Request request;
  request.group_id = group;
  return request;
}

ErrorCode join(Client& client, std::string_view group) {
  auto request = request_of<protocol::JoinGroupRequest>(group);
  request.session_timeout_ms = 10'000;
  request.rebalance_timeout_ms = 10'000;
  request.protocol_type = "consumer";
  request.protocols.push_back({"range", {}});
  return client.ask(request, 3)->error_code;  // which needs no member id before
}

Errors offset_errors_of(Client& client, std::string_view group) {
  Errors errors;
  errors["OffsetCommit"] = commit(client, group);
  auto fetch = request_of<protocol::OffsetFetchRequest>(group);
  fetch.topics->push_back({"topic", {PartitionIndex(0)}});
  errors["OffsetFetch 1"] = client.ask(fetch, 1)->topics.at(0).partitions.at(0).error_code;
  errors["OffsetFetch 7"] = client.ask(fetch, 7)->error_code;
  protocol::OffsetFetchRequest fetch_groups;
  fetch_groups.groups.emplace_back().group_id = group;
  errors["OffsetFetch 9"] = client.ask(fetch_groups, 9)->groups.at(0).error_code;
  auto deletion = request_of<protocol::OffsetDeleteRequest>(group);
  deletion.topics.push_back({"topic", {{PartitionIndex(0)}}});
  errors["OffsetDelete"] = client.ask(deletion)->error_code;
  return errors;
}

Errors errors_of(Client& client, std::string_view group) {
  auto errors = offset_errors_of(client, group);
  errors["JoinGroup"] = join(client, group);
  auto sync = request_of<protocol::SyncGroupRequest>(group);
  sync.generation_id = 1;
  sync.member_id = "member";
  errors["SyncGroup"] = client.ask(sync, 4)->error_code;
  auto heartbeat = request_of<protocol::HeartbeatRequest>(group);
  heartbeat.member_id = "member";
  errors["Heartbeat"] = client.ask(heartbeat)->error_code;
  auto leave = request_of<protocol::LeaveGroupRequest>(group);
  leave.member_id = "member";
  errors["LeaveGroup"] = client.ask(leave, 2)->error_code;
  protocol::DescribeGroupsRequest description;
  description.groups.push_back(group);
  errors["DescribeGroups"] = client.ask(description, 5)->groups.at(0).error_code;
  protocol::DeleteGroupsRequest deletion;
  deletion.groups_names.push_back(group);
  errors["DeleteGroups"] = client.ask(deletion)->results.at(0).error_code;
  errors["ListGroups"] = client.ask(protocol::ListGroupsRequest{}, 4)->error_code;
  return errors;
}

// NOT_COORDINATOR for all but the list, which has no groups then.
void expect_no_coordinator(Client& client) {
  for (const auto& [api, error] : errors_of(client, "group")) {
    EXPECT_EQ(error, api == "ListGroups" ? ErrorCode::none : ErrorCode::not_coordinator) << api;
  }
}

TEST(GroupCalls, AreToldThatNobodyCoordinatesBeforeAnybodyHasLookedForACoordinator) {
  BrokerUnderTest broker(one_partition);
  Client client(broker);
  create_topic(client, "topic");
  expect_no_coordinator(client);
}

TEST(GroupCalls, AreToldThatNobodyCoordinatesWhereTheDiskOfThePartitionFails) {
  BrokerUnderTest broker(one_partition);
  Client client(broker);
  create_topic(client, "topic");
  // Its directory cannot be made where a file is.
  std::ofstream(broker.log_directory() + "/__consumer_offsets-0") << "in the way";
  find_coordinator(client, "group");
  expect_no_coordinator(client);
}

// As in Kafka: who was in a rebalance begins anew, who says that it lives is believed.
TEST(GroupCalls, AreToldThatTheCoordinatorLoadsAsLongAsItsLogCannotBeRead) {
  BrokerUnderTest broker(one_partition);
  {
    Client client(broker);
    create_topic(client, "topic");
    ASSERT_TRUE(eventually([&] { return find_coordinator(client, "group") == ErrorCode::none; }));
    ASSERT_TRUE(eventually([&] { return commit(client, "group") == ErrorCode::none; }));
  }
  const auto log = broker.log_directory() + "/__consumer_offsets-0/00000000000000000000.log";
  broker.restart([&] { damage_last_byte(log); });
  Client client(broker);
  for (const auto& [api, error] : errors_of(client, "group")) {
    auto expected = ErrorCode::coordinator_load_in_progress;
    if (api == "Heartbeat") expected = ErrorCode::none;
    if (api == "SyncGroup") expected = ErrorCode::rebalance_in_progress;
    EXPECT_EQ(error, expected) << api;
  }
}

TEST(GroupCalls, FindWhatWasCommittedAfterARestart) {
  BrokerUnderTest broker(one_partition);
  {
    Client client(broker);
    create_topic(client, "topic");
    ASSERT_TRUE(eventually([&] { return find_coordinator(client, "group") == ErrorCode::none; }));
    ASSERT_TRUE(eventually([&] { return commit(client, "group") == ErrorCode::none; }));
  }
  broker.restart([] {});
  Client client(broker);
  auto fetch = request_of<protocol::OffsetFetchRequest>("group");
  fetch.topics->push_back({"topic", {PartitionIndex(0)}});
  ASSERT_TRUE(eventually([&] { return client.ask(fetch, 7)->error_code == ErrorCode::none; }));
  EXPECT_EQ(client.ask(fetch, 7)->topics.at(0).partitions.at(0).committed_offset, Offset(7));
}

}  // namespace
}  // namespace millrace::server

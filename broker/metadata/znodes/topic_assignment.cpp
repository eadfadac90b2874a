#include "broker/metadata/znodes/topic_assignment.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include "broker/metadata/znodes/json_object.h"
#include "broker/metadata/znodes/kafka_map_order.h"

namespace millrace::metadata::znodes {
namespace {

using Replicas = std::vector<BrokerId>;

// {"0":[1,2],"1":[2,3]}
std::string encode_replicas(const TopicAssignment& assignment, Replicas PartitionAssignment::* member,
                            bool with_empty) {
  std::map<std::string, const Replicas*> by_name;
  std::vector<std::string> names;
  for (const auto& partition : assignment.partitions) {
    const auto& replicas = partition.*member;
    if (replicas.empty() && !with_empty) continue;
    auto name = std::to_string(partition.index.value());
    by_name.emplace(name, &replicas);
    names.push_back(std::move(name));
  }
  sort_as_scala_mutable_map(names);
  std::string out = "{";
  for (const auto& name : names) {
    if (out.size() > 1) out += ',';
    out += json_text(name) + ":" + array_of(*by_name[name]);
  }
  out += '}';
  return out;
}

std::optional<PartitionIndex> parse_index(std::string_view name) {
  std::int32_t index = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
  if (error != std::errc() || end != name.data() + name.size() || index < 0) return std::nullopt;
  return PartitionIndex(index);
}

Status read_replicas(const JsonObject& json, std::string_view field, Replicas PartitionAssignment::* member,
                     std::map<PartitionIndex, PartitionAssignment>& partitions) {
  auto object = json.object(field);
  if (!object) return tl::unexpected(std::move(object.error()));
  for (const auto& name : object->names()) {
    auto index = parse_index(name);
    if (!index) return json.corrupt("\"" + name + "\" is not a partition's index");
    auto replicas = object->broker_ids(name);
    if (!replicas) return tl::unexpected(std::move(replicas.error()));
    auto& partition = partitions[*index];
    partition.index = *index;
    partition.*member = std::move(*replicas);
  }
  return {};
}

}  // namespace

std::string encode(const TopicAssignment& assignment) {
  std::string out = R"({"partitions":)" + encode_replicas(assignment, &PartitionAssignment::replicas, true);
  if (!assignment.id.is_zero()) out += R"(,"topic_id":)" + json_text(to_string(assignment.id));
  out += R"(,"adding_replicas":)" + encode_replicas(assignment, &PartitionAssignment::adding, false);
  out += R"(,"removing_replicas":)" + encode_replicas(assignment, &PartitionAssignment::removing, false);
  out += R"(,"version":3})";
  return out;
}

Result<TopicAssignment> decode_topic_assignment(std::string_view payload) {
  auto json = JsonObject::parse(payload, "the topic's assignment");
  if (!json) return tl::unexpected(std::move(json.error()));
  TopicAssignment assignment;
  if (json->has("topic_id")) {
    auto id = json->text("topic_id").and_then([](const std::string& text) { return Uuid::parse(text); });
    if (!id) return json->corrupt("\"topic_id\": " + id.error().message);
    assignment.id = *id;
  }
  std::map<PartitionIndex, PartitionAssignment> partitions;
  auto read = read_replicas(*json, "partitions", &PartitionAssignment::replicas, partitions);
  auto known = partitions.size();
  if (read) read = read_replicas(*json, "adding_replicas", &PartitionAssignment::adding, partitions);
  if (read) read = read_replicas(*json, "removing_replicas", &PartitionAssignment::removing, partitions);
  if (!read) return tl::unexpected(std::move(read.error()));
  if (partitions.size() != known) return json->corrupt("a partition is reassigned that has no replicas");
  for (auto& [index, partition] : partitions) assignment.partitions.push_back(std::move(partition));
  return assignment;
}

}  // namespace millrace::metadata::znodes

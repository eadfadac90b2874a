#include "broker/coordinator/partition_assignor.h"

#include <algorithm>
#include <array>

#include "broker/coordinator/uniform_assignor.h"

namespace millrace::coordinator {
namespace {

constexpr std::array<PartitionAssignor, 2> assignors{
    {{.name = "uniform", .assign = assign_uniform}, {.name = "range", .assign = assign_range}}};

bool is_homogeneous(const AssignmentInput& input) {
  return std::ranges::all_of(input.members, [&](const auto& each) { return each.topics == input.members[0].topics; });
}

}  // namespace

std::span<const PartitionAssignor> partition_assignors() { return assignors; }

const PartitionAssignor* find_partition_assignor(std::string_view name) {
  const auto* const found = std::ranges::find(assignors, name, &PartitionAssignor::name);
  return found == assignors.end() ? nullptr : found;
}

std::size_t partition_count(const AssignedPartitions& partitions) {
  std::size_t count = 0;
  for (const auto& [topic, indexes] : partitions) count += indexes.size();
  return count;
}

AssignmentOutput assign_uniform(const AssignmentInput& input) {
  if (input.members.empty()) return {};
  return is_homogeneous(input) ? assign_uniform_homogeneous(input) : assign_uniform_heterogeneous(input);
}

}  // namespace millrace::coordinator

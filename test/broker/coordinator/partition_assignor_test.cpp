// What Kafka 4's own assignors made of random groups (assignments.txt), the cases that Kafka's tests name, and properties over seeds.
#include "broker/coordinator/partition_assignor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "broker/base/random.h"
#include "test/broker/protocol/golden_file.h"

namespace millrace::coordinator {
namespace {

TopicId topic_id(int number) {
  TopicId id;
  id.bytes[7] = static_cast<std::uint8_t>(number);
  return id;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) {
    if (part != "-") parts.push_back(part);
  }
  return parts;
}

// "1:0.2,3:1"
AssignedPartitions parse_partitions(const std::string& text) {
  AssignedPartitions partitions;
  for (const auto& topic : split(text, ',')) {
    const auto colon = topic.find(':');
    for (const auto& partition : split(topic.substr(colon + 1), '.'))
      partitions[topic_id(std::stoi(topic))].emplace_back(std::stoi(partition));
  }
  return partitions;
}

std::string to_text(const AssignedPartitions& partitions) {
  std::string text;
  for (const auto& [topic, indexes] : partitions) {
    text += (text.empty() ? "" : ",") + std::to_string(topic.bytes[7]) + ":";
    for (const auto index : indexes) text += (index == indexes.front() ? "" : ".") + std::to_string(index.value());
  }
  return text.empty() ? "-" : text;
}

// A group of the golden file's form: ID|INSTANCE|TOPIC,...|BEFORE|AFTER.
class Case {
 public:
  explicit Case(const std::string& line) {
    std::istringstream words(line);
    std::string topics;
    words >> assignor >> topics;
    for (const auto& topic : split(topics, ','))
      input.topic_partitions[topic_id(std::stoi(topic))] = std::stoi(topic.substr(topic.find(':') + 1));
    for (std::string word; words >> word;) members_.push_back(word);
    for (const auto& word : members_) {
      std::vector<std::string> parts;
      std::istringstream stream(word);
      for (std::string part; std::getline(stream, part, '|');) parts.push_back(part);
      ids_.push_back(parts[0]);
      instances_.push_back(parts[1]);
      before.push_back(parse_partitions(parts[3]));
      expected.push_back(parse_partitions(parts.size() > 4 ? parts[4] : "-"));
      auto& member = input.members.emplace_back();
      for (const auto& topic : split(parts[2], ',')) member.topics.push_back(topic_id(std::stoi(topic)));
    }
    for (std::size_t index = 0; index < ids_.size(); ++index) {
      input.members[index].id = ids_[index];
      if (instances_[index] != "-") input.members[index].instance_id = instances_[index];
      input.members[index].assigned = &before[index];
    }
  }

  [[nodiscard]] AssignmentOutput assign() const { return find_partition_assignor(assignor)->assign(input); }
  [[nodiscard]] std::string text(const AssignmentOutput& output) const {
    std::string all;
    for (std::size_t index = 0; index < output.size(); ++index)
      all += (index == 0 ? "" : " ") + ids_[index] + "=" + to_text(output[index]);
    return all;
  }
  [[nodiscard]] bool is_homogeneous() const {
    return std::ranges::all_of(input.members, [&](const auto& each) { return each.topics == input.members[0].topics; });
  }
  // How many of the partitions that members had they keep.
  [[nodiscard]] std::size_t kept(const AssignmentOutput& output) const {
    std::size_t count = 0;
    for (std::size_t index = 0; index < output.size(); ++index) {
      for (const auto& [topic, partitions] : before[index]) {
        const auto now = output[index].find(topic);
        if (now == output[index].end()) continue;
        count += static_cast<std::size_t>(std::ranges::count_if(
            partitions, [&](PartitionIndex each) { return std::ranges::binary_search(now->second, each); }));
      }
    }
    return count;
  }

  std::string assignor;
  AssignmentInput input;
  std::vector<AssignedPartitions> before;
  AssignmentOutput expected;

 private:
  std::vector<std::string> members_;
  std::vector<std::string> ids_;
  std::vector<std::string> instances_;
};

std::vector<std::size_t> sizes(const AssignmentOutput& output) {
  std::vector<std::size_t> all;
  for (const auto& share : output) all.push_back(partition_count(share));
  std::ranges::sort(all);
  return all;
}

// Each partition of a topic with subscribers belongs to one of them, in ascending order.
void expect_valid(const AssignmentInput& input, const AssignmentOutput& output) {
  ASSERT_EQ(output.size(), input.members.size());
  std::map<TopicId, std::set<PartitionIndex>> owned;
  for (std::size_t index = 0; index < output.size(); ++index) {
    for (const auto& [topic, partitions] : output[index]) {
      EXPECT_TRUE(std::ranges::binary_search(input.members[index].topics, topic));
      EXPECT_FALSE(partitions.empty());
      EXPECT_TRUE(std::ranges::is_sorted(partitions));
      for (const auto partition : partitions) EXPECT_TRUE(owned[topic].insert(partition).second) << "two owners";
    }
  }
  for (const auto& [topic, count] : input.topic_partitions) {
    const bool has_subscribers = std::ranges::any_of(
        input.members, [&](const auto& each) { return std::ranges::binary_search(each.topics, topic); });
    EXPECT_EQ(owned[topic].size(), has_subscribers ? static_cast<std::size_t>(count) : 0);
  }
}

TEST(PartitionAssignor, SharesOutWhatKafkasOwnDo) {
  std::size_t cases = 0;
  for (const auto& line : protocol::test::golden_lines("assignments.txt")) {
    const Case golden(line);
    const auto output = golden.assign();
    ++cases;
    expect_valid(golden.input, output);
    if (golden.assignor == "uniform" && golden.is_homogeneous()) {
      EXPECT_EQ(sizes(output), sizes(golden.expected)) << line;
      EXPECT_GE(golden.kept(output), golden.kept(golden.expected)) << line;
    } else {
      EXPECT_EQ(golden.text(output), golden.text(golden.expected)) << line;
    }
  }
  EXPECT_GT(cases, 400U);
}

std::string assigned(const std::string& line) {
  const Case each(line);
  const auto output = each.assign();
  expect_valid(each.input, output);
  return each.text(output);
}

// The cases of UniformHeterogeneousAssignmentBuilderTest, OptimizedUniformAssignmentBuilderTest and RangeAssignorTest.
TEST(PartitionAssignor, NamesItselfAsKafkasDo) {
  EXPECT_EQ(partition_assignors()[0].name, "uniform");
  EXPECT_NE(find_partition_assignor("range"), nullptr);
  EXPECT_EQ(find_partition_assignor("simple"), nullptr);
  EXPECT_TRUE(find_partition_assignor("uniform")->assign({}).empty());
  EXPECT_TRUE(find_partition_assignor("range")->assign({}).empty());
}

TEST(UniformAssignor, GivesNothingToWhoSubscribesToNothing) {
  EXPECT_EQ(assigned("uniform 1:3 A|-|-|-| B|-|-|-|"), "A=- B=-");
  EXPECT_EQ(assigned("uniform 1:3,2:2 A|-|1,2|-| B|-|-|-|"), "A=1:0.1.2,2:0.1 B=-");
  EXPECT_EQ(assigned("uniform 1:3 A|-|4|-|"), "A=-");
}

TEST(UniformAssignor, SpreadsTopicsEvenly) {
  EXPECT_EQ(assigned("uniform 1:3,3:2 A|-|1,3|-| B|-|1,3|-|"), "A=1:0.1.2 B=3:0.1");
  EXPECT_EQ(assigned("uniform 3:2 A|-|3|-| B|-|3|-| C|-|3|-|"), "A=3:0 B=3:1 C=-");
}

TEST(UniformAssignor, MovesOnlyWhatBalanceAsksFor) {
  // A member comes, one goes, a topic grows, a subscription ends.
  EXPECT_EQ(assigned("uniform 1:3,2:3 A|-|1,2|1:0.2,2:0| B|-|1,2|1:1,2:1.2| C|-|1,2|-|"), "A=1:0.2 B=1:1,2:1 C=2:0.2");
  EXPECT_EQ(assigned("uniform 1:3,2:3 A|-|1,2|1:0,2:0| B|-|1,2|1:1,2:1|"), "A=1:0.2,2:0 B=1:1,2:1.2");
  EXPECT_EQ(assigned("uniform 1:6,2:5 A|-|1,2|1:0.2,2:0| B|-|1,2|1:1,2:1.2|"), "A=1:0.2.3.4.5,2:0 B=1:1,2:1.2.3.4");
  EXPECT_EQ(assigned("uniform 1:2,2:2 A|-|2|1:0,2:0| B|-|2|1:1,2:1|"), "A=2:0 B=2:1");
}

TEST(UniformAssignor, LeavesWhatIsLeftOverWithThoseWhoHaveIt) {
  EXPECT_EQ(assigned("uniform 1:3 A|-|1|1:2| B|-|1|1:0.1|"), "A=1:2 B=1:0.1");
}

TEST(UniformAssignor, BalancesUnlikeSubscriptions) {
  EXPECT_EQ(assigned("uniform 1:3,3:6 A|-|1,3|-| B|-|3|-|"), "A=1:0.1.2,3:4 B=3:0.1.2.3.5");
  EXPECT_EQ(assigned("uniform 1:2,2:2,3:3 A|-|1,2|1:0.1,2:0.1| B|-|2,3|3:0.1.2| C|-|3|-|"),
            "A=1:0.1,2:0 B=2:1,3:0 C=3:1.2");
}

TEST(RangeAssignor, GivesRunsInTheOrderOfTheMembers) {
  EXPECT_EQ(assigned("range 1:3,3:2 A|-|1,3|-| B|-|1,3|-|"), "A=1:0.1,3:0 B=1:2,3:1");
  EXPECT_EQ(assigned("range 1:3,3:2 B|-|1,3|-| A|-|1,3|-|"), "B=1:2,3:1 A=1:0.1,3:0");
  EXPECT_EQ(assigned("range 1:3,2:3,3:2 A|-|1,2|-| B|-|3|-| C|-|2,3|-|"), "A=1:0.1.2,2:0.1 B=3:0 C=2:2,3:1");
  EXPECT_EQ(assigned("range 1:3,3:2 A|-|1,3|-| B|-|1,3|-| C|-|1,3|-|"), "A=1:0,3:0 B=1:1,3:1 C=1:2");
}

TEST(RangeAssignor, GivesPartitionsOfTheSameNumberToTheSameMember) {
  EXPECT_EQ(assigned("range 1:5,2:5 A|-|1,2|-| B|-|1,2|-| C|-|1,2|-|"), "A=1:0.1,2:0.1 B=1:2.3,2:2.3 C=1:4,2:4");
}

TEST(RangeAssignor, KeepsThePlacesOfStaticMembersUnderNewIds) {
  EXPECT_EQ(assigned("range 1:3 A|i1|1|-| B|i2|1|-|"), "A=1:0.1 B=1:2");
  EXPECT_EQ(assigned("range 1:3 Z|i1|1|-| B|i2|1|-|"), "Z=1:0.1 B=1:2");
  EXPECT_EQ(assigned("range 1:5 A|-|1|-| B|i2|1|-| C|i1|1|-|"), "A=1:4 B=1:2.3 C=1:0.1");
}

// A group that changes at random; each assignment starts from the one before.
struct RandomGroup {
  explicit RandomGroup(std::uint64_t seed) : random(seed) {
    topic_count = 1 + random.below(5);
    for (std::size_t topic = 1; topic <= topic_count; ++topic)
      input.topic_partitions[topic_id(static_cast<int>(topic))] = static_cast<std::int32_t>(random.below(20));
  }

  void change(bool is_homogeneous) {
    if (ids.size() > 1 && random.below(2) == 0) {
      const auto leaving = std::next(ids.begin(), static_cast<std::ptrdiff_t>(random.below(ids.size())));
      assigned.erase(*leaving);
      ids.erase(leaving);
    }
    ids.insert("m" + std::to_string(random.below(30)));
    input.members.clear();
    for (const auto& id : ids) {
      auto& member = input.members.emplace_back();
      member.id = id;
      for (const auto& [topic, count] : input.topic_partitions) {
        if (is_homogeneous || random.below(3) != 0) member.topics.push_back(topic);
      }
      member.assigned = &assigned[id];
    }
  }

  void keep(const AssignmentOutput& output) {
    for (std::size_t index = 0; index < output.size(); ++index)
      assigned[std::string(input.members[index].id)] = output[index];
  }

  SeededRandom random;
  std::size_t topic_count = 0;
  AssignmentInput input;
  std::set<std::string> ids;
  std::map<std::string, AssignedPartitions> assigned;
};

class AssignorProperties : public testing::TestWithParam<const char*> {};

TEST_P(AssignorProperties, HoldForRandomGroups) {
  const auto* const assignor = find_partition_assignor(GetParam());
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    RandomGroup group(seed);
    const bool is_homogeneous = seed % 2 == 0;
    for (int step = 0; step < 20; ++step) {
      group.change(is_homogeneous);
      const auto output = assignor->assign(group.input);
      expect_valid(group.input, output);
      if (is_homogeneous && assignor->name == "uniform") {
        const auto all = sizes(output);
        EXPECT_LE(all.back() - all.front(), 1U) << "seed " << seed;
      }
      group.keep(output);
      // What is balanced stays as it is, in whatever order the members come.
      std::ranges::reverse(group.input.members);
      auto again = assignor->assign(group.input);
      std::ranges::reverse(again);
      std::ranges::reverse(group.input.members);
      if (is_homogeneous || assignor->name == "range") EXPECT_EQ(again, output) << "seed " << seed;
      if (testing::Test::HasFailure()) return;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, AssignorProperties, testing::Values("uniform", "range"));

}  // namespace
}  // namespace millrace::coordinator

// Topic by topic, those with the most partitions for each subscriber first: what nobody has goes to whoever of its subscribers has the
// least; then partitions move from who has the most to who has the least, until no topic's subscribers are two apart that could be
// brought closer by it, or that does not end.
#include <algorithm>
#include <set>
#include <tuple>

#include "broker/coordinator/uniform_assignor.h"

namespace millrace::coordinator {
namespace {

// Where subscriptions overlap without being alike a round may undo a part of the one before; each about halves the imbalance.
constexpr int balancing_rounds = 16;
constexpr int nobody = -1;

class HeterogeneousAssignment {
 public:
  explicit HeterogeneousAssignment(const AssignmentInput& input) : input_(input), order_(members_by_id(input)) {
    sizes_.resize(order_.size());
    for (std::size_t member = 0; member < order_.size(); ++member) {
      for (const auto& id : input.members[order_[member]].topics) {
        if (partition_count(input, id) > 0) topics_[id].subscribers.push_back(static_cast<int>(member));
      }
    }
    for (auto& [id, topic] : topics_) {
      topic.id = id;
      topic.owners.assign(static_cast<std::size_t>(partition_count(input, id)), nobody);
    }
  }

  AssignmentOutput run() {
    keep_what_is_subscribed();
    const auto sorted = sorted_topics();
    for (Topic* const topic : sorted) assign_unowned(*topic);
    balance(sorted);
    AssignmentOutput shares(order_.size());
    for (const auto& [id, topic] : topics_) {
      for (std::size_t partition = 0; partition < topic.owners.size(); ++partition)
        shares[order_[static_cast<std::size_t>(topic.owners[partition])]][id].emplace_back(
            static_cast<std::int32_t>(partition));
    }
    return shares;
  }

 private:
  // Members are numbers here, in the order of their ids.
  struct Topic {
    TopicId id;
    std::vector<int> subscribers;  // ascending
    std::vector<int> owners;       // by partition

    [[nodiscard]] auto rank() const {
      const auto count = static_cast<double>(subscribers.size());
      return std::make_tuple(-static_cast<double>(owners.size()) / count, subscribers.size(), id);
    }
  };
  // A topic's subscribers as they are loaded: by size, then by their places when the topic's turn came.
  using Loads = std::set<std::pair<std::size_t, std::size_t>>;

  [[nodiscard]] std::size_t& size_of(int member) { return sizes_[static_cast<std::size_t>(member)]; }

  void keep_what_is_subscribed() {
    for (std::size_t member = 0; member < order_.size(); ++member) {
      const AssignmentMember& each = input_.members[order_[member]];
      if (each.assigned == nullptr) continue;
      for (const auto& [id, partitions] : *each.assigned) {
        const auto topic = topics_.find(id);
        if (topic == topics_.end() || !std::ranges::binary_search(each.topics, id)) continue;
        for (const PartitionIndex partition : partitions) {
          if (static_cast<std::size_t>(partition.value()) >= topic->second.owners.size()) continue;
          topic->second.owners[static_cast<std::size_t>(partition.value())] = static_cast<int>(member);
          ++sizes_[member];
        }
      }
    }
  }

  std::vector<Topic*> sorted_topics() {
    std::vector<Topic*> sorted;
    sorted.reserve(topics_.size());
    for (auto& [id, topic] : topics_) sorted.push_back(&topic);
    std::ranges::sort(sorted, {}, [](const Topic* topic) { return topic->rank(); });
    return sorted;
  }

  // The subscribers by how much they have.
  std::vector<int> by_load(const Topic& topic) {
    std::vector<int> members = topic.subscribers;
    std::ranges::sort(members, {}, [&](int member) { return std::make_pair(size_of(member), member); });
    return members;
  }
  Loads loads(const std::vector<int>& members) {
    Loads all;
    for (std::size_t place = 0; place < members.size(); ++place) all.emplace(size_of(members[place]), place);
    return all;
  }

  void assign_unowned(Topic& topic) {
    if (std::ranges::find(topic.owners, nobody) == topic.owners.end()) return;
    const auto members = by_load(topic);
    Loads all = loads(members);
    for (int& owner : topic.owners) {
      if (owner != nobody) continue;
      const auto [size, place] = *all.begin();
      all.erase(all.begin());
      all.emplace(size + 1, place);
      owner = members[place];
      ++size_of(owner);
    }
  }

  void balance(const std::vector<Topic*>& sorted) {
    const Topic* last_changed = nullptr;
    for (int round = 0; round < balancing_rounds; ++round) {
      for (Topic* const topic : sorted) {
        if (topic->subscribers.size() < 2) continue;
        if (topic == last_changed) return;  // all others have been looked at since, and none has changed
        if (balance(*topic) || last_changed == nullptr) last_changed = topic;
      }
    }
  }

  // Whether partitions of the topic have moved.
  bool balance(Topic& topic) {
    const auto members = by_load(topic);
    if (size_of(members.back()) - size_of(members.front()) <= 1) return false;
    std::map<int, std::vector<std::size_t>> owned;  // by owner: its partitions of the topic, ascending
    for (std::size_t partition = 0; partition < topic.owners.size(); ++partition)
      owned[topic.owners[partition]].push_back(partition);
    Loads receivers = loads(members);
    Loads givers = receivers;
    bool has_moved = false;
    while (!givers.empty()) {
      const auto [most, giver] = *givers.rbegin();
      auto& to_give = owned[members[giver]];
      if (to_give.empty()) {
        givers.erase(std::prev(givers.end()));
        continue;
      }
      const auto [least, receiver] = *receivers.begin();
      if (most - least <= 1) break;
      topic.owners[to_give.back()] = members[receiver];
      to_give.pop_back();
      change_load(receivers, givers, {most, giver}, most - 1);
      change_load(receivers, givers, {least, receiver}, least + 1);
      --size_of(members[giver]);
      ++size_of(members[receiver]);
      has_moved = true;
    }
    return has_moved;
  }

  static void change_load(Loads& receivers, Loads& givers, Loads::value_type load, std::size_t size) {
    receivers.erase(load);
    receivers.emplace(size, load.second);
    if (givers.erase(load) > 0) givers.emplace(size, load.second);
  }

  const AssignmentInput& input_;
  std::vector<std::size_t> order_;
  std::vector<std::size_t> sizes_;  // how many partitions each member has
  std::map<TopicId, Topic> topics_;
};

}  // namespace

AssignmentOutput assign_uniform_heterogeneous(const AssignmentInput& input) {
  return HeterogeneousAssignment(input).run();
}

}  // namespace millrace::coordinator

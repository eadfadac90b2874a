// What one client fetches again and again (KIP-227): its partitions with what it asked for and what it was told last,
// so that a request names only what changed and an answer holds only what is new (Kafka: FetchSession,
// CachedPartition).
//
//   epoch 1, 2, …: each request carries the number of the one that is expected; another one is out of order.
//   order: partitions that gave records go to the end, so that with a small max_bytes all have their turn.
//
// No I/O and no clock. Not locked: fetch_sessions.h does it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/base/types.h"
#include "broker/base/uuid.h"
#include "broker/protocol/messages/fetch.h"

namespace millrace::server {

// One partition that is to be fetched.
struct FetchTarget {
  TopicId topic_id{};  // zero where the client goes by names
  // Null while no topic of that id is known.
  std::shared_ptr<const std::string> topic;
  protocol::FetchRequest::Topic::Partition wanted;
};

// What of an answer for a partition decides whether the client must hear it.
struct FetchAnswerSummary {
  Offset high_watermark = Offset::none();
  Offset log_start_offset = Offset::none();
  bool has_records = false;
  bool has_error = false;
  bool is_news = false;  // a diverging epoch, or a replica to read from
};

class FetchSession {
 public:
  // Numbers of a session's requests: 0 begins one, -1 ends it; after the highest comes 1.
  static constexpr std::int32_t initial_epoch = 0;
  static constexpr std::int32_t final_epoch = -1;
  static std::int32_t next_epoch(std::int32_t epoch);

  FetchSession(std::int32_t id, bool by_ids) : id_(id), by_ids_(by_ids) {}

  [[nodiscard]] std::int32_t id() const { return id_; }
  // Whether its topics go by their ids: a client that changes between ids and names starts anew.
  [[nodiscard]] bool by_ids() const { return by_ids_; }
  [[nodiscard]] std::int32_t epoch() const { return epoch_; }
  void advance_epoch() { epoch_ = next_epoch(epoch_); }
  [[nodiscard]] std::size_t size() const { return order_.size(); }

  // Adds the partition, or takes over what is asked of it now. With an answer: what the client is told of it.
  void set(const FetchTarget& target, const FetchAnswerSummary* answer = nullptr);
  void forget(const TopicId& topic_id, std::string_view topic, PartitionIndex partition);
  // How many of these are not in the session.
  [[nodiscard]] std::size_t count_new(std::span<const FetchTarget> targets) const;

  // Every partition in the session's order. `name_of` gives the names of topics that were not known so far, or null.
  template <class NameOf>
  std::vector<FetchTarget> targets(const NameOf& name_of) {
    std::vector<FetchTarget> all;
    all.reserve(order_.size());
    for (auto& cached : order_) {
      if (!cached.target.topic) cached.target.topic = name_of(cached.target.topic_id);
      all.push_back(cached.target);
    }
    return all;
  }

  // Whether the client must hear this answer; what it was told last is kept. One that left the session meanwhile is not
  // told.
  bool tell(const FetchTarget& target, const FetchAnswerSummary& answer);

 private:
  struct Cached {
    FetchTarget target;
    Offset high_watermark = Offset::none();
    Offset log_start_offset = Offset::none();
  };
  using Order = std::list<Cached>;
  struct Key {
    TopicId topic_id{};
    std::string_view topic;  // of the cached partition; empty where there is an id
    PartitionIndex partition{};

    friend bool operator==(const Key&, const Key&) = default;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const noexcept;
  };

  [[nodiscard]] Key key_of(const TopicId& topic_id, std::string_view topic, PartitionIndex partition) const {
    return by_ids_ ? Key{topic_id, {}, partition} : Key{{}, topic, partition};
  }
  [[nodiscard]] Key key_of(const FetchTarget& target) const {
    return key_of(target.topic_id, target.topic ? std::string_view(*target.topic) : std::string_view(),
                  target.wanted.partition);
  }

  const std::int32_t id_;
  const bool by_ids_;
  std::int32_t epoch_ = 1;
  Order order_;
  std::unordered_map<Key, Order::iterator, Hash> index_;
  // The name that was stored last: partitions of one topic come together and share it.
  std::shared_ptr<const std::string> last_topic_;
};

}  // namespace millrace::server

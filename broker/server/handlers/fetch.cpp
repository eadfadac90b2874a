#include "broker/server/handlers/fetch.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/metadata/cluster_image.h"
#include "broker/replication/fetch_wait.h"
#include "broker/replication/replica_manager.h"
#include "broker/server/configuration/broker_configuration.h"
#include "broker/server/error_translation.h"
#include "broker/server/fan_out.h"
#include "broker/server/request_context.h"
#include "broker/server/waiting_fetches.h"

namespace millrace::server {
namespace {

using protocol::ErrorCode;
using protocol::FetchRequest;
using protocol::FetchResponse;
using WantedPartition = FetchRequest::Topic::Partition;
using AnsweredPartition = FetchResponse::Topic::Partition;

constexpr protocol::Version first_version_with_whole_batches =
    4;  // of the format that is stored; older ones want it converted down
constexpr protocol::Version first_version_with_topic_ids = 13;
constexpr protocol::Version first_version_with_max_bytes = 3;

// One partition of the request on its way to its owner and back.
struct Read {
  const WantedPartition* wanted;
  std::string_view topic;
  ErrorCode refusal = ErrorCode::none;  // set: it goes nowhere
  replication::PartitionFetchOutcome outcome = tl::unexpected(replication::FetchFailure{});
  std::uint64_t granted_bytes = 0;  // of what it found, by the request's max_bytes
};

ErrorCode check_read(const WantedPartition& wanted, const FetchRequest::Topic& topic, const metadata::TopicImage* known,
                     protocol::Version version) {
  const bool by_id = version >= first_version_with_topic_ids;
  if (known == nullptr) return by_id ? ErrorCode::unknown_topic_id : ErrorCode::unknown_topic_or_partition;
  if (by_id && known->id != topic.topic_id) return ErrorCode::inconsistent_topic_id;
  if (known->partition(wanted.partition) == nullptr) return ErrorCode::unknown_topic_or_partition;
  return ErrorCode::none;
}

class FetchWork {
 public:
  FetchWork(const FetchRequest& request, RequestContext& context) : request_(request), context_(context) {
    const bool by_id = context.version() >= first_version_with_topic_ids;
    for (const auto& topic : request.topics) {
      auto known = by_id ? context.image().topic(topic.topic_id) : context.image().topic(topic.topic);
      // By name as this broker knows it: the request's own may be absent.
      std::string_view name = known ? std::string_view(known->name) : topic.topic;
      context.keep(known);
      for (const auto& wanted : topic.partitions) {
        auto& read = reads_.emplace_back(Read{&wanted, name});
        read.refusal = check_read(wanted, topic, known.get(), context.version());
        owners_.push_back(read.refusal == ErrorCode::none
                              ? replication::owner_of(name, wanted.partition, context.services().shards.size())
                              : no_owner);
      }
    }
  }

  // Reads every partition; the first that has something gets its first batch whole even when it is too large (KIP-74).
  Task<bool> read_all() {
    auto& replicas = context_.services().replicas;
    auto visit = [this, &replicas](ShardId shard, std::size_t index, Job arrive) {
      auto& read = reads_[index];
      auto partition = replicas.table(shard).find(read.topic, read.wanted->partition);
      if (!partition) {
        read.outcome = tl::unexpected(replication::FetchFailure{replication::PartitionRefusal::not_leader, {}});
        return arrive();
      }
      replication::FetchCall call;
      call.offset = read.wanted->fetch_offset;
      call.current_leader_epoch = read.wanted->current_leader_epoch;
      call.max_bytes = std::min(max_bytes(), static_cast<std::uint64_t>(std::max(read.wanted->partition_max_bytes, 0)));
      call.min_one_message = context_.version() >= first_version_with_max_bytes;
      call.read_committed = request_.isolation_level == protocol::IsolationLevel::read_committed;
      partition->fetch(call, [&read, arrive = std::move(arrive)](replication::PartitionFetchOutcome outcome) mutable {
        read.outcome = std::move(outcome);
        arrive();
      });
    };
    co_await fan_out(context_.shard(), context_.services().shards, owners_, std::move(visit));
    grant();
    co_return true;
  }

  // Whether the answer must go now (Kafka: ReplicaManager.fetchMessages): enough bytes, nothing to wait for, or news that
  // the client must hear.
  [[nodiscard]] bool is_complete() const {
    if (request_.max_wait_ms <= 0 || reads_.empty() || context_.connection().closed) return true;
    for (const auto& read : reads_) {
      if (read.refusal != ErrorCode::none || !read.outcome) return true;
    }
    return total_bytes_ >= min_bytes();
  }

  Task<bool> wait() {
    auto& home = context_.shard();
    auto& waiting = context_.services().waiting_fetches;
    const auto& connection = context_.connection();
    co_await completion<bool>([&](UniqueFunction<void(bool)> done) {
      auto missing = static_cast<std::int64_t>(min_bytes() - total_bytes_);
      wait_ =
          std::make_shared<replication::FetchWait>(home, missing, [done = std::move(done)]() mutable { done(true); });
      timer_ = home.after(std::chrono::milliseconds(request_.max_wait_ms), [wait = wait_] { wait->fire(); });
      waiting.add(home.id(), connection.id, wait_);
      for_each_partition([wait = wait_](replication::Partition* partition, Offset seen) {
        // One that has gone since it was read is news for the client.
        if (partition == nullptr) return wait->fire();
        partition->wait_for_records(wait, seen);
      });
    });
    home.cancel(timer_);
    waiting.remove(home.id(), connection.id, wait_.get());
    for_each_partition([wait = wait_](replication::Partition* partition, Offset) {
      if (partition != nullptr) partition->forget(wait.get());
    });
    co_return true;
  }

  FetchResponse response() {
    FetchResponse response;
    std::size_t next = 0;
    for (const auto& topic : request_.topics) {
      if (topic.partitions.empty()) continue;
      auto& answered = response.responses.emplace_back();
      answered.topic = topic.topic;
      answered.topic_id = topic.topic_id;
      answered.partitions.reserve(topic.partitions.size());
      for (std::size_t i = 0; i < topic.partitions.size(); ++i)
        answered.partitions.push_back(answer_of(reads_[next++]));
    }
    return response;
  }

 private:
  [[nodiscard]] std::uint64_t max_bytes() const {
    auto asked = context_.version() >= first_version_with_max_bytes ? request_.max_bytes : 0x7fffffff;
    return std::min(static_cast<std::uint64_t>(std::max(asked, 0)),
                    static_cast<std::uint64_t>(context_.services().configuration.fetch_max_bytes));
  }
  [[nodiscard]] std::uint64_t min_bytes() const {
    return std::min(static_cast<std::uint64_t>(std::max(request_.min_bytes, 0)), max_bytes());
  }

  // Shares max_bytes out in the request's order.
  void grant() {
    total_bytes_ = 0;
    for (auto& read : reads_) {
      read.granted_bytes = 0;
      if (read.refusal != ErrorCode::none || !read.outcome) continue;
      const auto found = read.outcome->records.length_bytes;
      const auto left = max_bytes() - std::min(max_bytes(), total_bytes_);
      const auto asked = static_cast<std::uint64_t>(std::max(read.wanted->partition_max_bytes, 0));
      // The first answer that has anything may be larger than every limit, so that a consumer always gets on.
      const bool may_exceed = total_bytes_ == 0 && context_.version() >= first_version_with_max_bytes;
      read.granted_bytes = may_exceed ? found : std::min({found, left, asked});
      // A batch that is cut is of no use to the client. Before version 3 it is not waited for either.
      const bool is_cut = read.granted_bytes < read.outcome->first_batch_bytes;
      if (!is_cut || context_.version() < first_version_with_max_bytes) total_bytes_ += read.granted_bytes;
      if (is_cut) read.granted_bytes = 0;
    }
  }

  // Visits every readable partition (null: gone since) on its owner's shard, with the end that the last read saw.
  template <class Visit>
  void for_each_partition(const Visit& visit) {
    struct Target {
      std::string topic;
      PartitionIndex partition;
      Offset seen;
    };
    auto& services = context_.services();
    std::vector<std::vector<Target>> targets(services.shards.size());
    for (std::size_t i = 0; i < reads_.size(); ++i) {
      if (owners_[i] == no_owner || !reads_[i].outcome) continue;
      // Waiting is for the high watermark to move: a stable offset below it moves with a marker, which moves it too.
      targets[owners_[i]].push_back(
          {std::string(reads_[i].topic), reads_[i].wanted->partition, reads_[i].outcome->high_watermark});
    }
    for (ShardId id = 0; id < targets.size(); ++id) {
      if (targets[id].empty()) continue;
      services.shards.at(id).post([&replicas = services.replicas, id, visit, here = std::move(targets[id])] {
        for (const auto& target : here) {
          visit(replicas.table(id).find(target.topic, target.partition).get(), target.seen);
        }
      });
    }
  }

  [[nodiscard]] AnsweredPartition answer_of(const Read& read) const {
    AnsweredPartition answer;
    answer.partition_index = read.wanted->partition;
    answer.high_watermark = Offset::none();
    answer.error_code = read.refusal;
    answer.records = protocol::Records(BytesView());
    if (read.refusal != ErrorCode::none) return answer;
    answer.aborted_transactions.reset();
    if (!read.outcome) answer.error_code = error_code_of(read.outcome.error());
    if (read.granted_bytes > 0 && context_.version() < first_version_with_whole_batches)
      answer.error_code = ErrorCode::unsupported_version;
    if (answer.error_code != ErrorCode::none) return answer;
    answer.high_watermark = read.outcome->high_watermark;
    answer.last_stable_offset = read.outcome->last_stable_offset;
    answer.log_start_offset = read.outcome->log_start_offset;
    // No transaction can have been aborted, as none can begin.
    if (request_.isolation_level == protocol::IsolationLevel::read_committed) answer.aborted_transactions.emplace();
    if (read.granted_bytes > 0) {
      answer.records =
          protocol::Records(FileSlice{read.outcome->records.file, read.outcome->records.position, read.granted_bytes});
    }
    return answer;
  }

  const FetchRequest& request_;
  RequestContext& context_;
  std::vector<Read> reads_;
  std::vector<ShardId> owners_;
  std::uint64_t total_bytes_ = 0;
  replication::FetchWaitPointer wait_;
  Shard::TimerId timer_ = 0;
};

}  // namespace

Task<Result<std::optional<FetchResponse>>> FetchHandler::handle(const Request& request, RequestContext& context) {
  // No session is kept: a client that is answered with session 0 sends every partition each time (KIP-227). A fetch that
  // begins a session, or ends one, is a full one whatever id it has.
  constexpr std::int32_t first_of_session = 0;
  constexpr std::int32_t last_of_session = -1;
  if (request.session_epoch != first_of_session && request.session_epoch != last_of_session) {
    Response response;
    response.error_code = ErrorCode::fetch_session_id_not_found;
    co_return response;
  }
  FetchWork work(request, context);
  co_await work.read_all();
  if (!work.is_complete()) {
    co_await work.wait();
    co_await work.read_all();
  }
  co_return work.response();
}

}  // namespace millrace::server

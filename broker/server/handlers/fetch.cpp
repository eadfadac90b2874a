#include "broker/server/handlers/fetch.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/metadata/cluster_image.h"
#include "broker/replication/error_translation.h"
#include "broker/replication/fetch_wait.h"
#include "broker/replication/replica_manager.h"
#include "broker/server/configuration/broker_configuration.h"
#include "broker/server/fan_out.h"
#include "broker/server/fetch_conversion.h"
#include "broker/server/fetch_sessions.h"
#include "broker/server/request_context.h"
#include "broker/server/waiting_fetches.h"

namespace millrace::server {
namespace {

using protocol::ErrorCode;
using protocol::FetchRequest;
using protocol::FetchResponse;
using WantedPartition = FetchRequest::Topic::Partition;
using AnsweredPartition = FetchResponse::Topic::Partition;

constexpr protocol::Version first_version_with_magic_1 = 2;
constexpr protocol::Version first_version_with_batches = 4;  // of the format that is stored
constexpr protocol::Version first_version_with_zstd = 10;
constexpr protocol::Version first_version_with_topic_ids = 13;
constexpr protocol::Version first_version_with_max_bytes = 3;
constexpr protocol::Version first_version_with_replica_state = 15;

// One partition of the request on its way to its owner and back.
struct Read {
  const FetchTarget* target = nullptr;
  const WantedPartition* wanted = nullptr;
  std::string_view topic;
  ErrorCode refusal = ErrorCode::none;  // set: it goes nowhere
  replication::PartitionFetchOutcome outcome = tl::unexpected(replication::FetchFailure{});
  std::uint64_t granted_bytes = 0;  // of what it found, by the request's max_bytes
  AnsweredPartition answer;
};

ErrorCode check_read(const FetchTarget& target, const metadata::TopicImage* known, bool by_id) {
  if (!target.topic) return ErrorCode::unknown_topic_id;
  if (known == nullptr || known->partition(target.wanted.partition) == nullptr)
    return ErrorCode::unknown_topic_or_partition;
  // A session remembers the name that an id had: another topic of that name may have come since.
  if (by_id && known->id != target.topic_id) return ErrorCode::inconsistent_topic_id;
  return ErrorCode::none;
}

std::shared_ptr<const std::string> name_in(const metadata::ClusterImage& image, const TopicId& id) {
  auto known = image.topic(id);
  if (!known) return nullptr;
  const auto* name = &known->name;
  return {std::move(known), name};
}

std::vector<FetchTarget> targets_of(const FetchRequest& request, bool by_id, const metadata::ClusterImage& image) {
  std::vector<FetchTarget> targets;
  for (const auto& topic : request.topics) {
    auto name = by_id ? name_in(image, topic.topic_id) : std::make_shared<const std::string>(topic.topic);
    for (const auto& wanted : topic.partitions) targets.push_back({by_id ? topic.topic_id : TopicId{}, name, wanted});
  }
  return targets;
}

class FetchWork {
 public:
  // `targets` outlive the answer.
  FetchWork(const FetchRequest& request, const std::vector<FetchTarget>& targets, RequestContext& context)
      : request_(request), context_(context) {
    const bool by_id = context.version() >= first_version_with_topic_ids;
    reads_.reserve(targets.size());
    owners_.reserve(targets.size());
    std::string_view last_name;
    std::shared_ptr<const metadata::TopicImage> known;
    for (const auto& target : targets) {
      const auto name = target.topic ? std::string_view(*target.topic) : std::string_view();
      if (&target == &targets.front() || name != last_name)
        known = target.topic ? context.image().topic(name) : nullptr;
      last_name = name;
      auto& read = reads_.emplace_back();
      read.target = &target;
      read.wanted = &target.wanted;
      read.topic = name;
      read.refusal = check_read(target, known.get(), by_id);
      owners_.push_back(read.refusal == ErrorCode::none
                            ? replication::owner_of(name, target.wanted.partition, context.services().shards.size())
                            : no_owner);
    }
  }

  // Reads every partition; the first that has something gets its first batch whole even when it is too large (KIP-74).
  Task<bool> read_all() {
    auto& replicas = context_.services().replicas;
    auto visit = [this, &replicas](ShardId shard, std::size_t index, Job arrive) {
      auto& read = reads_[index];
      auto& table = replicas.table(shard);
      auto partition = table.find(read.topic, read.wanted->partition);
      if (!partition) {
        const bool offline = table.is_offline(read.topic, read.wanted->partition);
        read.outcome = tl::unexpected(replication::FetchFailure{
            offline ? replication::PartitionRefusal::offline : replication::PartitionRefusal::not_leader, {}});
        return arrive();
      }
      replication::FetchCall call;
      call.offset = read.wanted->fetch_offset;
      call.current_leader_epoch = read.wanted->current_leader_epoch;
      call.max_bytes = std::min(max_bytes(), static_cast<std::uint64_t>(std::max(read.wanted->partition_max_bytes, 0)));
      call.min_one_message = context_.version() >= first_version_with_max_bytes;
      call.read_committed = reads_committed();
      call.source = context_.connection().id;
      partition->fetch(call, [&read, arrive = std::move(arrive)](replication::PartitionFetchOutcome outcome) mutable {
        read.outcome = std::move(outcome);
        arrive();
      });
    };
    co_await fan_out(context_.shard(), context_.services().shards, owners_, std::move(visit));
    grant();
    co_return true;
  }

  // For the client's quota: before anything is converted, and with what each partition takes beside its records.
  [[nodiscard]] std::uint64_t found_bytes() const {
    constexpr std::uint64_t bytes_beside_records = 48;
    return total_bytes_ + reads_.size() * bytes_beside_records;
  }

  // Whether the answer must go now (Kafka: ReplicaManager.fetchMessages): enough bytes, nothing to wait for, or news
  // that the client must hear. Partitions that are not there are none: in a session they would never let it wait again.
  [[nodiscard]] bool is_complete() const {
    if (request_.max_wait_ms <= 0 || context_.connection().closed) return true;
    bool is_readable = false;
    for (const auto& read : reads_) {
      if (read.refusal != ErrorCode::none) continue;
      if (!read.outcome) return true;
      is_readable = true;
    }
    return !is_readable || total_bytes_ >= min_bytes();
  }

  // Whether it is to wait again, should it still not have enough.
  Task<bool> wait() {
    auto& home = context_.shard();
    if (!deadline_) deadline_ = home.clock().now() + std::chrono::milliseconds(request_.max_wait_ms);
    auto& waiting = context_.services().waiting_fetches;
    const auto& connection = context_.connection();
    co_await completion<bool>([&](UniqueFunction<void(bool)> done) {
      auto missing = static_cast<std::int64_t>(min_bytes() - total_bytes_);
      wait_ =
          std::make_shared<replication::FetchWait>(home, missing, [done = std::move(done)]() mutable { done(true); });
      timer_ = home.after(*deadline_ - home.clock().now(), [wait = wait_] { wait->fire(); });
      waiting.add(home.id(), connection.id, wait_);
      for_each_partition([wait = wait_, committed = reads_committed()](replication::Partition* partition, Offset seen) {
        // One that has gone since it was read is news for the client.
        if (partition == nullptr) return wait->fire();
        partition->wait_for_records(wait, seen, committed);
      });
    });
    home.cancel(timer_);
    waiting.remove(home.id(), connection.id, wait_.get());
    for_each_partition([wait = wait_](replication::Partition* partition, Offset) {
      if (partition != nullptr) partition->forget(wait.get());
    });
    co_return wait_->must_look_again();
  }

  // What each partition is answered, converted where the client reads an older format only.
  Task<bool> make_answers() {
    for (auto& read : reads_) read.answer = answer_of(read);
    if (context_.version() >= first_version_with_batches) co_return true;
    std::vector<Read*> converted;
    std::vector<RecordsToConvert> records;
    for (auto& read : reads_) {
      if (read.answer.error_code != ErrorCode::none || read.granted_bytes == 0) continue;
      // So much that records and what becomes of them fit into the memory for it, but at least one batch.
      const auto fitting =
          std::max(context_.services().configuration.conversion.memory_bytes / 4, read.outcome->first_batch_bytes);
      converted.push_back(&read);
      records.push_back(
          {{read.outcome->records.file, read.outcome->records.position, std::min(read.granted_bytes, fitting)},
           read.wanted->fetch_offset});
    }
    if (records.empty()) co_return true;
    co_await completion<bool>([&](UniqueFunction<void(bool)> done) {
      const std::int8_t magic = context_.version() < first_version_with_magic_1 ? 0 : 1;
      convert_records(records, magic, context_.services().conversions, context_.shard(),
                      [done = std::move(done)]() mutable { done(true); });
    });
    for (std::size_t i = 0; i < records.size(); ++i) {
      auto& answer = converted[i]->answer;
      if (records[i].error != ErrorCode::none) {
        answer = format_refusal_of(*converted[i], records[i].error);
      } else {
        answer.records = std::move(records[i].records);
      }
    }
    co_return true;
  }

  [[nodiscard]] std::vector<FetchAnswerSummary> summaries() const {
    std::vector<FetchAnswerSummary> all;
    all.reserve(reads_.size());
    for (const auto& read : reads_) {
      all.push_back({read.answer.high_watermark, read.answer.log_start_offset, read.answer.records.size_bytes() > 0,
                     read.answer.error_code != ErrorCode::none, false});
    }
    return all;
  }

  FetchResponse response(const FetchSessions::Outcome& outcome) {
    FetchResponse response;
    response.error_code = outcome.error;
    response.session_id = outcome.session_id;
    const FetchTarget* last = nullptr;
    for (std::size_t i = 0; i < outcome.told.size(); ++i) {
      if (!outcome.told[i]) continue;
      const auto& target = *reads_[i].target;
      // Partitions of one topic that come after each other are answered together.
      if (last == nullptr || last->topic_id != target.topic_id || reads_[i].topic != response.responses.back().topic) {
        auto& topic = response.responses.emplace_back();
        topic.topic = reads_[i].topic;
        topic.topic_id = target.topic_id;
      }
      last = &target;
      response.responses.back().partitions.push_back(std::move(reads_[i].answer));
    }
    return response;
  }

 private:
  [[nodiscard]] bool reads_committed() const {
    return request_.isolation_level == protocol::IsolationLevel::read_committed;
  }
  [[nodiscard]] std::uint64_t max_bytes() const {
    auto asked = context_.version() >= first_version_with_max_bytes ? request_.max_bytes : 0x7fffffff;
    return std::min({static_cast<std::uint64_t>(std::max(asked, 0)),
                     static_cast<std::uint64_t>(context_.services().configuration.fetch_max_bytes),
                     context_.quota().fetch_max_bytes()});
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
      const auto& outcome = *reads_[i].outcome;
      targets[owners_[i]].push_back({std::string(reads_[i].topic), reads_[i].wanted->partition,
                                     reads_committed() ? outcome.last_stable_offset : outcome.high_watermark});
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

  [[nodiscard]] static AnsweredPartition refusal_of(const Read& read, ErrorCode error) {
    AnsweredPartition answer;
    answer.partition_index = read.wanted->partition;
    answer.high_watermark = Offset::none();
    answer.error_code = error;
    answer.records = protocol::Records(BytesView());
    return answer;
  }

  [[nodiscard]] static AnsweredPartition format_refusal_of(const Read& read, ErrorCode error) {
    auto answer = refusal_of(read, error);
    answer.records = protocol::Records();
    return answer;
  }

  // What the client's version of Fetch cannot be given, whatever there is (Kafka: KafkaApis.maybeConvertFetchedData).
  [[nodiscard]] ErrorCode check_format(const replication::FetchFormat& format) const {
    if (format.codec == protocol::Codec::zstd && context_.version() < first_version_with_zstd)
      return ErrorCode::unsupported_compression_type;
    if (!format.down_conversion && context_.version() < first_version_with_batches)
      return ErrorCode::unsupported_version;
    return ErrorCode::none;
  }

  [[nodiscard]] AnsweredPartition answer_of(const Read& read) const {
    if (read.refusal != ErrorCode::none) return refusal_of(read, read.refusal);
    const auto& format = read.outcome ? read.outcome->format : read.outcome.error().format;
    if (auto refusal = check_format(format); refusal != ErrorCode::none) return format_refusal_of(read, refusal);
    auto answer = refusal_of(read, read.outcome ? ErrorCode::none : error_code_of(read.outcome.error()));
    answer.aborted_transactions.reset();
    if (!read.outcome) return answer;
    answer.high_watermark = read.outcome->high_watermark;
    answer.last_stable_offset = read.outcome->last_stable_offset;
    answer.log_start_offset = read.outcome->log_start_offset;
    if (reads_committed()) {
      auto& aborted = answer.aborted_transactions.emplace();
      aborted.reserve(read.outcome->aborted.size());
      for (const auto& transaction : read.outcome->aborted) {
        auto& told = aborted.emplace_back();
        told.producer_id = transaction.producer;
        told.first_offset = transaction.first_offset;
      }
    }
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
  std::optional<MonotonicTime> deadline_;  // of the first wait and all that follow
  Shard::TimerId timer_ = 0;
};

}  // namespace

Task<Result<std::optional<FetchResponse>>> FetchHandler::handle(const Request& request, RequestContext& context) {
  auto& sessions = context.services().fetch_sessions;
  const bool by_ids = context.version() >= first_version_with_topic_ids;
  const auto now_ms = [&context] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(context.shard().clock().now().time_since_epoch())
        .count();
  };
  const auto replica =
      context.version() >= first_version_with_replica_state ? request.replica_state.replica_id : request.replica_id;
  // Until the answer is encoded, which views the names.
  auto session = std::make_shared<FetchContext>(
      sessions.begin({request.session_id, request.session_epoch, by_ids, replica >= BrokerId(0),
                      targets_of(request, by_ids, context.image()), request.forgotten_topics_data},
                     now_ms(), [&context](const TopicId& id) { return name_in(context.image(), id); }));
  context.keep(session);
  FetchWork work(request, session->targets, context);
  co_await work.read_all();
  for (bool may_wait = true; may_wait && !work.is_complete();) {
    may_wait = co_await work.wait();
    co_await work.read_all();
  }
  if (session->kind != FetchContext::Kind::refused && context.quota().throttles_fetch(work.found_bytes())) {
    // Empty, so that the client comes back for all of it (Kafka: FetchContext.getThrottledResponse).
    Response throttled;
    if (session->kind == FetchContext::Kind::incremental) throttled.session_id = request.session_id;
    co_return throttled;
  }
  co_await work.make_answers();
  co_return work.response(sessions.finish(*session, work.summaries(), now_ms()));
}

}  // namespace millrace::server

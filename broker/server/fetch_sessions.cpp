#include "broker/server/fetch_sessions.h"

#include <algorithm>
#include <limits>

#include "broker/base/random.h"

namespace millrace::server {

using protocol::ErrorCode;

// Its lock is never held while the cache's is taken, nor the other way round.
struct FetchContext::Shared {
  Shared(std::int32_t id, bool by_ids) : session(id, by_ids) {}

  std::mutex mutex;
  FetchSession session;
};

FetchSessions::FetchSessions(const Settings& settings, Random& random, MetricsRegistry& metrics)
    : settings_(settings),
      random_(random),
      sessions_gauge_(metrics.gauge("millrace_fetch_sessions", "Incremental fetch sessions")),
      partitions_gauge_(metrics.gauge("millrace_fetch_session_partitions", "Partitions in all fetch sessions")),
      evictions_(metrics.counter("millrace_fetch_session_evictions_total", "Fetch sessions that made room for others")),
      refusals_(metrics.counter("millrace_fetch_sessions_refused_total",
                                "Fetches that wanted a session and found no room for it")) {}

FetchSessions::~FetchSessions() = default;

std::size_t FetchSessions::size() const {
  std::lock_guard lock(mutex_);
  return sessions_.size();
}

std::size_t FetchSessions::partitions() const {
  std::lock_guard lock(mutex_);
  return partitions_;
}

FetchContext FetchSessions::begin(Request request, std::int64_t now_ms) {
  FetchContext context;
  context.request_epoch_ = request.session_epoch;
  context.by_ids_ = request.by_ids;
  context.is_follower_ = request.is_follower;
  const bool is_full =
      request.session_epoch == FetchSession::initial_epoch || request.session_epoch == FetchSession::final_epoch;
  if (!is_full) return begin_incremental(request, now_ms);
  if (request.session_id != 0) {
    // Whoever begins anew has no use for the session that he had.
    std::lock_guard lock(mutex_);
    remove(request.session_id);
  }
  context.kind =
      request.session_epoch == FetchSession::initial_epoch ? FetchContext::Kind::full : FetchContext::Kind::sessionless;
  context.targets = std::move(request.targets);
  return context;
}

FetchContext FetchSessions::begin_incremental(Request& request, std::int64_t now_ms) {
  FetchContext context;
  context.kind = FetchContext::Kind::refused;
  context.request_epoch_ = request.session_epoch;
  std::size_t room = 0;
  std::shared_ptr<Shared> shared;
  {
    std::lock_guard lock(mutex_);
    room = settings_.max_partitions - std::min(settings_.max_partitions, partitions_);
    if (auto found = sessions_.find(request.session_id); found != sessions_.end()) shared = found->second.shared;
  }
  const auto refuse = [&context](ErrorCode error) {
    context.error = error;
    return context;
  };
  if (!shared) return refuse(ErrorCode::fetch_session_id_not_found);

  std::size_t size = 0;
  bool is_too_large = false;
  {
    std::lock_guard session_lock(shared->mutex);
    auto& session = shared->session;
    if (session.epoch() != request.session_epoch) return refuse(ErrorCode::invalid_fetch_session_epoch);
    if (session.by_ids() != request.by_ids) return refuse(ErrorCode::fetch_session_topic_id_error);
    is_too_large = session.count_new(request.targets) > room;
    if (!is_too_large) {
      for (const auto& target : request.targets) session.set(target);
      for (const auto& topic : request.forgotten) {
        for (auto partition : topic.partitions) session.forget(topic.topic_id, topic.topic, partition);
      }
    }
    size = session.size();
    if (size > 0) session.advance_epoch();
  }
  std::lock_guard lock(mutex_);
  if (is_too_large) {
    // The client begins anew with all its partitions, and then there is a session for it or none.
    refusals_.add();
    remove(request.session_id);
    return refuse(ErrorCode::fetch_session_id_not_found);
  }
  if (size == 0) {
    remove(request.session_id);
    context.kind = FetchContext::Kind::sessionless;
    context.targets = std::move(request.targets);
    return context;
  }
  if (auto found = sessions_.find(request.session_id); found != sessions_.end()) touch(found->second, size, now_ms);
  publish();
  context.kind = FetchContext::Kind::incremental;
  context.session_ = std::move(shared);
  return context;
}

std::vector<FetchTarget> FetchSessions::targets_of(Shared& shared, NameOfPointer name_of, const void* of) {
  std::lock_guard lock(shared.mutex);
  return shared.session.targets([&](const TopicId& id) { return name_of(of, id); });
}

FetchSessions::Outcome FetchSessions::finish(const FetchContext& context, std::span<const FetchAnswerSummary> answers,
                                             std::int64_t now_ms) {
  switch (context.kind) {
    case FetchContext::Kind::refused:
      return {context.error, 0, {}};
    case FetchContext::Kind::sessionless:
      return {ErrorCode::none, 0, std::vector<bool>(answers.size(), true)};
    case FetchContext::Kind::full:
      return finish_full(context, answers, now_ms);
    case FetchContext::Kind::incremental:
      break;
  }
  std::lock_guard lock(context.session_->mutex);
  auto& session = context.session_->session;
  Outcome outcome{ErrorCode::none, session.id(), {}};
  // Another request of the session has come meanwhile: the client does not wait for this one any more.
  if (session.epoch() != FetchSession::next_epoch(context.request_epoch_)) {
    outcome.error = ErrorCode::invalid_fetch_session_epoch;
    return outcome;
  }
  outcome.told.reserve(answers.size());
  for (std::size_t index = 0; index < answers.size(); ++index)
    outcome.told.push_back(session.tell(context.targets[index], answers[index]));
  return outcome;
}

FetchSessions::Outcome FetchSessions::finish_full(const FetchContext& context,
                                                  std::span<const FetchAnswerSummary> answers, std::int64_t now_ms) {
  Outcome outcome{ErrorCode::none, 0, std::vector<bool>(answers.size(), true)};
  Entry entry;
  entry.is_follower = context.is_follower_;
  entry.created_ms = entry.last_used_ms = now_ms;
  std::lock_guard lock(mutex_);
  if (!make_room(context.is_follower_, answers.size(), now_ms)) {
    if (settings_.slots > 0) refusals_.add();
    publish();
    return outcome;
  }
  do {
    entry.id = 1 + static_cast<std::int32_t>(random_.below(std::numeric_limits<std::int32_t>::max() - 1));
  } while (sessions_.contains(entry.id));
  entry.shared = std::make_shared<Shared>(entry.id, context.by_ids_);
  // Nobody else knows it yet: it needs no lock.
  for (std::size_t index = 0; index < answers.size(); ++index)
    entry.shared->session.set(context.targets[index], &answers[index]);
  outcome.session_id = entry.id;
  auto& stored = sessions_.emplace(entry.id, std::move(entry)).first->second;
  touch(stored, stored.shared->session.size(), now_ms);
  publish();
  return outcome;
}

bool FetchSessions::make_room(bool is_follower, std::size_t size, std::int64_t now_ms) {
  if (partitions_ > settings_.max_partitions || size > settings_.max_partitions - partitions_) return false;
  if (sessions_.size() < settings_.slots) return true;
  if (last_used_.empty()) return false;
  const auto [used_ms, oldest] = *last_used_.begin();
  if (now_ms - used_ms > settings_.eviction_ms) {
    remove(oldest);
    evictions_.add();
    return true;
  }
  const auto& evictable = is_follower ? evictable_by_followers_ : evictable_by_all_;
  if (evictable.empty() || Evictable{is_follower, size, 0} < *evictable.begin()) return false;
  remove(std::get<2>(*evictable.begin()));
  evictions_.add();
  return true;
}

void FetchSessions::touch(Entry& entry, std::size_t size, std::int64_t now_ms) {
  unlist(entry);
  partitions_ = partitions_ - entry.size + size;
  entry.size = size;
  entry.last_used_ms = now_ms;
  last_used_.insert(entry.last_used());
  const bool is_old = now_ms - entry.created_ms > settings_.eviction_ms;
  if (!entry.is_follower || is_old) evictable_by_followers_.insert(entry.evictable());
  if (is_old) evictable_by_all_.insert(entry.evictable());
}

void FetchSessions::unlist(const Entry& entry) {
  last_used_.erase(entry.last_used());
  evictable_by_followers_.erase(entry.evictable());
  evictable_by_all_.erase(entry.evictable());
}

bool FetchSessions::remove(std::int32_t id) {
  auto found = sessions_.find(id);
  if (found == sessions_.end()) return false;
  unlist(found->second);
  partitions_ -= found->second.size;
  sessions_.erase(found);
  publish();
  return true;
}

void FetchSessions::publish() {
  sessions_gauge_.set(static_cast<double>(sessions_.size()));
  partitions_gauge_.set(static_cast<double>(partitions_));
}

}  // namespace millrace::server

#include "broker/metadata/embedded_core.h"

#include <algorithm>

#include "broker/base/check.h"
#include "broker/base/logging.h"

namespace millrace::metadata {
namespace {

using embedded::ClientPointer;
using embedded::ClientState;
using embedded::Delivery;
using embedded::OperationPointer;

constexpr Logger logger{"metadata"};

// What one commit holds at most: enough that a sync is shared, little enough that nobody waits long for the first answer.
constexpr std::size_t group_operations_max = 1024;
constexpr std::size_t group_bytes_max = 4'000'000;

template <class Notify>
void tell_listeners(ClientState& client, Notify notify) {
  // A listener may add or remove listeners, itself included.
  auto listeners = client.listeners;
  for (auto* listener : listeners) {
    if (!client.alive) return;
    if (std::ranges::find(client.listeners, listener) != client.listeners.end()) notify(*listener);
  }
}

struct DeliverOnShard {
  ClientState& client;

  void operator()(OperationPointer& operation) const {
    --client.operations_in_flight;
    client.bytes_in_flight -= operation->size_bytes();
    operation->answer();
  }
  void operator()(WatchEvent& event) const {
    tell_listeners(client, [&](MetadataListener& listener) { listener.on_watch_event(event); });
  }
  void operator()(embedded::SessionNews& news) const {
    client.identity = news.identity;
    tell_listeners(client, [&](MetadataListener& listener) { listener.on_session_event(news.event); });
  }
  void operator()(Job& job) const { job(); }
};

void post_deliveries(const ClientPointer& client, std::vector<Delivery> deliveries) {
  client->shard.post([client, deliveries = std::move(deliveries)]() mutable {
    for (auto& delivery : deliveries) std::visit(DeliverOnShard{*client}, delivery);
  });
}

Error stopped() { return {ErrorKind::unavailable, "the metadata store has stopped"}; }

}  // namespace

EmbeddedStore::Core::Core(std::shared_ptr<void> lock, std::unique_ptr<ZnodeDatabase> database, const Clock& clock,
                          Random& random)
    : lock_(std::move(lock)), database_(std::move(database)), clock_(clock), random_(random) {}

Status EmbeddedStore::Core::load() {
  auto zxid = database_->load(tree_);
  if (!zxid) return tl::unexpected(std::move(zxid.error()));
  last_zxid_ = *zxid;
  for (auto session : tree_.sessions()) {
    if (auto ended = end_session(session); !ended) return ended;
  }
  return {};
}

void EmbeddedStore::Core::start() {
  thread_ = std::thread([this] { run(); });
}

void EmbeddedStore::Core::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  database_.reset();
  lock_.reset();
}

void EmbeddedStore::Core::submit(embedded::Request request) {
  {
    std::lock_guard lock(mutex_);
    if (!stopping_) {
      queue_.push_back(std::move(request));
      if (queue_.size() == 1) wake_.notify_one();
      return;
    }
  }
  std::vector<Delivery> deliveries;
  if (auto* operation = std::get_if<OperationPointer>(&request)) {
    auto client = (*operation)->client();
    (*operation)->fail_with(stopped());
    deliveries.emplace_back(std::move(*operation));
    post_deliveries(client, std::move(deliveries));
  } else if (auto* closing = std::get_if<embedded::CloseSession>(&request); closing != nullptr && closing->reply) {
    auto client = closing->client;
    deliveries.emplace_back(Job([reply = std::move(closing->reply)]() mutable { reply(tl::unexpected(stopped())); }));
    post_deliveries(client, std::move(deliveries));
  }
}

void EmbeddedStore::Core::run() {
  std::deque<embedded::Request> taken;
  while (true) {
    if (taken.empty()) {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return !queue_.empty() || stopping_; });
      if (queue_.empty()) return;
      taken.swap(queue_);
    }
    std::vector<OperationPointer> group;
    std::size_t group_bytes = 0;
    while (!taken.empty() && group.size() < group_operations_max && group_bytes < group_bytes_max) {
      auto* operation = std::get_if<OperationPointer>(&taken.front());
      if (operation == nullptr) break;
      group_bytes += (*operation)->size_bytes();
      group.push_back(std::move(*operation));
      taken.pop_front();
    }
    if (!group.empty()) {
      run_group(std::move(group));
    } else {
      // What begins or ends a session is a group of its own.
      auto request = std::move(taken.front());
      taken.pop_front();
      if (auto* opening = std::get_if<embedded::OpenSession>(&request)) open_session(std::move(*opening));
      if (auto* closing = std::get_if<embedded::CloseSession>(&request)) close_session(std::move(*closing));
      if (auto* expiring = std::get_if<embedded::ExpireSession>(&request)) expire_session(expiring->session);
    }
    flush();
  }
}

void EmbeddedStore::Core::run_group(std::vector<OperationPointer> group) {
  std::vector<embedded::Effects> effects(group.size());
  // With `refused_write`, whatever would change the tree is taken back and fails with it.
  auto run_all = [&](const std::optional<Error>& refused_write) {
    for (std::size_t index = 0; index < group.size(); ++index) {
      auto& operation = *group[index];
      effects[index] = {};
      if (auto refused = refusal(*operation.client())) {
        operation.fail_with(*refused);
        continue;
      }
      auto before = tree_.mark();
      operation.run(tree_, context_for(operation.client()->session), effects[index]);
      if (tree_.mark() == before) continue;
      if (refused_write) {
        tree_.undo_to(before);
        effects[index] = {};
        operation.fail_with(*refused_write);
      } else {
        last_zxid_ = last_zxid_ + 1;
      }
    }
  };
  run_all(broken_);
  if (auto committed = commit(); !committed) {
    logger.error("writes are refused: " + committed.error().message);
    run_all(committed.error());
  }
  for (std::size_t index = 0; index < group.size(); ++index) {
    auto client = group[index]->client();
    publish(effects[index].changes);
    if (effects[index].watch) watches_.add(effects[index].watch->kind, effects[index].watch->path, client->session);
    deliver(client, std::move(group[index]));
  }
}

std::optional<Error> EmbeddedStore::Core::refusal(const ClientState& client) const {
  if (client.session != no_session) return std::nullopt;
  if (client.expired) return Error{ErrorKind::session_expired, "the metadata session has expired"};
  return Error{ErrorKind::unavailable, "no metadata session is open"};
}

Status EmbeddedStore::Core::commit() {
  if (tree_.mark() == 0) return {};
  auto committed = database_->commit(tree_, last_zxid_);
  if (!committed) {
    tree_.undo_to(0);
    if (committed.error().kind != ErrorKind::no_space) broken_ = committed.error();
  }
  tree_.forget_journal();
  return committed;
}

void EmbeddedStore::Core::open_session(embedded::OpenSession request) {
  auto& client = request.client;
  MILLRACE_INVARIANT(client->session == no_session, "a session was opened while the last one is still open");
  if (request.take_over) {
    auto found = sessions_.find(request.take_over->id);
    if (found == sessions_.end() || found->second.identity != *request.take_over) {
      client->expired = true;
      deliver(client, embedded::SessionNews{SessionEvent::expired, std::nullopt});
      return;
    }
    auto before = std::exchange(found->second.client, client);
    before->session = no_session;
    before->expired = true;
    watches_.remove_session(found->first);
    deliver(before, embedded::SessionNews{SessionEvent::expired, std::nullopt});
    client->session = found->first;
  } else {
    SessionIdentity identity;
    do {
      identity.id = SessionId(static_cast<std::int64_t>(random_.next() >> 1U));
    } while (identity.id == no_session || sessions_.contains(identity.id));
    random_.fill(identity.password);
    sessions_.emplace(identity.id, Session{identity, client});
    client->session = identity.id;
  }
  client->expired = false;
  deliver(client, embedded::SessionNews{SessionEvent::connected, sessions_.at(client->session).identity});
}

void EmbeddedStore::Core::close_session(embedded::CloseSession request) {
  auto& client = request.client;
  Status outcome;
  if (auto refused = refusal(*client)) {
    outcome = tl::unexpected(std::move(*refused));
  } else if (outcome = end_session(client->session); outcome) {
    client->session = no_session;
    deliver(client, embedded::SessionNews{SessionEvent::closed, std::nullopt});
  }
  if (!request.reply) return;
  deliver(client, Job([reply = std::move(request.reply), outcome = std::move(outcome)]() mutable {
            reply(std::move(outcome));
          }));
}

void EmbeddedStore::Core::expire_session(SessionId session) {
  auto found = sessions_.find(session);
  if (found == sessions_.end()) return;
  auto client = found->second.client;
  if (!end_session(session)) return;
  client->session = no_session;
  client->expired = true;
  deliver(client, embedded::SessionNews{SessionEvent::expired, std::nullopt});
}

Status EmbeddedStore::Core::end_session(SessionId session) {
  if (broken_) return tl::unexpected(*broken_);
  ZnodeTree::Changes changes;
  tree_.end_session(context_for(session), changes);
  if (tree_.mark() != 0) last_zxid_ = last_zxid_ + 1;
  if (auto committed = commit(); !committed) return committed;
  sessions_.erase(session);
  watches_.remove_session(session);
  publish(changes);
  return {};
}

void EmbeddedStore::Core::publish(const ZnodeTree::Changes& changes) {
  for (const auto& change : changes) {
    for (auto session : watches_.fire(change)) deliver(sessions_.at(session).client, change);
  }
}

void EmbeddedStore::Core::deliver(const ClientPointer& client, Delivery delivery) {
  auto at = std::ranges::find(outbox_, client, &Mail::client);
  if (at == outbox_.end()) {
    outbox_.push_back({client, {}});
    at = std::prev(outbox_.end());
  }
  at->deliveries.push_back(std::move(delivery));
}

void EmbeddedStore::Core::flush() {
  for (auto& mail : outbox_) post_deliveries(mail.client, std::move(mail.deliveries));
  outbox_.clear();
}

ZnodeTree::WriteContext EmbeddedStore::Core::context_for(SessionId session) const {
  return {last_zxid_ + 1, clock_.wall_clock(), session};
}

}  // namespace millrace::metadata

#include "broker/metadata/fault_injecting_store.h"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

#include "broker/base/check.h"
#include "broker/base/random.h"
#include "broker/base/shard.h"

namespace millrace::metadata {
namespace {

// An operation that was called and has no answer yet.
struct Flight {
  Flight() = default;
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;
  virtual ~Flight() = default;
  virtual Job failure(Error error) = 0;  // its reply, called with the error

  bool settled = false;         // its reply is decided: what the inner store still answers is lost
  bool lose_on_answer = false;  // the answer breaks the connection
};

template <class T>
struct TypedFlight final : Flight {
  explicit TypedFlight(Reply<T> to) : reply(std::move(to)) {}
  Job failure(Error error) override { return outcome(tl::unexpected(std::move(error))); }
  Job outcome(Result<T> result) {
    return [reply = std::move(reply), result = std::move(result)]() mutable { reply(std::move(result)); };
  }

  Reply<T> reply;
};

enum class WatchKind : std::uint8_t { none, data, children };

Error lost() { return {ErrorKind::connection_loss, "the connection to the metadata store broke"}; }
Error expired() { return {ErrorKind::session_expired, "the metadata session has expired"}; }

}  // namespace

class FaultInjectingStore::State final : public MetadataListener, public std::enable_shared_from_this<State> {
 public:
  State(std::unique_ptr<MetadataStore> inner, Faults chances, Random& randomness)
      : inner_(std::move(inner)), shard_(inner_->shard()), random_(randomness), faults(chances) {
    inner_->add_listener(*this);
  }
  ~State() = default;

  void stop() {
    listeners.clear();
    inner_->remove_listener(*this);
    inner_.reset();
  }

  template <class T, class Start>
  void submit(Reply<T> reply, WatchKind kind, const std::string& path, Start start);
  void lose_connection();
  void expire_session();
  void open_session(std::optional<SessionIdentity> take_over);
  void close_session(Reply<void> reply);

  void on_session_event(SessionEvent event) override;
  void on_watch_event(const WatchEvent& event) override;

 private:
  struct Outgoing {
    MonotonicTime ready;
    Job job;
  };
  using WatchKey = std::pair<bool, std::string>;  // child watch or data watch, of what

  bool happens(std::uint32_t chance) { return chance != 0 && random_.below(1'000'000) < chance; }
  Duration up_to(Duration most) {
    if (most.count() <= 0 || !inner_) return {};  // stopped: what is still answered is answered at once
    return Duration(static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(most.count()) + 1)));
  }
  void fail_flights(const Error& error);
  void reconnect(std::uint64_t connection);
  void send(Job job);
  void tell(SessionEvent event, std::optional<SessionIdentity> identity);
  void tell(const WatchEvent& event);
  void pump();
  void schedule_pump();
  template <class Notify>
  void notify(Notify call) {
    auto snapshot = listeners;
    for (auto* listener : snapshot) {
      if (std::ranges::find(listeners, listener) != listeners.end()) call(*listener);
    }
  }

  std::unique_ptr<MetadataStore> inner_;
  Shard& shard_;
  Random& random_;
  std::deque<std::shared_ptr<Flight>> flights_;  // in the order of the calls
  std::deque<Outgoing> outgoing_;                // what the caller hears, in order
  bool pumping_ = false;
  std::set<WatchKey>
      watches_;  // that the caller knows of: the inner store may hold more, left by reads whose answer was lost
  bool disconnected_ = false;
  std::uint64_t connection_ = 0;  // counts losses, so that a reconnection belongs to one of them
  std::vector<WatchEvent> held_;  // events of the time without connection
  bool expired_ = false;
  int inner_closing_ =
      0;  // while the inner session is ended behind the caller's back, what it tells is not for the caller

 public:
  Faults faults;
  std::optional<bool> lose_next;  // applied or not
  std::uint64_t injected = 0;
  std::vector<MetadataListener*> listeners;
  std::optional<SessionIdentity> identity;
  Shard& shard() { return shard_; }
};

template <class T, class Start>
void FaultInjectingStore::State::submit(Reply<T> reply, WatchKind kind, const std::string& path, Start start) {
  auto flight = std::make_shared<TypedFlight<T>>(std::move(reply));
  if (expired_ || disconnected_) {
    send(flight->failure(expired_ ? expired() : lost()));
    return;
  }
  auto commanded = std::exchange(lose_next, std::nullopt);
  bool before = commanded ? !*commanded : happens(faults.loss_before);
  bool expires = !commanded && happens(faults.expiry);
  flights_.push_back(flight);
  if (before || (expires && random_.below(2) == 0)) {
    before ? lose_connection() : expire_session();
    return;
  }
  flight->lose_on_answer = commanded ? *commanded : happens(faults.loss_after);
  start(*inner_, Reply<T>([self = this->shared_from_this(), flight, kind, path](Result<T> result) {
    if (flight->settled) return;
    if (flight->lose_on_answer) {
      self->lose_connection();
      return;
    }
    flight->settled = true;
    std::erase(self->flights_, flight);
    if (kind != WatchKind::none && result) self->watches_.emplace(kind == WatchKind::children, path);
    self->send(flight->outcome(std::move(result)));
  }));
  if (expires) expire_session();
}

void FaultInjectingStore::State::fail_flights(const Error& error) {
  for (auto& flight : std::exchange(flights_, {})) {
    flight->settled = true;
    send(flight->failure(error));
  }
}

void FaultInjectingStore::State::lose_connection() {
  if (disconnected_ || expired_) return;
  ++injected;
  disconnected_ = true;
  fail_flights(lost());
  tell(SessionEvent::disconnected, identity);
  shard_.after(up_to(faults.reconnect_delay_max),
               [self = shared_from_this(), connection = ++connection_] { self->reconnect(connection); });
}

void FaultInjectingStore::State::reconnect(std::uint64_t connection) {
  if (!disconnected_ || connection != connection_ || !inner_) return;
  disconnected_ = false;
  tell(SessionEvent::connected, identity);
  for (auto& event : std::exchange(held_, {})) tell(event);
}

void FaultInjectingStore::State::expire_session() {
  if (expired_) return;
  ++injected;
  expired_ = true;
  disconnected_ = false;
  fail_flights(expired());
  watches_.clear();
  held_.clear();
  ++inner_closing_;
  inner_->close_session([self = shared_from_this()](const Result<void>&) { --self->inner_closing_; });
  tell(SessionEvent::expired, std::nullopt);
}

void FaultInjectingStore::State::open_session(std::optional<SessionIdentity> take_over) {
  expired_ = false;
  inner_->open_session(take_over);
}

void FaultInjectingStore::State::close_session(Reply<void> reply) {
  if (expired_) {
    send([reply = std::move(reply)]() mutable { reply(tl::unexpected(expired())); });
    return;
  }
  disconnected_ = false;
  held_.clear();
  inner_->close_session([self = shared_from_this(), reply = std::move(reply)](Result<void> result) mutable {
    self->send([reply = std::move(reply), result = std::move(result)]() mutable { reply(std::move(result)); });
  });
}

void FaultInjectingStore::State::on_session_event(SessionEvent event) {
  if (inner_closing_ != 0) return;
  if (event == SessionEvent::expired || event == SessionEvent::closed) {
    watches_.clear();
    held_.clear();
    disconnected_ = false;
  }
  tell(event, inner_->session());
}

void FaultInjectingStore::State::on_watch_event(const WatchEvent& event) {
  if (inner_closing_ != 0 || expired_) return;
  bool known = false;
  if (event.type != WatchEvent::Type::children_changed) known = watches_.erase({false, event.path}) != 0;
  if (event.type == WatchEvent::Type::children_changed || event.type == WatchEvent::Type::deleted) {
    known = watches_.erase({true, event.path}) != 0 || known;
  }
  if (!known) return;
  if (disconnected_) {
    held_.push_back(event);
  } else {
    tell(event);
  }
}

void FaultInjectingStore::State::tell(SessionEvent event, std::optional<SessionIdentity> now) {
  send([self = shared_from_this(), event, now] {
    self->identity = now;
    self->notify([&](MetadataListener& listener) { listener.on_session_event(event); });
  });
}

void FaultInjectingStore::State::tell(const WatchEvent& event) {
  send([self = shared_from_this(), event] {
    self->notify([&](MetadataListener& listener) { listener.on_watch_event(event); });
  });
}

void FaultInjectingStore::State::send(Job job) {
  auto ready = shard_.clock().now() + up_to(faults.answer_delay_max);
  if (!outgoing_.empty()) ready = std::max(ready, outgoing_.back().ready);
  outgoing_.push_back({ready, std::move(job)});
  if (!pumping_) schedule_pump();
}

void FaultInjectingStore::State::schedule_pump() {
  pumping_ = true;
  auto wait = outgoing_.front().ready - shard_.clock().now();
  auto job = [self = shared_from_this()] { self->pump(); };
  if (wait <= Duration()) {
    shard_.post(std::move(job));
  } else {
    shard_.after(wait, std::move(job));
  }
}

void FaultInjectingStore::State::pump() {
  // What these jobs send in turn waits for the next task: a caller that asks again at once must not keep the shard for ever.
  for (auto count = outgoing_.size(); count != 0 && outgoing_.front().ready <= shard_.clock().now(); --count) {
    auto job = std::move(outgoing_.front().job);
    outgoing_.pop_front();
    job();
  }
  pumping_ = false;
  if (!outgoing_.empty()) schedule_pump();
}

FaultInjectingStore::FaultInjectingStore(std::unique_ptr<MetadataStore> inner, Faults faults, Random& random)
    : state_(std::make_shared<State>(std::move(inner), faults, random)) {}
FaultInjectingStore::~FaultInjectingStore() { state_->stop(); }

void FaultInjectingStore::set_faults(Faults faults) { state_->faults = faults; }
void FaultInjectingStore::lose_connection() { state_->lose_connection(); }
void FaultInjectingStore::lose_next(bool applied) { state_->lose_next = applied; }
void FaultInjectingStore::expire_session() { state_->expire_session(); }
std::uint64_t FaultInjectingStore::faults_injected() const { return state_->injected; }

Shard& FaultInjectingStore::shard() { return state_->shard(); }
void FaultInjectingStore::add_listener(MetadataListener& listener) { state_->listeners.push_back(&listener); }
void FaultInjectingStore::remove_listener(MetadataListener& listener) { std::erase(state_->listeners, &listener); }
void FaultInjectingStore::open_session(std::optional<SessionIdentity> take_over) { state_->open_session(take_over); }
void FaultInjectingStore::close_session(Reply<void> reply) { state_->close_session(std::move(reply)); }
std::optional<SessionIdentity> FaultInjectingStore::session() const { return state_->identity; }

void FaultInjectingStore::create(std::string path, std::string data, CreateMode mode, Reply<Created> reply) {
  state_->submit<Created>(std::move(reply), WatchKind::none, path, [&](MetadataStore& inner, Reply<Created> then) {
    inner.create(std::move(path), std::move(data), mode, std::move(then));
  });
}
void FaultInjectingStore::remove(std::string path, ZnodeVersion expected, Reply<void> reply) {
  state_->submit<void>(std::move(reply), WatchKind::none, path, [&](MetadataStore& inner, Reply<void> then) {
    inner.remove(std::move(path), expected, std::move(then));
  });
}
void FaultInjectingStore::set(std::string path, std::string data, ZnodeVersion expected, Reply<Stat> reply) {
  state_->submit<Stat>(std::move(reply), WatchKind::none, path, [&](MetadataStore& inner, Reply<Stat> then) {
    inner.set(std::move(path), std::move(data), expected, std::move(then));
  });
}
void FaultInjectingStore::multi(std::vector<Operation> operations, Reply<MultiResult> reply) {
  state_->submit<MultiResult>(
      std::move(reply), WatchKind::none, {},
      [&](MetadataStore& inner, Reply<MultiResult> then) { inner.multi(std::move(operations), std::move(then)); });
}
void FaultInjectingStore::get(std::string path, Watch watch, Reply<Znode> reply) {
  auto kind = watch == Watch::yes ? WatchKind::data : WatchKind::none;
  state_->submit<Znode>(std::move(reply), kind, path, [&](MetadataStore& inner, Reply<Znode> then) {
    inner.get(std::move(path), watch, std::move(then));
  });
}
void FaultInjectingStore::exists(std::string path, Watch watch, Reply<std::optional<Stat>> reply) {
  auto kind = watch == Watch::yes ? WatchKind::data : WatchKind::none;
  state_->submit<std::optional<Stat>>(std::move(reply), kind, path,
                                      [&](MetadataStore& inner, Reply<std::optional<Stat>> then) {
                                        inner.exists(std::move(path), watch, std::move(then));
                                      });
}
void FaultInjectingStore::children(std::string path, Watch watch, Reply<Children> reply) {
  auto kind = watch == Watch::yes ? WatchKind::children : WatchKind::none;
  state_->submit<Children>(std::move(reply), kind, path, [&](MetadataStore& inner, Reply<Children> then) {
    inner.children(std::move(path), watch, std::move(then));
  });
}
void FaultInjectingStore::sync(std::string path, Reply<void> reply) {
  state_->submit<void>(std::move(reply), WatchKind::none, path,
                       [&](MetadataStore& inner, Reply<void> then) { inner.sync(std::move(path), std::move(then)); });
}

}  // namespace millrace::metadata

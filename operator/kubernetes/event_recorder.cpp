#include "operator/kubernetes/event_recorder.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <thread>
#include <unordered_map>
#include <utility>

#include "broker/base/logging.h"
#include "operator/kubernetes/api.h"
#include "operator/kubernetes/micro_time.h"

namespace millrace::kubernetes {

namespace {

constexpr Logger logger{"events"};

// The API server's own limits.
constexpr std::size_t word_bytes_max = 128;
constexpr std::size_t note_bytes_max = 1024;
constexpr std::size_t name_stem_bytes_max = 200;
// Of events and of objects that are remembered.
constexpr std::size_t memory_max = 512;
constexpr int attempt_count_max = 3;
constexpr std::chrono::seconds attempt_pause{1};
constexpr std::chrono::seconds call_timeout{5};

// Not within a UTF-8 sequence.
std::string shortened(std::string text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  text.resize(end);
  return text;
}

// FNV-1a: a name that is the same in every process.
std::string hash_text(std::initializer_list<std::string_view> parts) {
  std::uint64_t hash = 14695981039346656037ULL;
  auto mix = [&hash](char byte) { hash = (hash ^ static_cast<unsigned char>(byte)) * 1099511628211ULL; };
  for (std::string_view part : parts) {
    for (char byte : part) mix(byte);
    mix('\0');
  }
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(hash));
  return text.data();
}

struct Occurrence {
  Regarding regarding;
  EventDescription event;
  TimestampMs at;
};

// One event object: what we know of it, and what is still to be written.
struct Known {
  Occurrence last;
  std::int64_t count = 0;    // in all
  std::int64_t written = 0;  // of these, the API server has
  MonotonicTime written_at{};
};

std::string event_name(const Occurrence& occurrence, const std::string& controller) {
  const EventDescription& event = occurrence.event;
  std::string stem = occurrence.regarding.object.name.substr(0, name_stem_bytes_max);
  return stem + "." +
         hash_text({occurrence.regarding.uid, occurrence.regarding.object.type.kind, controller,
                    event.type == EventType::warning ? "w" : "n", event.reason, event.action, event.note});
}

ObjectReference event_reference(const Occurrence& occurrence, const std::string& name) {
  const std::string& namespace_name = occurrence.regarding.object.namespace_name;
  return ObjectReference{events, namespace_name.empty() ? "default" : namespace_name, name};
}

Json event_object(const Occurrence& occurrence, const EventRecorderOptions& options) {
  const ObjectReference& object = occurrence.regarding.object;
  Json regarding{
      {"apiVersion", object.type.api_version()}, {"kind", std::string(object.type.kind)}, {"name", object.name}};
  if (!object.namespace_name.empty()) regarding["namespace"] = object.namespace_name;
  if (!occurrence.regarding.uid.empty()) regarding["uid"] = occurrence.regarding.uid;
  return Json{{"eventTime", micro_time(occurrence.at)},
              {"reportingController", options.controller},
              {"reportingInstance", options.instance},
              {"type", occurrence.event.type == EventType::warning ? "Warning" : "Normal"},
              {"reason", occurrence.event.reason},
              {"action", occurrence.event.action},
              {"note", occurrence.event.note},
              {"regarding", std::move(regarding)}};
}

std::int64_t count_of(const Json& event) {
  if (!event.contains("series") || !event["series"].is_object()) return 1;
  const Json& series = event["series"];
  return series.contains("count") && series["count"].is_number_integer() ? series["count"].get<std::int64_t>() : 1;
}

Json series_patch(std::int64_t count, TimestampMs at) {
  return Json{{"series", {{"count", count}, {"lastObservedTime", micro_time(at)}}}};
}

}  // namespace

class EventRecorder::State {
 public:
  State(KubernetesApi& api, const Clock& clock, EventRecorderOptions options)
      : api_(api), clock_(clock), options_(std::move(options)) {
    if (options_.instance.empty()) options_.instance = options_.controller;
    options_.instance = shortened(std::move(options_.instance), word_bytes_max);
    thread_ = std::thread([this] { run(); });
  }

  void record(const Regarding& regarding, const EventDescription& event) {
    Occurrence occurrence{regarding, event, clock_.wall_clock()};
    occurrence.event.reason = shortened(std::move(occurrence.event.reason), word_bytes_max);
    occurrence.event.action = shortened(std::move(occurrence.event.action), word_bytes_max);
    if (occurrence.event.action.empty()) occurrence.event.action = occurrence.event.reason;
    occurrence.event.note = shortened(std::move(occurrence.event.note), note_bytes_max);
    std::lock_guard lock(mutex_);
    if (stopping_ || queue_.size() >= options_.queue_max || !take_token(regarding)) {
      ++dropped_count_;
      return;
    }
    queue_.push_back(std::move(occurrence));
    changed_.notify_all();
  }

  void stop(Duration flush_timeout) {
    {
      std::unique_lock lock(mutex_);
      stopping_ = true;
      changed_.notify_all();
      changed_.wait_for(lock, flush_timeout, [this] { return drained_; });
    }
    stop_.request_stop();
    {
      std::lock_guard lock(mutex_);
      changed_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
  }

  std::uint64_t dropped_count() const {
    std::lock_guard lock(mutex_);
    return dropped_count_;
  }

 private:
  struct Bucket {
    double tokens = 0;
    MonotonicTime at{};
  };

  // Under the lock.
  bool take_token(const Regarding& regarding) {
    MonotonicTime now = clock_.now();
    std::string key = regarding.object.text() + regarding.uid;
    auto found = buckets_.find(key);
    if (found == buckets_.end()) {
      if (buckets_.size() >= memory_max) buckets_.clear();  // forgets who was loud; the queue is still bounded
      found = buckets_.emplace(std::move(key), Bucket{options_.burst_per_object, now}).first;
    }
    Bucket& bucket = found->second;
    double refilled =
        std::chrono::duration<double>(now - bucket.at) / std::chrono::duration<double>(options_.refill_per_object);
    bucket.tokens = std::min(options_.burst_per_object, bucket.tokens + refilled);
    bucket.at = now;
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

  void run() {
    std::unique_lock lock(mutex_);
    while (!stop_.stop_requested()) {
      if (!queue_.empty()) {
        Occurrence occurrence = std::move(queue_.front());
        queue_.pop_front();
        lock.unlock();
        take(std::move(occurrence));
        lock.lock();
        continue;
      }
      bool last_round = stopping_;
      lock.unlock();
      std::optional<MonotonicTime> next = write_due(last_round);
      lock.lock();
      if (last_round) break;
      if (!queue_.empty() || stopping_) continue;
      auto woken = [this] { return !queue_.empty() || stopping_; };
      next ? static_cast<void>(changed_.wait_for(lock, *next - clock_.now(), woken)) : changed_.wait(lock, woken);
    }
    drained_ = true;
    changed_.notify_all();
  }

  void take(Occurrence occurrence) {
    std::string name = event_name(occurrence, options_.controller);
    auto found = known_.find(name);
    if (found == known_.end()) {
      if (known_.size() >= memory_max) forget_oldest();
      found = known_.emplace(name, Known{}).first;
    }
    Known& known = found->second;
    known.last = std::move(occurrence);
    ++known.count;
    if (known.written == 0 || clock_.now() - known.written_at >= options_.repeat_interval) write(name, known);
  }

  // Writes the counts that are due, and says when the next one will be.
  std::optional<MonotonicTime> write_due(bool all) {
    std::optional<MonotonicTime> next;
    for (auto& [name, known] : known_) {
      if (known.count == known.written) continue;
      MonotonicTime due = known.written_at + options_.repeat_interval;
      if (all || due <= clock_.now()) {
        write(name, known);
      } else if (!next || due < *next) {
        next = due;
      }
    }
    return next;
  }

  void forget_oldest() {
    auto oldest = std::min_element(known_.begin(), known_.end(), [](const auto& left, const auto& right) {
      return left.second.written_at < right.second.written_at;
    });
    known_.erase(oldest);
  }

  void write(const std::string& name, Known& known) {
    for (int attempt = 1; !stop_.stop_requested(); ++attempt) {
      Status written = known.written == 0 ? create(name, known) : update(name, known);
      known.written_at = clock_.now();
      if (written) {
        known.written = known.count;
        return;
      }
      ErrorKind kind = written.error().kind;
      bool passing =
          kind == ErrorKind::unavailable || kind == ErrorKind::connection_loss || kind == ErrorKind::timed_out;
      if (!passing || attempt >= attempt_count_max) {
        give_up(known, written.error());
        return;
      }
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, attempt_pause, [this] { return stop_.stop_requested(); });
    }
  }

  void give_up(Known& known, const Error& error) {
    if (error.kind != ErrorKind::cancelled) logger.warning("an event was not written: " + error.message);
    std::lock_guard lock(mutex_);
    dropped_count_ += static_cast<std::uint64_t>(known.count - known.written);
    known.count = known.written;
  }

  Status create(const std::string& name, Known& known) {
    ObjectReference reference = event_reference(known.last, name);
    Json object = event_object(known.last, options_);
    Result<Json> created =
        api_.create(reference, object, WriteOptions{.timeout = call_timeout, .stop = stop_.get_token()});
    if (created) return {};
    if (created.error().kind != ErrorKind::already_exists) return tl::unexpected<Error>(created.error());
    Result<Json> there = api_.get(reference, CallOptions{call_timeout, stop_.get_token()});
    if (!there) return tl::unexpected<Error>(there.error());
    // Sent twice, or of a process before this one.
    bool own =
        (*there)["eventTime"] == object["eventTime"] && (*there)["reportingInstance"] == object["reportingInstance"];
    if (own) return {};
    std::int64_t before = count_of(*there);
    known.count += before;
    known.written = before;
    return update(name, known);
  }

  Status update(const std::string& name, Known& known) {
    ObjectReference reference = event_reference(known.last, name);
    Result<Json> updated = api_.merge_patch(reference, series_patch(known.count, known.last.at),
                                            WriteOptions{.timeout = call_timeout, .stop = stop_.get_token()});
    if (updated) return {};
    if (updated.error().kind != ErrorKind::not_found) return tl::unexpected<Error>(updated.error());
    // Events live for an hour: this one begins anew.
    known.count = 1;
    known.written = 0;
    Result<Json> created = api_.create(reference, event_object(known.last, options_),
                                       WriteOptions{.timeout = call_timeout, .stop = stop_.get_token()});
    return created ? Status() : tl::unexpected<Error>(created.error());
  }

  KubernetesApi& api_;
  const Clock& clock_;
  EventRecorderOptions options_;

  // Of the recorder's thread.
  std::unordered_map<std::string, Known> known_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Occurrence> queue_;
  std::unordered_map<std::string, Bucket> buckets_;
  std::uint64_t dropped_count_ = 0;
  bool stopping_ = false;
  bool drained_ = false;

  std::stop_source stop_;
  std::thread thread_;
};

EventRecorder::EventRecorder(KubernetesApi& api, const Clock& clock, EventRecorderOptions options)
    : state_(std::make_unique<State>(api, clock, std::move(options))) {}

EventRecorder::~EventRecorder() { state_->stop(Duration::zero()); }

void EventRecorder::record(const Regarding& regarding, const EventDescription& event) {
  state_->record(regarding, event);
}

void EventRecorder::stop(Duration flush_timeout) { state_->stop(flush_timeout); }

std::uint64_t EventRecorder::dropped_count() const { return state_->dropped_count(); }

}  // namespace millrace::kubernetes

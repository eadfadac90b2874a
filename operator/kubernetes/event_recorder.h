// Events: what happened to an object, in words that `kubectl describe` and `kubectl events` show to people. Recording
// never blocks and never fails: events pass a bounded queue to a thread of their own, and are dropped, with a count,
// when they come too fast. The same event again raises the count of the one that is there; its name is a hash of what
// it says, so that an operator that was restarted, and a request that was sent twice, find it again.
//
// record() from any thread. Source: events.k8s.io/v1.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "broker/base/clock.h"
#include "operator/kubernetes/object_reference.h"

namespace millrace::kubernetes {

class KubernetesApi;

enum class EventType : std::uint8_t { normal, warning };

struct Regarding {
  ObjectReference object{};
  std::string uid{};
};

// reason and action are CamelCase words for programs (ClaimCreated, CreateClaim); note is a sentence of at most 1,024
// bytes.
struct EventDescription {
  EventType type = EventType::normal;
  std::string reason{};
  std::string action{};
  std::string note{};
};

struct EventRecorderOptions {
  std::string controller = "millrace.dev/operator";
  std::string instance{};  // this pod's name
  std::size_t queue_max = 256;
  double burst_per_object = 25;                           // as client-go: 25 at once for each object,
  Duration refill_per_object = std::chrono::seconds(30);  // then one in this time
  Duration repeat_interval = std::chrono::seconds(10);    // counts are written at most so often
};

// What the reconcilers need of it; a test collects what was said.
class EventSink {
 public:
  EventSink() = default;
  EventSink(const EventSink&) = delete;
  EventSink& operator=(const EventSink&) = delete;
  virtual ~EventSink() = default;
  virtual void record(const Regarding& regarding, const EventDescription& event) = 0;
};

class EventRecorder final : public EventSink {
 public:
  EventRecorder(KubernetesApi& api, const Clock& clock, EventRecorderOptions options);
  ~EventRecorder() override;

  void record(const Regarding& regarding, const EventDescription& event) override;

  // Writes what is queued, for as long as the time allows, and ends the thread.
  void stop(Duration flush_timeout = std::chrono::seconds(1));

  [[nodiscard]] std::uint64_t dropped_count() const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace millrace::kubernetes

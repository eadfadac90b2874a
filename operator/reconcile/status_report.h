// Gathers the aspects' outcomes into the KafkaCluster's status, writes it when it differs, and tells as events what
// changed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "broker/base/clock.h"
#include "operator/kubernetes/api.h"
#include "operator/kubernetes/event_recorder.h"
#include "operator/reconcile/outcome.h"
#include "operator/status/kafka_cluster_status.h"

namespace millrace::reconcile {

class StatusReport {
 public:
  // `object` is the KafkaCluster as it was read.
  StatusReport(const nlohmann::json& object, const Clock& clock);

  // Aspects in the order of their weight: the first that is not well speaks for Ready.
  void add(std::string aspect, const Outcome& outcome);
  // The aspect's condition as it was, with the generation that it speaks of: nobody looked.
  void keep(const std::string& aspect);
  // Beside the aspects; does not count for Ready. Absent unless set again each time.
  void note(std::string type, const Outcome& outcome);

  void set_cluster_id(std::string cluster_id) { status_.cluster_id = std::move(cluster_id); }
  void set_brokers(std::vector<status::BrokerStatus> brokers, std::int32_t wanted);
  void set_listeners(std::vector<status::ListenerStatus> listeners) { status_.listeners = std::move(listeners); }

  // Replaces everything but the condition Ready by what the status had: for when nothing could be looked at.
  [[nodiscard]] Status write_refusal(kubernetes::KubernetesApi& api, kubernetes::EventSink& events,
                                     const Outcome& refusal);
  [[nodiscard]] Status write(kubernetes::KubernetesApi& api, kubernetes::EventSink& events);

 private:
  struct Aspect {
    status::Condition condition;
    Outcome::Kind kind;
  };

  void begin_anew(std::string aspect, const Outcome& outcome);
  [[nodiscard]] status::Condition condition_of(std::string type, const Outcome& outcome,
                                               std::optional<status::ConditionStatus> status = std::nullopt) const;
  [[nodiscard]] Status patch(kubernetes::KubernetesApi& api, const nlohmann::json& after) const;
  void tell_changes(kubernetes::EventSink& events, const status::Condition& ready) const;

  const nlohmann::json& object_;
  const Clock& clock_;
  nlohmann::json before_;
  std::vector<status::Condition> conditions_before_;
  status::KafkaClusterStatus status_;
  std::vector<Aspect> aspects_;
  std::vector<status::Condition> notes_;
};

}  // namespace millrace::reconcile

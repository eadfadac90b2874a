// What the aspects of one reconciliation of one KafkaCluster share. One thread; lives as long as the reconciliation.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "broker/base/clock.h"
#include "broker/base/random.h"
#include "operator/api/broker_config.h"
#include "operator/api/kafka_cluster.h"
#include "operator/kubernetes/api.h"
#include "operator/kubernetes/event_recorder.h"
#include "operator/reconcile/cluster_objects.h"
#include "operator/resources/broker.h"
#include "operator/resources/founding_record.h"

namespace millrace::reconcile {

struct ClusterContext {
  kubernetes::KubernetesApi& api;
  kubernetes::EventSink& events;
  Random& random;
  std::string default_image;
  TimestampMs now{};  // at the beginning

  const api::KafkaCluster& cluster;
  std::string recorded_cluster_id;  // of the status that was there before
  api::BrokerConfig config;
  ClusterObjects objects;
  // Set by the identity aspect once the identity is settled; without it no broker's objects are made or changed.
  std::optional<resources::FoundingRecord> record;
  // The record as it was read, settled or not: brokers that run are reported whatever is wrong with it. Never one that
  // is only about to be written: an id that is in the status counts as given out.
  std::optional<resources::FoundingRecord> seen_record;

  [[nodiscard]] kubernetes::ObjectReference reference(const kubernetes::ResourceType& type, std::string name) const;
  // The brokers of the settled record whose pool the specification has, by id: what may be acted on.
  [[nodiscard]] std::vector<resources::Broker> brokers() const;
  // The same, of the record as it was read where it is not settled: what may be reported.
  [[nodiscard]] std::vector<resources::Broker> seen_brokers() const;

  // An event on the KafkaCluster. `reason` and `action` are words for programs, `note` is the sentence.
  void tell(std::string reason, std::string action, std::string note) const;
  void warn(std::string reason, std::string action, std::string note) const;
};

}  // namespace millrace::reconcile

#include "operator/reconcile/status_report.h"

#include <algorithm>
#include <utility>

#include "operator/api/json_access.h"
#include "operator/reconcile/resource_types.h"
#include "operator/status/text_limit.h"

namespace millrace::reconcile {

using Json = nlohmann::json;
using status::Condition;
using status::ConditionStatus;

namespace {

constexpr std::size_t note_bytes_max = 1024;

kubernetes::ObjectReference reference_of(const Json& object) {
  return {kafka_clusters, api::text_at(object, {"metadata", "namespace"}), api::object_name(object)};
}

void record(kubernetes::EventSink& events, const Json& object, kubernetes::EventType type, const Condition& condition,
            std::string action) {
  kubernetes::EventDescription event{type, condition.reason, std::move(action),
                                     status::keep_first(condition.message, note_bytes_max)};
  events.record({reference_of(object), api::object_uid(object)}, event);
}

bool says_the_same(const Condition* before, const Condition& now) {
  return before != nullptr && before->status == now.status && before->reason == now.reason &&
         before->message == now.message;
}

}  // namespace

StatusReport::StatusReport(const Json& object, const Clock& clock)
    : object_(object),
      clock_(clock),
      before_(api::json_at(object, {"status"})),
      conditions_before_(status::parse_conditions(before_)) {
  if (!before_.is_object()) before_ = Json::object();
  status_.observed_generation = api::integer_at(object, {"metadata", "generation"}).value_or(0);
}

Condition StatusReport::condition_of(std::string type, const Outcome& outcome,
                                     std::optional<ConditionStatus> status) const {
  Condition condition;
  condition.type = std::move(type);
  condition.status = status.value_or(outcome.condition_status());
  condition.reason = outcome.reason;
  condition.message = outcome.message;
  condition.observed_generation = status_.observed_generation;
  return status::transition(std::move(condition), conditions_before_, clock_.wall_clock());
}

void StatusReport::add(std::string aspect, const Outcome& outcome) {
  if (outcome.kind == Outcome::Kind::retry) return begin_anew(std::move(aspect), outcome);
  aspects_.push_back({condition_of(std::move(aspect), outcome), outcome.kind});
}

// What was true of an earlier generation says nothing about this one, which has not been applied yet.
void StatusReport::begin_anew(std::string aspect, const Outcome& outcome) {
  const Condition* before = status::find_condition(conditions_before_, aspect);
  if (before != nullptr && before->observed_generation == status_.observed_generation) return keep(aspect);
  auto passing = waiting("Reconciling", "something changed meanwhile: " + outcome.message);
  aspects_.push_back({condition_of(std::move(aspect), passing, ConditionStatus::unknown), passing.kind});
}

void StatusReport::keep(const std::string& aspect) {
  if (const Condition* before = status::find_condition(conditions_before_, aspect)) {
    aspects_.push_back({*before, Outcome::Kind::done});
    return;
  }
  aspects_.push_back({condition_of(aspect, waiting("NotLookedAtYet", "the operator has not come to this yet")),
                      Outcome::Kind::waiting});
}

void StatusReport::note(std::string type, const Outcome& outcome) {
  notes_.push_back(condition_of(std::move(type), outcome));
}

void StatusReport::set_brokers(std::vector<status::BrokerStatus> brokers, std::int32_t wanted) {
  status_.brokers = std::move(brokers);
  status_.brokers_wanted = wanted;
}

Status StatusReport::patch(kubernetes::KubernetesApi& api, const Json& after) const {
  if (after == before_) return {};
  Json patch = {{"metadata", {{"uid", api::object_uid(object_)}, {"resourceVersion", api::resource_version(object_)}}},
                {"status", status::status_patch(before_, after)}};
  kubernetes::WriteOptions options;
  options.subresource = "status";
  auto written = api.merge_patch(reference_of(object_), patch, options);
  if (!written) return tl::unexpected(written.error());
  return {};
}

Status StatusReport::write_refusal(kubernetes::KubernetesApi& api, kubernetes::EventSink& events,
                                   const Outcome& refusal) {
  auto ready = condition_of(status::ready_type, refusal);
  Json after = before_;
  Json conditions = Json::array();
  bool placed = false;
  for (const auto& condition : conditions_before_) {
    bool is_ready = condition.type == ready.type;
    placed = placed || is_ready;
    conditions.push_back(status::to_json(is_ready ? ready : condition));
  }
  if (!placed) conditions.push_back(status::to_json(ready));
  after["conditions"] = std::move(conditions);
  auto written = patch(api, after);
  bool news = !says_the_same(status::find_condition(conditions_before_, ready.type), ready);
  if (written && news) record(events, object_, kubernetes::EventType::warning, ready, "Reconcile");
  return written;
}

Status StatusReport::write(kubernetes::KubernetesApi& api, kubernetes::EventSink& events) {
  std::vector<Condition> conditions;
  conditions.reserve(aspects_.size());
  for (const auto& aspect : aspects_) conditions.push_back(aspect.condition);
  auto ready = status::ready_condition(conditions, status_.brokers_wanted);
  // Of the oldest specification that an aspect speaks of.
  ready.observed_generation = status_.observed_generation;
  for (const auto& condition : conditions)
    ready.observed_generation = std::min(ready.observed_generation, condition.observed_generation);
  ready = status::transition(std::move(ready), conditions_before_, clock_.wall_clock());
  conditions.push_back(ready);
  conditions.insert(conditions.end(), notes_.begin(), notes_.end());
  status_.conditions = std::move(conditions);
  auto written = patch(api, status::to_json(status_));
  if (written) tell_changes(events, ready);
  return written;
}

// Only what a person would want to hear: what needs one, what is mended again, and when the cluster becomes ready or
// stops being so.
void StatusReport::tell_changes(kubernetes::EventSink& events, const Condition& ready) const {
  bool explained = false;
  for (const auto& aspect : aspects_) {
    const Condition* before = status::find_condition(conditions_before_, aspect.condition.type);
    if (says_the_same(before, aspect.condition)) continue;
    if (aspect.kind == Outcome::Kind::problem || aspect.kind == Outcome::Kind::failed) {
      record(events, object_, kubernetes::EventType::warning, aspect.condition, aspect.condition.type);
      explained = true;
    }
  }
  const Condition* before = status::find_condition(conditions_before_, ready.type);
  bool was_ready = before != nullptr && before->status == ConditionStatus::is_true;
  const bool is_ready = ready.status == ConditionStatus::is_true;
  if (is_ready != was_ready && (is_ready || !explained)) {
    record(events, object_, kubernetes::EventType::normal, ready, ready.type);
  }
}

}  // namespace millrace::reconcile

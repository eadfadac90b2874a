// The API for one reconciliation: reads always pass, writes only in the term of leading that it began in, and for no
// longer than that lasts. A reconciliation that is under way when the time is over stops at its next write, also where
// this process leads again by then: what it has read is from before another operator acted.
//
// Cheap to make; one for each reconciliation. Any thread.
#pragma once

#include <functional>
#include <optional>

#include "broker/base/clock.h"
#include "operator/kubernetes/api.h"
#include "operator/kubernetes/leader_election.h"

namespace millrace::reconcile {

// Whether this process leads, and until when. Called from any thread.
using AskLeadership = std::function<std::optional<kubernetes::Leadership>()>;

class LeaderGuard final : public kubernetes::KubernetesApi {
 public:
  // All three outlive the guard. A write that may not be made is ErrorKind::cancelled; one whose answer has not come by
  // the end of the term is timed_out, its outcome unknown.
  LeaderGuard(kubernetes::KubernetesApi& api, const Clock& clock, const AskLeadership& leadership, std::uint64_t term)
      : api_(api), clock_(clock), leadership_(leadership), term_(term) {}

  Result<nlohmann::json> get(const kubernetes::ObjectReference& reference,
                             const kubernetes::CallOptions& options) override;
  Result<std::string> list(const kubernetes::ResourceType& type, const kubernetes::ListOptions& options,
                           const ItemHandler& each) override;
  Status watch(const kubernetes::ResourceType& type, const kubernetes::WatchOptions& options, const WatchHandler& each,
               std::stop_token stop) override;
  Result<nlohmann::json> apply(const kubernetes::ObjectReference& reference, const nlohmann::json& object,
                               const kubernetes::ApplyOptions& options) override;
  Result<nlohmann::json> create(const kubernetes::ObjectReference& reference, const nlohmann::json& object,
                                const kubernetes::WriteOptions& options) override;
  Result<nlohmann::json> replace(const kubernetes::ObjectReference& reference, const nlohmann::json& object,
                                 const kubernetes::WriteOptions& options) override;
  Result<nlohmann::json> merge_patch(const kubernetes::ObjectReference& reference, const nlohmann::json& patch,
                                     const kubernetes::WriteOptions& options) override;
  Status remove(const kubernetes::ObjectReference& reference, const kubernetes::RemoveOptions& options) override;
  Result<nlohmann::json> get_path(std::string_view path, const kubernetes::CallOptions& options) override;

 private:
  [[nodiscard]] Result<Duration> time_for_a_write(Duration wanted) const;
  template <class Options>
  [[nodiscard]] Result<Options> bounded(Options options) const;

  kubernetes::KubernetesApi& api_;
  const Clock& clock_;
  const AskLeadership& leadership_;
  std::uint64_t term_;
};

}  // namespace millrace::reconcile

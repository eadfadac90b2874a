// The API for reconcilers: reads always pass, writes only while this process leads. Leadership is asked for before each write, so
// that a reconciliation that is under way when the time is over stops at its next one.
#pragma once

#include <functional>

#include "operator/kubernetes/api.h"

namespace millrace::reconcile {

class LeaderGuard final : public kubernetes::KubernetesApi {
 public:
  // `api` outlives the guard. `leads` is called from any thread. A write that may not be made is ErrorKind::cancelled.
  LeaderGuard(kubernetes::KubernetesApi& api, std::function<bool()> leads) : api_(api), leads_(std::move(leads)) {}

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
  [[nodiscard]] Status check() const;

  kubernetes::KubernetesApi& api_;
  std::function<bool()> leads_;
};

}  // namespace millrace::reconcile

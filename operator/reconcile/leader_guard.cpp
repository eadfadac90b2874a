#include "operator/reconcile/leader_guard.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace millrace::reconcile {

using Json = nlohmann::json;

Status LeaderGuard::check() const {
  if (leads_()) return {};
  return fail(ErrorKind::cancelled, "this operator no longer leads, so it writes nothing");
}

Result<Json> LeaderGuard::get(const kubernetes::ObjectReference& reference, const kubernetes::CallOptions& options) {
  return api_.get(reference, options);
}

Result<std::string> LeaderGuard::list(const kubernetes::ResourceType& type, const kubernetes::ListOptions& options,
                                      const ItemHandler& each) {
  return api_.list(type, options, each);
}

Status LeaderGuard::watch(const kubernetes::ResourceType& type, const kubernetes::WatchOptions& options,
                          const WatchHandler& each, std::stop_token stop) {
  return api_.watch(type, options, each, std::move(stop));
}

Result<Json> LeaderGuard::apply(const kubernetes::ObjectReference& reference, const Json& object,
                                const kubernetes::ApplyOptions& options) {
  if (auto allowed = check(); !allowed) return tl::unexpected(allowed.error());
  return api_.apply(reference, object, options);
}

Result<Json> LeaderGuard::create(const kubernetes::ObjectReference& reference, const Json& object,
                                 const kubernetes::WriteOptions& options) {
  if (auto allowed = check(); !allowed) return tl::unexpected(allowed.error());
  return api_.create(reference, object, options);
}

Result<Json> LeaderGuard::replace(const kubernetes::ObjectReference& reference, const Json& object,
                                  const kubernetes::WriteOptions& options) {
  if (auto allowed = check(); !allowed) return tl::unexpected(allowed.error());
  return api_.replace(reference, object, options);
}

Result<Json> LeaderGuard::merge_patch(const kubernetes::ObjectReference& reference, const Json& patch,
                                      const kubernetes::WriteOptions& options) {
  if (auto allowed = check(); !allowed) return tl::unexpected(allowed.error());
  return api_.merge_patch(reference, patch, options);
}

Status LeaderGuard::remove(const kubernetes::ObjectReference& reference, const kubernetes::RemoveOptions& options) {
  if (auto allowed = check(); !allowed) return allowed;
  return api_.remove(reference, options);
}

Result<Json> LeaderGuard::get_path(std::string_view path, const kubernetes::CallOptions& options) {
  return api_.get_path(path, options);
}

}  // namespace millrace::reconcile

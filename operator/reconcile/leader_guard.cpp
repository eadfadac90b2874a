#include "operator/reconcile/leader_guard.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace millrace::reconcile {

using Json = nlohmann::json;

Result<Duration> LeaderGuard::time_for_a_write(Duration wanted) const {
  auto leadership = leadership_();
  if (!leadership || leadership->term != term_) {
    return fail(ErrorKind::cancelled, "this operator no longer leads as it did when it began, so it writes nothing");
  }
  Duration left = leadership->until - clock_.now();
  if (left <= Duration::zero()) return fail(ErrorKind::cancelled, "the time of this operator's leading is over");
  return std::min(wanted, left);
}

template <class Options>
Result<Options> LeaderGuard::bounded(Options options) const {
  auto time = time_for_a_write(options.timeout);
  if (!time) return tl::unexpected(time.error());
  options.timeout = *time;
  return options;
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
  auto within = bounded(options);
  if (!within) return tl::unexpected(within.error());
  return api_.apply(reference, object, *within);
}

Result<Json> LeaderGuard::create(const kubernetes::ObjectReference& reference, const Json& object,
                                 const kubernetes::WriteOptions& options) {
  auto within = bounded(options);
  if (!within) return tl::unexpected(within.error());
  return api_.create(reference, object, *within);
}

Result<Json> LeaderGuard::replace(const kubernetes::ObjectReference& reference, const Json& object,
                                  const kubernetes::WriteOptions& options) {
  auto within = bounded(options);
  if (!within) return tl::unexpected(within.error());
  return api_.replace(reference, object, *within);
}

Result<Json> LeaderGuard::merge_patch(const kubernetes::ObjectReference& reference, const Json& patch,
                                      const kubernetes::WriteOptions& options) {
  auto within = bounded(options);
  if (!within) return tl::unexpected(within.error());
  return api_.merge_patch(reference, patch, *within);
}

Status LeaderGuard::remove(const kubernetes::ObjectReference& reference, const kubernetes::RemoveOptions& options) {
  auto within = bounded(options);
  if (!within) return tl::unexpected(within.error());
  return api_.remove(reference, *within);
}

Result<Json> LeaderGuard::get_path(std::string_view path, const kubernetes::CallOptions& options) {
  return api_.get_path(path, options);
}

}  // namespace millrace::reconcile

#include "operator/kubernetes/lease_watch.h"

#include <nlohmann/json.hpp>

#include "operator/kubernetes/api.h"

namespace millrace::kubernetes {
namespace {

struct Renewal {
  std::string holder;
  std::string time;
};

std::string text_of(const Json& spec, const char* name) {
  auto found = spec.find(name);
  return found != spec.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Result<Renewal> read_renewal(KubernetesApi& api, const ObjectReference& lease) {
  auto read = api.get(lease, {});
  if (!read) return tl::unexpected<Error>(read.error());
  auto spec = read->find("spec");
  if (spec == read->end() || !spec->is_object()) return Renewal{};
  return Renewal{text_of(*spec, "holderIdentity"), text_of(*spec, "renewTime")};
}

std::string seconds_text(Duration duration) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(duration).count()) + " s";
}

}  // namespace

Result<std::string> see_renewal(KubernetesApi& api, const ObjectReference& lease,
                                const std::function<void(Duration)>& pause, const LeaseWatchOptions& options) {
  auto first = read_renewal(api, lease);
  if (!first) return tl::unexpected<Error>(first.error());
  Renewal now = *first;
  for (Duration waited{}; waited < options.patience; waited += options.interval) {
    pause(options.interval);
    auto next = read_renewal(api, lease);
    if (!next) return tl::unexpected<Error>(next.error());
    now = std::move(*next);
    if (!now.holder.empty() && now.time != first->time) return now.holder;
  }
  if (now.holder.empty()) return fail(ErrorKind::unavailable, "nobody holds the " + lease.text());
  return fail(ErrorKind::unavailable, now.holder + " holds the " + lease.text() + " and has not renewed it for " +
                                          seconds_text(options.patience));
}

}  // namespace millrace::kubernetes

// Whether somebody really leads. A holder in a Lease proves nothing: one that died is named there until another takes
// over.
//
// Blocks the calling thread; any thread.
#pragma once

#include <functional>
#include <string>

#include "broker/base/clock.h"
#include "broker/base/result.h"
#include "operator/kubernetes/object_reference.h"

namespace millrace::kubernetes {

class KubernetesApi;

struct LeaseWatchOptions {
  Duration interval = std::chrono::seconds(1);
  // Time for a holder that died to lose the Lease, and for another to take it.
  Duration patience = std::chrono::seconds(20);
};

// The holder, once it was seen to renew. Reads the Lease again and again, with `pause` in between. Errors: those of the
// API, and
//   unavailable  nobody holds the Lease, or its holder has not renewed it within the patience
[[nodiscard]] Result<std::string> see_renewal(KubernetesApi& api, const ObjectReference& lease,
                                              const std::function<void(Duration)>& pause,
                                              const LeaseWatchOptions& options = {});

}  // namespace millrace::kubernetes

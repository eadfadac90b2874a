// What informers keep of each object: whose it is, and enough to tell whether a change of it matters. Reconciliations
// read the objects themselves from the API server; these copies only say when to look, and stay small for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace millrace::reconcile {

struct WatchedCluster {
  std::string uid;
  std::int64_t generation = 0;
  bool deleting = false;
  bool ready = false;
};

struct WatchedChild {
  std::string cluster;          // the label millrace.dev/cluster
  std::size_t fingerprint = 0;  // of all that a reconciliation may look at
};

// The same object with the same specification. Deleted and created again between two lists it is another one, of equal
// generation.
[[nodiscard]] bool is_no_news(const WatchedCluster& before, const WatchedCluster& after);

[[nodiscard]] std::shared_ptr<const WatchedCluster> watch_cluster(const nlohmann::json& object);
[[nodiscard]] std::shared_ptr<const WatchedChild> watch_child(const nlohmann::json& object);

}  // namespace millrace::reconcile

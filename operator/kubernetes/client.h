// KubernetesApi over HTTPS. It has two connection pools: one for requests, one for watches, because a watch is quiet
// for longer than a request may take. The Lease gets a KubernetesClient of its own (leader_election.h). Any thread. The
// destructor stops the client and waits for the calls under way.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "operator/kubernetes/api.h"
#include "operator/kubernetes/configuration.h"

namespace millrace::kubernetes {

struct ClientOptions {
  std::string user_agent = "millrace-operator";
  std::size_t answer_bytes_max = 64UL << 20;     // of one answer; a page of a list
  std::size_t watch_line_bytes_max = 8UL << 20;  // of one object in a watch; etcd holds 1.5 MiB at most
  int list_page_size = 100;
  Duration token_reload = std::chrono::seconds(60);
  // The API server sends a bookmark a minute; a watch that is silent for longer is resumed on a new connection.
  Duration watch_silence_max = std::chrono::seconds(150);
};

class KubernetesClient final : public KubernetesApi {
 public:
  // Checks the certificates and keys; does not connect.
  [[nodiscard]] static Result<std::unique_ptr<KubernetesClient>> make(const ClientConfiguration& configuration,
                                                                      const Clock& clock,
                                                                      const ClientOptions& options = {});
  ~KubernetesClient() override;

  // From now on every call returns `cancelled`, those under way within a second.
  void stop();

  Result<Json> get(const ObjectReference& reference, const CallOptions& options) override;
  Result<std::string> list(const ResourceType& type, const ListOptions& options, const ItemHandler& each) override;
  Status watch(const ResourceType& type, const WatchOptions& options, const WatchHandler& each,
               std::stop_token stop) override;
  Result<Json> apply(const ObjectReference& reference, const Json& object, const ApplyOptions& options) override;
  Result<Json> create(const ObjectReference& reference, const Json& object, const WriteOptions& options) override;
  Result<Json> replace(const ObjectReference& reference, const Json& object, const WriteOptions& options) override;
  Result<Json> merge_patch(const ObjectReference& reference, const Json& patch, const WriteOptions& options) override;
  Status remove(const ObjectReference& reference, const RemoveOptions& options) override;
  Result<Json> get_path(std::string_view path, const CallOptions& options) override;

 private:
  class Implementation;
  explicit KubernetesClient(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace millrace::kubernetes

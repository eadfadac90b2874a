// The Kubernetes API as the operator uses it. KubernetesClient (client.h) speaks to a real API server; tests of
// reconcilers put a fake behind this interface. Objects are JSON as the API server has them.
//
// Calls block the calling thread until the answer or the deadline; they may be made from any thread, several at once.
// After KubernetesClient::stop() every call, also one under way, ends with ErrorKind::cancelled.
//
// Errors. Error::message has the API server's own words and the object that was asked for.
//   not_found          404
//   already_exists     409 of a create whose name is taken. A create that is resent after a lost answer meets its own
//                      object: read it and look before calling that a failure.
//   conflict           409 of an apply without force: another field manager owns a field; the message names both
//   version_mismatch   409 of any other write: the object changed, or is not the one of the precondition: read it again
//   invalid_argument   400, 413, 422: the message says which field and why
//   permission_denied  401, 403
//   unsupported        404 for the whole collection: the CustomResourceDefinition is not there; 405, 415
//   session_expired    410, or a resource version that this server does not know (yet): list again with an empty one
//   unavailable        429 and 5xx, when waiting as Retry-After asks would pass the deadline; no connection; a
//                      namespace that is being deleted takes no new objects
//   timed_out          the deadline passed; nothing is sent, or sent again, after it. For a write the outcome is
//                      unknown: read before trying again
//   connection_loss    the connection broke; for a write the outcome is unknown
//   cancelled          stop() was called
//   corrupt            the answer is not what the protocol promises
//
// Source: Kubernetes API concepts (kubernetes.io/docs/reference/using-api/api-concepts, server-side-apply).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "broker/base/clock.h"
#include "broker/base/result.h"
#include "operator/kubernetes/object_reference.h"
#include "operator/kubernetes/resource_type.h"

namespace millrace::kubernetes {

using Json = nlohmann::json;

// For how long one call may take, its waits for Retry-After included.
inline constexpr Duration default_call_timeout = std::chrono::seconds(15);

struct CallOptions {
  Duration timeout = default_call_timeout;
  std::stop_token stop{};  // ends the call early, with cancelled
};

struct ListOptions {
  std::string namespace_name{};  // empty: all namespaces, or a type of cluster scope
  std::string label_selector{};  // millrace.dev/cluster=a,app!=b
  std::string field_selector{};  // metadata.name=a
  // "0": any state that the server has in its cache, cheap, possibly old. Empty: the newest, read through from etcd.
  std::string resource_version{};
  Duration timeout = std::chrono::seconds(60);
  std::stop_token stop{};  // ends the call early, with cancelled
};

struct WriteOptions {
  std::string subresource{};  // "status" writes the status and nothing else
  Duration timeout = default_call_timeout;
  std::stop_token stop{};
};

struct ApplyOptions {
  std::string field_manager = "millrace-operator";
  bool force = false;         // take fields from other managers; first without, then with and a log line
  std::string subresource{};  // "status" writes the status and nothing else
  Duration timeout = default_call_timeout;
  std::stop_token stop{};
};

// Background: the object goes now, its dependents after it. Foreground: the other way round. Orphan: dependents stay.
enum class Propagation : std::uint8_t { background, foreground, orphan };

struct RemoveOptions {
  // Preconditions: the object is removed only if it is this one (uid), unchanged since it was read (resource_version).
  std::string uid{};
  std::string resource_version{};
  Propagation propagation = Propagation::background;
  std::optional<std::int64_t> grace_period_seconds{};
  Duration timeout = default_call_timeout;
  std::stop_token stop{};
};

// A bookmark carries nothing but a newer resource version, under which a watch can be resumed.
enum class WatchEventType : std::uint8_t { added, modified, deleted, bookmark };

struct WatchOptions {
  std::string namespace_name{};
  std::string label_selector{};
  std::string field_selector{};
  std::string resource_version{};            // of the list that this watch continues
  std::chrono::seconds server_timeout{300};  // after which the API server ends the watch in good order
};

class KubernetesApi {
 public:
  using ItemHandler = std::function<void(Json&& item)>;
  using WatchHandler = std::function<void(WatchEventType type, Json&& object)>;

  KubernetesApi() = default;
  KubernetesApi(const KubernetesApi&) = delete;
  KubernetesApi& operator=(const KubernetesApi&) = delete;
  virtual ~KubernetesApi() = default;

  [[nodiscard]] virtual Result<Json> get(const ObjectReference& reference, const CallOptions& options) = 0;

  // Gives the items one by one, because the tree of a whole list is large, and returns the list's resource version.
  // Items have their apiVersion and kind filled in. After an error the items given so far are of no use.
  [[nodiscard]] virtual Result<std::string> list(const ResourceType& type, const ListOptions& options,
                                                 const ItemHandler& each) = 0;

  // Blocks, calling `each` from this thread, until the server ends the watch (success: resume from the last resource
  // version), an error, or `stop` (cancelled). The watch must be resumed or replaced by a list after any return.
  [[nodiscard]] virtual Status watch(const ResourceType& type, const WatchOptions& options, const WatchHandler& each,
                                     std::stop_token stop) = 0;

  // Server-side apply: makes the fields in `object` so, and gives up those that this field manager set before and are
  // no longer in it. Creates the object if it is not there. apiVersion, kind, metadata.name and metadata.namespace are
  // filled in from the reference where absent. Returns the object as stored.
  [[nodiscard]] virtual Result<Json> apply(const ObjectReference& reference, const Json& object,
                                           const ApplyOptions& options) = 0;

  // Names are always the caller's: a create may be sent twice, and with a fixed name the second one does no harm.
  [[nodiscard]] virtual Result<Json> create(const ObjectReference& reference, const Json& object,
                                            const WriteOptions& options) = 0;

  // Replaces the whole object, if metadata.resourceVersion in it is still the stored one (version_mismatch otherwise).
  [[nodiscard]] virtual Result<Json> replace(const ObjectReference& reference, const Json& object,
                                             const WriteOptions& options) = 0;

  // JSON merge patch (RFC 7386): null removes a field, an array is replaced as a whole. With metadata.resourceVersion
  // (and metadata.uid) in the patch it is conditional.
  [[nodiscard]] virtual Result<Json> merge_patch(const ObjectReference& reference, const Json& patch,
                                                 const WriteOptions& options) = 0;

  // Success means accepted: finalizers and grace periods may keep the object for a while. not_found if it is gone
  // already.
  [[nodiscard]] virtual Status remove(const ObjectReference& reference, const RemoveOptions& options) = 0;

  // Anything else that is a GET with a JSON answer, such as /version.
  [[nodiscard]] virtual Result<Json> get_path(std::string_view path, const CallOptions& options) = 0;
};

}  // namespace millrace::kubernetes

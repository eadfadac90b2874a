#include "operator/kubernetes/client.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "operator/kubernetes/api_error.h"
#include "operator/kubernetes/bearer_token.h"
#include "operator/kubernetes/http_transport.h"
#include "operator/kubernetes/list_reader.h"
#include "operator/kubernetes/resource_path.h"
#include "operator/kubernetes/tls_identity.h"

namespace millrace::kubernetes {

namespace {

constexpr int retry_count_max = 10;
constexpr std::chrono::seconds watch_head_timeout{30};

MonotonicTime steady_now() { return std::chrono::steady_clock::now(); }

std::string collection_text(const ResourceType& type, const std::string& namespace_name) {
  return std::string(type.kind) + " objects" + (namespace_name.empty() ? "" : " in " + namespace_name);
}

// A 504 has waited already: for a resource version that the server does not know, or for somebody behind it.
bool asks_to_wait(const HttpHead& head) {
  return head.retry_after && (head.status == 429 || (head.status >= 500 && head.status != 504));
}

Status check_names(const ObjectReference& reference) {
  if (reference.name.empty())
    return fail(ErrorKind::invalid_argument, std::string(reference.type.kind) + ": the name is empty");
  bool namespaced = reference.type.scope == Scope::namespaced;
  if (namespaced == reference.namespace_name.empty()) {
    return fail(ErrorKind::invalid_argument,
                reference.text() + (namespaced ? " needs a namespace" : " is not in a namespace: leave it empty"));
  }
  return {};
}

// The object with what its address says already.
Json completed(const ObjectReference& reference, Json object) {
  if (!object.contains("apiVersion")) object["apiVersion"] = reference.type.api_version();
  if (!object.contains("kind")) object["kind"] = std::string(reference.type.kind);
  Json& metadata = object["metadata"];
  if (!metadata.contains("name")) metadata["name"] = reference.name;
  if (!reference.namespace_name.empty() && !metadata.contains("namespace"))
    metadata["namespace"] = reference.namespace_name;
  return object;
}

std::string remove_body(const RemoveOptions& options) {
  Json body{{"apiVersion", "v1"}, {"kind", "DeleteOptions"}};
  switch (options.propagation) {
    case Propagation::background:
      body["propagationPolicy"] = "Background";
      break;
    case Propagation::foreground:
      body["propagationPolicy"] = "Foreground";
      break;
    case Propagation::orphan:
      body["propagationPolicy"] = "Orphan";
      break;
  }
  if (options.grace_period_seconds) body["gracePeriodSeconds"] = *options.grace_period_seconds;
  if (!options.uid.empty()) body["preconditions"]["uid"] = options.uid;
  if (!options.resource_version.empty()) body["preconditions"]["resourceVersion"] = options.resource_version;
  return body.dump();
}

Result<std::string> body_text(const Json& object, const ApiAction& action) {
  try {
    return object.dump();
  } catch (const Json::exception&) {
    return tl::unexpected<Error>(
        with_action(Error{ErrorKind::invalid_argument, "a string in it is not UTF-8"}, action));
  }
}

std::optional<WatchEventType> event_type(const std::string& name) {
  if (name == "ADDED") return WatchEventType::added;
  if (name == "MODIFIED") return WatchEventType::modified;
  if (name == "DELETED") return WatchEventType::deleted;
  if (name == "BOOKMARK") return WatchEventType::bookmark;
  return std::nullopt;
}

Status take_watch_line(std::string_view line, const ApiAction& action, const KubernetesApi::WatchHandler& each) {
  Json event = Json::parse(line, nullptr, false);
  if (!event.is_object() || !event.contains("type") || !event["type"].is_string() || !event.contains("object")) {
    return fail(ErrorKind::corrupt, "an event of the watch is not a JSON object with type and object");
  }
  const auto& name = event["type"].get_ref<const std::string&>();
  if (name == "ERROR") return tl::unexpected<Error>(error_of_status(event["object"], 0, action));
  std::optional<WatchEventType> type = event_type(name);
  if (!type) return fail(ErrorKind::corrupt, "the watch has an event of the unknown type " + name);
  each(*type, std::move(event["object"]));
  return {};
}

}  // namespace

class KubernetesClient::Implementation {
 public:
  Implementation(std::unique_ptr<HttpTransport> requests, std::unique_ptr<HttpTransport> watches,
                 std::unique_ptr<BearerToken> token, const ClientOptions& options)
      : requests_(std::move(requests)), watches_(std::move(watches)), token_(std::move(token)), options_(options) {}

  // Sends, and again where the server asks for that, until the deadline.
  Result<HttpAnswer> send(HttpRequest request, Duration timeout, const std::stop_token& stop) {
    MonotonicTime deadline = steady_now() + timeout;
    bool token_renewed = false;
    for (int attempt = 0;; ++attempt) {
      Result<std::string> authorization = token_->authorization();
      if (!authorization) return tl::unexpected<Error>(authorization.error());
      request.authorization = *authorization;
      Result<HttpAnswer> answer = requests_->exchange(request, deadline - steady_now(), stop);
      if (!answer) return answer;
      if (answer->head.status == 401 && !token_renewed && token_->expire()) {
        token_renewed = true;
        continue;
      }
      if (!asks_to_wait(answer->head) || attempt >= retry_count_max) return answer;
      // A server that says 0 still gets a moment.
      Duration wait = std::max<Duration>(*answer->head.retry_after, std::chrono::milliseconds(100));
      if (steady_now() + wait >= deadline) return answer;
      if (Status waited = requests_->pause(wait, stop); !waited) return tl::unexpected<Error>(waited.error());
    }
  }

  Result<Json> call(const HttpRequest& request, const ApiAction& action, const CallOptions& options) {
    Result<HttpAnswer> answer = send(request, options.timeout, options.stop);
    if (!answer) return tl::unexpected<Error>(with_action(answer.error(), action));
    if (answer->head.status < 200 || answer->head.status > 299) {
      return tl::unexpected<Error>(error_of_answer(answer->head.status, answer->body, action));
    }
    Json object = Json::parse(answer->body, nullptr, false);
    if (object.is_discarded())
      return tl::unexpected<Error>(with_action(Error{ErrorKind::corrupt, "the answer is not JSON"}, action));
    return object;
  }

  Result<Json> write(std::string method, std::string target, std::string content_type, const Json& object,
                     const ApiAction& action, const CallOptions& options) {
    Result<std::string> body = body_text(object, action);
    if (!body) return tl::unexpected<Error>(body.error());
    return call(HttpRequest{.method = std::move(method),
                            .target = std::move(target),
                            .content_type = std::move(content_type),
                            .body = std::move(*body)},
                action, options);
  }

  void stop() {
    requests_->stop();
    watches_->stop();
  }

  HttpTransport& watches() { return *watches_; }
  BearerToken& token() { return *token_; }
  const ClientOptions& options() const { return options_; }

 private:
  std::unique_ptr<HttpTransport> requests_;
  std::unique_ptr<HttpTransport> watches_;
  std::unique_ptr<BearerToken> token_;
  ClientOptions options_;
};

KubernetesClient::KubernetesClient(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}

KubernetesClient::~KubernetesClient() { stop(); }

void KubernetesClient::stop() { implementation_->stop(); }

Result<std::unique_ptr<KubernetesClient>> KubernetesClient::make(const ClientConfiguration& configuration,
                                                                 const Clock& clock, const ClientOptions& options) {
  auto in_context = [&](Error error) {
    error.message = (configuration.origin.empty() ? "" : configuration.origin + ": ") + error.message;
    return tl::unexpected<Error>(std::move(error));
  };
  auto identity = TlsIdentity::make(configuration);
  if (!identity) return in_context(identity.error());
  HttpTransportOptions transport{.server = configuration.server,
                                 .host_name = configuration.tls_server_name,
                                 .user_agent = options.user_agent,
                                 .verify_server = configuration.verify_server,
                                 .answer_bytes_max = options.answer_bytes_max};
  auto requests = HttpTransport::make(transport, *identity);
  if (!requests) return in_context(requests.error());
  auto watches = HttpTransport::make(transport, *identity);
  if (!watches) return in_context(watches.error());
  auto token =
      std::make_unique<BearerToken>(configuration.token, configuration.token_file, options.token_reload, clock);
  return std::unique_ptr<KubernetesClient>(new KubernetesClient(
      std::make_unique<Implementation>(std::move(*requests), std::move(*watches), std::move(token), options)));
}

Result<Json> KubernetesClient::get(const ObjectReference& reference, const CallOptions& options) {
  if (Status named = check_names(reference); !named) return tl::unexpected<Error>(named.error());
  return implementation_->call(HttpRequest{.method = "GET", .target = object_path(reference, "")},
                               ApiAction{"read", reference.text()}, options);
}

Result<Json> KubernetesClient::get_path(std::string_view path, const CallOptions& options) {
  return implementation_->call(HttpRequest{.method = "GET", .target = std::string(path)},
                               ApiAction{"read", std::string(path)}, options);
}

Result<std::string> KubernetesClient::list(const ResourceType& type, const ListOptions& options,
                                           const ItemHandler& each) {
  ApiAction action{"list", collection_text(type, options.namespace_name), true};
  MonotonicTime deadline = steady_now() + options.timeout;
  std::string continue_token;
  while (true) {
    QueryString query;
    query.add_if("labelSelector", options.label_selector).add_if("fieldSelector", options.field_selector);
    if (!continue_token.empty()) {
      query.add("continue", continue_token);
    } else {
      query.add_if("resourceVersion", options.resource_version);
    }
    // With a limit the server reads a version as "exactly"; a list continues from where it was or anything newer.
    bool at_least = !options.resource_version.empty() && options.resource_version != "0";
    at_least ? query.add("resourceVersionMatch", "NotOlderThan")
             : query.add("limit", std::to_string(implementation_->options().list_page_size));
    HttpRequest request{.method = "GET", .target = collection_path(type, options.namespace_name) + query.text()};
    Result<HttpAnswer> answer = implementation_->send(std::move(request), deadline - steady_now(), options.stop);
    if (!answer) return tl::unexpected<Error>(with_action(answer.error(), action));
    if (answer->head.status != 200)
      return tl::unexpected<Error>(error_of_answer(answer->head.status, answer->body, action));
    Result<ListTail> tail = read_list(answer->body, type, each);
    if (!tail) return tl::unexpected<Error>(with_action(tail.error(), action));
    if (tail->continue_token.empty()) return tail->resource_version;
    continue_token = std::move(tail->continue_token);
  }
}

Status KubernetesClient::watch(const ResourceType& type, const WatchOptions& options, const WatchHandler& each,
                               std::stop_token stop) {
  ApiAction action{"watch", collection_text(type, options.namespace_name), true};
  QueryString query;
  query.add("watch", "true")
      .add("allowWatchBookmarks", "true")
      .add("timeoutSeconds", std::to_string(options.server_timeout.count()))
      .add_if("resourceVersion", options.resource_version)
      .add_if("labelSelector", options.label_selector)
      .add_if("fieldSelector", options.field_selector);
  Result<std::string> authorization = implementation_->token().authorization();
  if (!authorization) return tl::unexpected<Error>(with_action(authorization.error(), action));
  HttpRequest request{.method = "GET",
                      .target = collection_path(type, options.namespace_name) + query.text(),
                      .authorization = std::move(*authorization)};
  StreamLimits limits{.head_timeout = watch_head_timeout,
                      .silence_max = implementation_->options().watch_silence_max,
                      .line_bytes_max = implementation_->options().watch_line_bytes_max};
  std::optional<Error> refusal;  // has the action in its message already
  auto take_line = [&](std::string_view line) -> Status {
    Status taken = take_watch_line(line, action, each);
    if (!taken && taken.error().kind != ErrorKind::corrupt) refusal = taken.error();
    return taken;
  };
  Result<HttpAnswer> answer = implementation_->watches().stream_lines(request, limits, take_line, std::move(stop));
  if (refusal) return tl::unexpected<Error>(*refusal);
  if (!answer) return tl::unexpected<Error>(with_action(answer.error(), action));
  if (answer->head.status == 200) return {};
  if (answer->head.status == 401) implementation_->token().expire();
  return tl::unexpected<Error>(error_of_answer(answer->head.status, answer->body, action));
}

Result<Json> KubernetesClient::apply(const ObjectReference& reference, const Json& object,
                                     const ApplyOptions& options) {
  if (Status named = check_names(reference); !named) return tl::unexpected<Error>(named.error());
  QueryString query;
  query.add("fieldManager", options.field_manager).add("force", options.force ? "true" : "false");
  return implementation_->write("PATCH", object_path(reference, options.subresource) + query.text(),
                                "application/apply-patch+yaml", completed(reference, object),
                                ApiAction{"apply", reference.text()}, CallOptions{options.timeout, options.stop});
}

Result<Json> KubernetesClient::create(const ObjectReference& reference, const Json& object,
                                      const WriteOptions& options) {
  bool unnamed = reference.name.empty() && reference.type == self_subject_access_reviews;
  if (Status named = check_names(reference); !named && !unnamed) return tl::unexpected<Error>(named.error());
  std::string target = options.subresource.empty() ? collection_path(reference.type, reference.namespace_name)
                                                   : object_path(reference, options.subresource);
  return implementation_->write("POST", std::move(target), "application/json", completed(reference, object),
                                ApiAction{"create", reference.text()}, CallOptions{options.timeout, options.stop});
}

Result<Json> KubernetesClient::replace(const ObjectReference& reference, const Json& object,
                                       const WriteOptions& options) {
  if (Status named = check_names(reference); !named) return tl::unexpected<Error>(named.error());
  return implementation_->write("PUT", object_path(reference, options.subresource), "application/json",
                                completed(reference, object), ApiAction{"replace", reference.text()},
                                CallOptions{options.timeout, options.stop});
}

Result<Json> KubernetesClient::merge_patch(const ObjectReference& reference, const Json& patch,
                                           const WriteOptions& options) {
  if (Status named = check_names(reference); !named) return tl::unexpected<Error>(named.error());
  return implementation_->write("PATCH", object_path(reference, options.subresource), "application/merge-patch+json",
                                patch, ApiAction{"patch", reference.text()},
                                CallOptions{options.timeout, options.stop});
}

Status KubernetesClient::remove(const ObjectReference& reference, const RemoveOptions& options) {
  if (Status named = check_names(reference); !named) return named;
  Result<Json> answer =
      implementation_->call(HttpRequest{.method = "DELETE",
                                        .target = object_path(reference, ""),
                                        .content_type = "application/json",
                                        .body = remove_body(options)},
                            ApiAction{"delete", reference.text()}, CallOptions{options.timeout, options.stop});
  if (!answer) return tl::unexpected<Error>(answer.error());
  return {};
}

}  // namespace millrace::kubernetes

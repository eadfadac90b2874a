// The kubeconfig reader. The format: k8s.io/client-go/tools/clientcmd/api/v1, of which what would change who we are or where we
// connect is either supported or refused, never skipped over.
#include <yaml-cpp/yaml.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "operator/kubernetes/base64.h"
#include "operator/kubernetes/configuration.h"

namespace millrace::kubernetes {

namespace {

namespace fs = std::filesystem;

struct Document {
  fs::path path;
  YAML::Node root;
};

// A named entry (a cluster, a user, a context) and the file that its relative paths start from.
struct Entry {
  std::string title;  // user "admin" of /root/.kube/config
  fs::path folder;
  YAML::Node body;
};

tl::unexpected<Error> refuse(const std::string& message) { return fail(ErrorKind::invalid_argument, message); }

Result<Document> read_document(const fs::path& path) {
  auto content = read_small_file(path, "kubeconfig");
  if (!content) return tl::unexpected<Error>(content.error());
  try {
    Document document{path, YAML::Load(*content)};
    if (!document.root.IsMap())
      return refuse("kubeconfig " + path.string() + " is not a YAML map with clusters, users and contexts");
    return document;
  } catch (const YAML::Exception& exception) {
    return refuse("kubeconfig " + path.string() + " is not YAML: " + exception.what());
  }
}

Result<std::vector<Document>> read_documents(const std::string& paths) {
  std::vector<Document> documents;
  for (std::size_t begin = 0; begin <= paths.size();) {
    std::size_t end = std::min(paths.find(':', begin), paths.size());
    std::string path = paths.substr(begin, end - begin);
    begin = end + 1;
    if (path.empty()) continue;
    auto document = read_document(path);
    // As kubectl does: of several files some may be missing.
    if (!document && document.error().kind == ErrorKind::not_found) continue;
    if (!document) return tl::unexpected<Error>(document.error());
    documents.push_back(std::move(*document));
  }
  if (documents.empty()) return fail(ErrorKind::not_found, "no kubeconfig at " + paths);
  return documents;
}

std::string scalar(const YAML::Node& map, const char* key) {
  YAML::Node value = map[key];
  return value && value.IsScalar() ? value.Scalar() : std::string();
}

Result<Entry> find_entry(const std::vector<Document>& documents, const char* list, const char* member,
                         const std::string& name) {
  for (const Document& document : documents) {
    const YAML::Node& root = document.root;
    YAML::Node entries = root[list];
    if (!entries || entries.IsNull()) continue;
    if (!entries.IsSequence()) return refuse("kubeconfig " + document.path.string() + ": " + list + " is not a list");
    for (const YAML::Node& entry : entries) {
      if (!entry.IsMap() || scalar(entry, "name") != name) continue;
      std::string title = std::string(member) + " \"" + name + "\" of " + document.path.string();
      YAML::Node body = entry[member];
      if (!body || body.IsNull()) body = YAML::Node(YAML::NodeType::Map);
      if (!body.IsMap()) return refuse(title + " is not a map");
      return Entry{std::move(title), document.path.parent_path(), body};
    }
  }
  return fail(ErrorKind::not_found,
              "kubeconfig " + documents.front().path.string() + " has no " + member + " \"" + name + "\"");
}

// <key>-data in place, or <key> as a path.
Result<std::string> pem_of(const Entry& entry, const std::string& key) {
  std::string data = scalar(entry.body, (key + "-data").c_str());
  if (!data.empty()) {
    auto decoded = base64_decoded(data);
    if (!decoded) return refuse(entry.title + ": " + key + "-data is not base64");
    return *decoded;
  }
  std::string path = scalar(entry.body, key.c_str());
  if (path.empty()) return std::string();
  return read_small_file(entry.folder / path, entry.title + ": " + key);
}

Status refuse_keys(const Entry& entry, std::initializer_list<const char*> keys, const std::string& instead) {
  for (const char* key : keys) {
    YAML::Node value = entry.body[key];
    if (value && !value.IsNull()) return refuse(entry.title + ": " + key + " is not supported; " + instead);
  }
  return {};
}

Status read_server(const Entry& cluster, std::string& server) {
  server = scalar(cluster.body, "server");
  if (server.empty()) return refuse(cluster.title + ": server is missing");
  if (!server.starts_with("https://") && !server.starts_with("http://")) {
    return refuse(cluster.title + ": server \"" + server + "\" does not begin with https:// or http://");
  }
  if (server.find("://[") != std::string::npos) {
    return refuse(cluster.title + ": server \"" + server + "\" is an IPv6 address, which is not supported; use a name");
  }
  return {};
}

Status read_cluster(const Entry& cluster, ClientConfiguration& configuration) {
  if (Status known = refuse_keys(cluster, {"proxy-url"}, "connect directly"); !known) return known;
  if (Status read = read_server(cluster, configuration.server); !read) return read;
  configuration.tls_server_name = scalar(cluster.body, "tls-server-name");
  std::string insecure = scalar(cluster.body, "insecure-skip-tls-verify");
  if (!insecure.empty() && insecure != "true" && insecure != "false") {
    return refuse(cluster.title + ": insecure-skip-tls-verify is \"" + insecure + "\"; allowed are true and false");
  }
  configuration.verify_server = insecure != "true";
  auto authority = pem_of(cluster, "certificate-authority");
  if (!authority) return tl::unexpected<Error>(authority.error());
  configuration.authority_pem = std::move(*authority);
  if (!configuration.verify_server && !configuration.authority_pem.empty()) {
    return refuse(cluster.title + ": insecure-skip-tls-verify and certificate-authority exclude each other");
  }
  return {};
}

Status read_user(const Entry& user, ClientConfiguration& configuration) {
  Status known = refuse_keys(user, {"exec", "auth-provider"}, "use a client certificate, a token or a tokenFile");
  if (known) known = refuse_keys(user, {"username", "password"}, "API servers do not take passwords any more");
  if (known)
    known = refuse_keys(user, {"as", "as-uid", "as-groups", "as-user-extra"}, "give this user its own credentials");
  if (!known) return known;
  auto certificate = pem_of(user, "client-certificate");
  if (!certificate) return tl::unexpected<Error>(certificate.error());
  auto key = pem_of(user, "client-key");
  if (!key) return tl::unexpected<Error>(key.error());
  if (certificate->empty() != key->empty()) {
    return refuse(user.title + ": client-certificate and client-key are given together or not at all");
  }
  configuration.client_certificate_pem = std::move(*certificate);
  configuration.client_key_pem = std::move(*key);
  // As in client-go the file is preferred, because it can be rotated.
  std::string token_file = scalar(user.body, "tokenFile");
  if (token_file.empty()) {
    configuration.token = scalar(user.body, "token");
    return {};
  }
  configuration.token_file = user.folder / token_file;
  auto token = read_small_file(configuration.token_file, user.title + ": tokenFile");
  return token ? Status() : tl::unexpected<Error>(token.error());
}

Result<std::string> current_context(const std::vector<Document>& documents) {
  for (const Document& document : documents) {
    if (std::string name = scalar(document.root, "current-context"); !name.empty()) return name;
  }
  return refuse("kubeconfig " + documents.front().path.string() + " has no current-context");
}

Result<ClientConfiguration> assemble(const std::vector<Document>& documents, std::string context_name) {
  if (context_name.empty()) {
    auto current = current_context(documents);
    if (!current) return tl::unexpected<Error>(current.error());
    context_name = std::move(*current);
  }
  auto context = find_entry(documents, "contexts", "context", context_name);
  if (!context) return tl::unexpected<Error>(context.error());
  std::string cluster_name = scalar(context->body, "cluster");
  if (cluster_name.empty()) return refuse(context->title + ": cluster is missing");
  auto cluster = find_entry(documents, "clusters", "cluster", cluster_name);
  if (!cluster) return tl::unexpected<Error>(cluster.error());

  ClientConfiguration configuration;
  configuration.origin = context->title;
  if (std::string name = scalar(context->body, "namespace"); !name.empty()) configuration.namespace_name = name;
  if (Status read = read_cluster(*cluster, configuration); !read) return tl::unexpected<Error>(read.error());
  if (std::string user_name = scalar(context->body, "user"); !user_name.empty()) {
    auto user = find_entry(documents, "users", "user", user_name);
    if (!user) return tl::unexpected<Error>(user.error());
    if (Status read = read_user(*user, configuration); !read) return tl::unexpected<Error>(read.error());
  }
  return configuration;
}

}  // namespace

Result<ClientConfiguration> kubeconfig_configuration(const std::string& paths, const std::string& context) {
  auto documents = read_documents(paths);
  if (!documents) return tl::unexpected<Error>(documents.error());
  try {
    return assemble(*documents, context);
  } catch (const YAML::Exception& exception) {
    return refuse("kubeconfig " + paths + ": " + exception.what());
  }
}

}  // namespace millrace::kubernetes

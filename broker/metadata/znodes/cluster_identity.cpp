#include "broker/metadata/znodes/cluster_identity.h"

#include <utility>

#include "broker/metadata/znodes/json_object.h"

namespace millrace::metadata::znodes {

std::string encode_cluster_id(std::string_view cluster_id) {
  return R"({"version":"1","id":)" + json_text(cluster_id) + "}";
}

Result<std::string> decode_cluster_id(std::string_view payload) {
  auto json = JsonObject::parse(payload, "the cluster id");
  if (!json) return tl::unexpected(std::move(json.error()));
  auto id = json->text("id");
  if (id && id->empty()) return json->corrupt("\"id\" is empty");
  return id;
}

std::string encode_no_features() { return R"({"features":{},"version":2,"status":1})"; }

}  // namespace millrace::metadata::znodes

#include "broker/server/handlers/update_features.h"

#include <map>
#include <string>
#include <string_view>

#include "broker/server/answer_memory.h"
#include "broker/server/request_context.h"

namespace millrace::server {
namespace {

using protocol::ErrorCode;
using protocol::FeatureUpgrade;
using Update = protocol::UpdateFeaturesRequest::FeatureUpdate;

constexpr protocol::Version first_version_with_type = 1;
// An update to a level below it removes the feature, if its type says so.
constexpr std::int16_t lowest_level = 1;

FeatureUpgrade type_of(const Update& update, protocol::Version version) {
  if (version >= first_version_with_type) return update.upgrade_type;
  return update.allow_downgrade ? FeatureUpgrade::safe_downgrade : FeatureUpgrade::upgrade;
}

bool is_known(FeatureUpgrade type) {
  return type == FeatureUpgrade::upgrade || type == FeatureUpgrade::safe_downgrade ||
         type == FeatureUpgrade::unsafe_downgrade;
}

std::string_view refusal_of(const Update& update, RequestContext& context) {
  const auto type = type_of(update, context.version());
  if (update.feature.empty()) return "Feature name can not be empty.";
  if (!is_known(type)) return "Received unknown upgrade type.";
  if (update.max_version_level >= lowest_level)
    return "Could not apply finalized feature update because the provided feature is not supported.";
  if (type != FeatureUpgrade::upgrade) return "Can not delete non-existing finalized feature.";
  return context.keep("Can not provide versionLevel: " + std::to_string(update.max_version_level) +
                      " less than 1 without setting the SAFE downgradeType in the request.");
}

}  // namespace

Task<Result<std::optional<protocol::UpdateFeaturesResponse>>> UpdateFeaturesHandler::handle(const Request& request,
                                                                                            RequestContext& context) {
  AnswerMemory memory(context);
  constexpr std::size_t bytes_per_update = sizeof(Response::Feature) + 100;  // with the words of its refusal
  if (auto paid = memory.add(request.feature_updates.size() * bytes_per_update); !paid)
    co_return tl::unexpected(paid.error());
  // One that stands twice is answered once.
  std::map<std::string_view, std::string_view> refusals;
  for (const auto& update : request.feature_updates) {
    if (!refusals.contains(update.feature)) refusals.emplace(update.feature, refusal_of(update, context));
  }
  Response response;
  response.error_message.reset();
  for (const auto& [feature, refusal] : refusals)
    response.results.push_back({feature, ErrorCode::invalid_request, refusal});
  co_return response;
}

}  // namespace millrace::server

#include "broker/server/handlers/describe_groups.h"

#include <string_view>

#include "broker/server/group_descriptions.h"

namespace millrace::server {

Task<Result<std::optional<protocol::DescribeGroupsResponse>>> DescribeGroupsHandler::handle(const Request& request,
                                                                                            RequestContext& context) {
  auto describe = [version = context.version()](coordinator::GroupCoordinator& coordinator, std::string_view group_id,
                                                auto answer, coordinator::GroupTime /*time*/) {
    answer(coordinator.describe(group_id, version));
  };
  co_return co_await describe_groups<Response>(context, request.groups, request.include_authorized_operations,
                                               describe);
}

}  // namespace millrace::server

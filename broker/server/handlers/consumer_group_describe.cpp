#include "broker/server/handlers/consumer_group_describe.h"

#include <string_view>
#include <utility>

#include "broker/server/group_descriptions.h"

namespace millrace::server {

Task<Result<std::optional<protocol::ConsumerGroupDescribeResponse>>> ConsumerGroupDescribeHandler::handle(
    const Request& request, RequestContext& context) {
  auto describe = [](coordinator::GroupCoordinator& coordinator, std::string_view group_id, auto answer,
                     coordinator::GroupTime time) {
    coordinator.consumer_group_describe(group_id, std::move(answer), time);
  };
  co_return co_await describe_groups<Response>(context, request.group_ids, request.include_authorized_operations,
                                               describe);
}

}  // namespace millrace::server

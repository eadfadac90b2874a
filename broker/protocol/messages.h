// The list of all declared messages, by ascending API key: what is not in it is unknown to the registry, the request header, the golden
// corpus and the fuzz targets. Heavy to include: for those, not for handlers.
#pragma once

#include "broker/protocol/messages/api_versions.h"
#include "broker/protocol/messages/create_topics.h"
#include "broker/protocol/messages/delete_topics.h"
#include "broker/protocol/messages/describe_cluster.h"
#include "broker/protocol/messages/describe_configs.h"
#include "broker/protocol/messages/fetch.h"
#include "broker/protocol/messages/init_producer_id.h"
#include "broker/protocol/messages/list_offsets.h"
#include "broker/protocol/messages/metadata.h"
#include "broker/protocol/messages/produce.h"

namespace millrace::protocol {

template <class... Requests>
struct RequestList {};

using AllRequests = RequestList<ProduceRequest, FetchRequest, ListOffsetsRequest, MetadataRequest, ApiVersionsRequest,
                                CreateTopicsRequest, DeleteTopicsRequest, InitProducerIdRequest, DescribeConfigsRequest,
                                DescribeClusterRequest>;

// Calls `visit.template operator()<Request>()` for each declared request.
template <class Visitor, class... Requests>
void for_each_request(RequestList<Requests...> /*list*/, Visitor&& visit) {
  (visit.template operator()<Requests>(), ...);
}

}  // namespace millrace::protocol

// The APIs that this broker serves. This list is the dispatch table and the answer to ApiVersions; nothing else says what is
// supported.
#pragma once

#include <optional>
#include <span>

#include "broker/base/output_chain.h"
#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/versions.h"

namespace millrace::server {

class RequestContext;

struct HandlerEntry {
  protocol::ApiKey key;
  protocol::Versions versions;
  // Decodes the body, answers with header and body (the connection adds the length), or with nothing where the request wants no answer. An error closes the
  // connection: the body cannot be read, or an answer cannot be given without one.
  Task<Result<std::optional<OutputChain>>> (*handle)(BytesView body, RequestContext& context);
};

// By ascending key.
std::span<const HandlerEntry> handler_list();
const HandlerEntry* find_handler(protocol::ApiKey key);

}  // namespace millrace::server

// Every API that is declared, by key. The list of messages stands in messages.h and nowhere else.
#pragma once

#include <span>

#include "broker/protocol/api_key.h"
#include "broker/protocol/versions.h"

namespace millrace::protocol {

struct ApiInfo {
  ApiKey key;
  Versions versions;       // what can be decoded; what is answered is the handler list's to say
  Version flexible_since;  // highest_version when never
};

// nullptr for a key that is not declared.
const ApiInfo* find_api(ApiKey key);
// All of them, by ascending key.
std::span<const ApiInfo> all_apis();

}  // namespace millrace::protocol

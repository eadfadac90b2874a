// docs/configuration.md, made from the rows: every key with its type, default, range, way of change and what it does.
#pragma once

#include <string>

namespace millrace::server {

std::string configuration_reference();

}  // namespace millrace::server

// What the command line says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace millrace {

struct OperatorSettings {
  std::vector<std::string> namespaces;  // none: all of them
  std::string broker_image;
  bool elect_leader = false;
  std::string lease_namespace;
  std::string lease_name = "millrace-operator";
  std::string identity;  // of this process among operators
  std::size_t workers = 4;
  std::string http_host;
  std::uint16_t http_port = 9404;
};

}  // namespace millrace

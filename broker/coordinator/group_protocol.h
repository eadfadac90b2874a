// A way of assigning that a classic member knows ("range", "sticky"), with what it tells the leader for it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace millrace::coordinator {

struct GroupProtocol {
  std::string name;
  std::vector<std::uint8_t> metadata;

  friend bool operator==(const GroupProtocol&, const GroupProtocol&) = default;
};

}  // namespace millrace::coordinator

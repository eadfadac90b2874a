#include "operator/kubernetes/micro_time.h"

#include <array>
#include <cstdio>
#include <ctime>

namespace millrace::kubernetes {

std::string micro_time(TimestampMs time) {
  std::time_t seconds = time.value() / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text.data() + size, text.size() - size, ".%03d000Z", static_cast<int>(time.value() % 1000));
  return text.data();
}

}  // namespace millrace::kubernetes

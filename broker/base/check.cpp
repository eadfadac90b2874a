#include "broker/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace millrace {

void invariant_failed(const char* file, int line, const char* condition, const char* why) {
  std::fprintf(stderr, "invariant failed at %s:%d: %s (%s)\n", file, line, why, condition);
  std::fflush(stderr);
  std::abort();
}

}  // namespace millrace

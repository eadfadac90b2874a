// Invariants: what must be true whatever the input was. A false one aborts in every build, with file, line and words.
// Never for input: a request, a file's content or a configuration value is answered with an Error.
#pragma once

namespace millrace {

[[noreturn]] void invariant_failed(const char* file, int line, const char* condition, const char* why);

}  // namespace millrace

#define MILLRACE_INVARIANT(condition, why)                               \
  do {                                                                   \
    if (!(condition)) [[unlikely]]                                       \
      ::millrace::invariant_failed(__FILE__, __LINE__, #condition, why); \
  } while (false)

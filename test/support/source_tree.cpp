#include "test/support/source_tree.h"

namespace millrace {

std::string source_path(std::string_view path_from_the_root) {
  return std::string(MILLRACE_SOURCE_DIR "/").append(path_from_the_root);
}

}  // namespace millrace

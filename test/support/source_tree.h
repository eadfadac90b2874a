// Files of the source tree that tests read: golden data, documents, manifests.
//
// The tree's place is compiled into one file only, so that checkouts in different places share what their compilers made.
#pragma once

#include <string>
#include <string_view>

namespace millrace {

// Absolute path of a file or folder of the sources, such as source_path("docs/log-format.md").
std::string source_path(std::string_view path_from_the_root);

}  // namespace millrace

// A directory below the system's one for temporary files that goes with its owner.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "broker/base/check.h"

namespace millrace {

class TemporaryDirectory {
 public:
  TemporaryDirectory() : path_((std::filesystem::temp_directory_path() / "millrace-test-XXXXXX").string()) {
    MILLRACE_INVARIANT(mkdtemp(path_.data()) != nullptr, "no temporary directory can be made");
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace millrace

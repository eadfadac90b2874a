// Files that a disk has damaged.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace millrace::server {

inline void damage_last_byte(const std::string& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(-1, std::ios::end);
  const auto last = static_cast<char>(file.get());
  file.seekp(-1, std::ios::end);
  file.put(static_cast<char>(~last));
  ASSERT_TRUE(file.good()) << path;
}

}  // namespace millrace::server

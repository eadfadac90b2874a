// The payloads that Kafka's own encoders wrote (golden/znodes.tsv, made by golden/RecordZnodes.java).
#pragma once

#include <fstream>
#include <map>
#include <string>

#include "test/support/source_tree.h"

namespace millrace::metadata::test {

inline const std::map<std::string, std::string>& golden_znodes() {
  static const auto lines = [] {
    std::map<std::string, std::string> by_name;
    std::ifstream file(source_path("test/broker/metadata/golden/znodes.tsv"));
    for (std::string line; std::getline(file, line);) {
      auto tab = line.find('\t');
      by_name.emplace(line.substr(0, tab), line.substr(tab + 1));
    }
    return by_name;
  }();
  return lines;
}

inline std::string golden(const std::string& name) {
  auto at = golden_znodes().find(name);
  return at == golden_znodes().end() ? "there is no golden payload " + name : at->second;
}

}  // namespace millrace::metadata::test

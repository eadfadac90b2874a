// Reads typed fields out of a JSON object and collects every mistake with its path ("spec.pools[0].replicas must be …"),
// so that one answer names them all. A value that is wrong or absent reads as the fallback. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace millrace::api {

class FieldReader {
 public:
  // `object` and `mistakes` outlive the reader. Anything but an object is a mistake, and reads as an empty one.
  FieldReader(const nlohmann::json& object, std::string path, std::vector<std::string>& mistakes);

  [[nodiscard]] bool has(std::string_view name) const;  // present and not null
  [[nodiscard]] std::optional<std::string> text(std::string_view name) const;
  [[nodiscard]] std::string required_text(std::string_view name) const;
  [[nodiscard]] bool boolean(std::string_view name, bool fallback) const;
  [[nodiscard]] std::optional<std::int64_t> integer(std::string_view name, std::int64_t minimum,
                                                    std::int64_t maximum) const;
  // A text or a number, as the text that Kubernetes would read.
  [[nodiscard]] std::optional<std::string> int_or_text(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> texts(std::string_view name) const;
  [[nodiscard]] std::map<std::string, std::string> text_map(std::string_view name) const;
  // An absent object reads as an empty one.
  [[nodiscard]] FieldReader object(std::string_view name) const;
  void each(std::string_view name, const std::function<void(const FieldReader& item)>& visit) const;

  void mistake(std::string_view name, std::string_view sentence) const;
  [[nodiscard]] std::string path_of(std::string_view name) const;
  [[nodiscard]] const nlohmann::json& json() const { return *object_; }

 private:
  [[nodiscard]] const nlohmann::json* find(std::string_view name) const;

  const nlohmann::json* object_;
  std::string path_;
  std::vector<std::string>* mistakes_;
};

}  // namespace millrace::api

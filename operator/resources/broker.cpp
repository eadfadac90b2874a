#include "operator/resources/broker.h"

namespace millrace::resources {
namespace {

struct ImageName {
  std::string_view repository;  // with the registry, whose port also follows a colon
  std::string_view tag;
  std::string_view digest;
};

ImageName split(std::string_view image) {
  ImageName name;
  if (auto at = image.find('@'); at != std::string_view::npos) {
    name.digest = image.substr(at + 1);
    image = image.substr(0, at);
  }
  auto colon = image.rfind(':');
  auto slash = image.rfind('/');
  if (colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash)) {
    name.tag = image.substr(colon + 1);
    image = image.substr(0, colon);
  }
  name.repository = image;
  return name;
}

}  // namespace

std::string broker_image(const api::KafkaClusterSpec& spec, std::string_view default_image) {
  if (spec.image) return *spec.image;
  if (!spec.version) return std::string(default_image);
  return std::string(split(default_image).repository) + ":" + *spec.version;
}

std::string image_version(std::string_view image) {
  auto name = split(image);
  if (!name.tag.empty()) return std::string(name.tag);
  return name.digest.empty() ? "latest" : std::string(name.digest);
}

}  // namespace millrace::resources

// What the group coordinators of a shard know of the cluster's topics: those of the shard's image. Owned by the shard.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "broker/coordinator/topic_directory.h"
#include "broker/metadata/cluster_image.h"

namespace millrace::server {

class ImageTopicDirectory final : public coordinator::TopicDirectory {
 public:
  using Image = std::shared_ptr<const metadata::ClusterImage>;

  explicit ImageTopicDirectory(Image image = std::make_shared<const metadata::ClusterImage>())
      : image_(std::move(image)) {}

  // The shard has another image.
  void follow(Image image);

  [[nodiscard]] std::int64_t version() const override { return version_; }
  [[nodiscard]] std::optional<coordinator::TopicFacts> find(std::string_view topic) const override;
  // Views the image: until the next one comes.
  [[nodiscard]] std::string_view name(const TopicId& id) const override;
  void each(const std::function<void(std::string_view topic)>& use) const override;

 private:
  Image image_;
  std::int64_t version_ = 0;
};

}  // namespace millrace::server

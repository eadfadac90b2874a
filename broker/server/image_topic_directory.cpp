#include "broker/server/image_topic_directory.h"

#include <utility>

namespace millrace::server {

void ImageTopicDirectory::follow(Image image) {
  bool is_another = false;
  // Leaders and replicas change more often, and concern no group.
  metadata::ClusterImage::for_each_changed_topic(*image_, *image, [&](const auto& old, const auto& now) {
    is_another = is_another || !old || !now || old->id != now->id || old->partitions.size() != now->partitions.size();
  });
  image_ = std::move(image);
  if (is_another) ++version_;
}

std::optional<coordinator::TopicFacts> ImageTopicDirectory::find(std::string_view topic) const {
  const auto found = image_->topic(topic);
  if (!found) return std::nullopt;
  return coordinator::TopicFacts{found->id, static_cast<std::int32_t>(found->partitions.size())};
}

std::string_view ImageTopicDirectory::name(const TopicId& id) const {
  const auto found = image_->topic(id);
  return found ? std::string_view(found->name) : std::string_view();
}

void ImageTopicDirectory::each(const std::function<void(std::string_view topic)>& use) const {
  image_->for_each_topic([&](const auto& topic) { use(topic->name); });
}

}  // namespace millrace::server

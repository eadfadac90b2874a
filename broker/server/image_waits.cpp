#include "broker/server/image_waits.h"

#include <utility>

namespace millrace::server {

ImageWaits::ImageWaits(metadata::MetadataCache& cache, ShardGroup& shards) : cache_(cache) {
  for (ShardId id = 0; id < shards.size(); ++id) {
    auto& waits = *waits_.emplace_back(std::make_unique<Waits>());
    cache.subscribe(id, [&waits, &shard = shards.at(id)](const auto& /*before*/, const auto& after) {
      std::vector<std::shared_ptr<Wait>> met;
      std::erase_if(waits.waiting, [&](const std::shared_ptr<Wait>& wait) {
        if (!wait->condition(*after)) return false;
        met.push_back(wait);
        return true;
      });
      for (auto& wait : met) {
        shard.cancel(wait->timer);
        wait->done(true);
      }
    });
  }
}

Task<bool> ImageWaits::until(Shard& home, Condition condition, Duration timeout) {
  if (condition(*cache_.image(home.id()))) co_return true;
  auto& waits = *waits_[home.id()];
  if (waits.are_over) co_return false;
  co_return co_await completion<bool>([&](UniqueFunction<void(bool)> done) {
    auto wait = std::make_shared<Wait>(Wait{std::move(condition), std::move(done)});
    wait->timer = home.after(timeout, [&waits, wait] {
      std::erase(waits.waiting, wait);
      wait->done(false);
    });
    waits.waiting.push_back(wait);
  });
}

void ImageWaits::end(Shard& home) {
  auto& waits = *waits_[home.id()];
  waits.are_over = true;
  for (auto& wait : std::exchange(waits.waiting, {})) {
    home.cancel(wait->timer);
    wait->done(false);
  }
}

}  // namespace millrace::server

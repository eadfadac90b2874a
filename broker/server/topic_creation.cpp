#include "broker/server/topic_creation.h"

#include <utility>

#include "broker/metadata/cluster_image.h"
#include "broker/metadata/metadata_cache.h"
#include "broker/replication/replica_manager.h"
#include "broker/server/image_waits.h"

namespace millrace::server {
namespace {

template <class Call>  // void(TopicCommands&, Completion)
Task<Status> ask_controller(BrokerServices& services, Shard& home, Call call) {
  co_return co_await completion<Status>([&](UniqueFunction<void(Status)> done) {
    services.metadata_shard.post([&services, &home, call = std::move(call), done = std::move(done)]() mutable {
      call(services.topic_commands, [&home, done = std::move(done)](Status outcome) mutable {
        home.post([done = std::move(done), outcome = std::move(outcome)]() mutable { done(std::move(outcome)); });
      });
    });
  });
}

bool has_all_leaders(const metadata::TopicImage& topic, std::size_t partitions) {
  if (topic.partitions.size() < partitions) return false;
  for (const auto& partition : topic.partitions) {
    if (partition.leader == BrokerId::none()) return false;
  }
  return true;
}

}  // namespace

Task<Result<TopicOutcome>> create_topic(BrokerServices& services, Shard& home, controller::NewTopic topic,
                                        std::chrono::milliseconds timeout) {
  const auto name = topic.name;
  const auto id = topic.id;
  const auto partitions = topic.assignment.size();
  auto asked = co_await ask_controller(services, home, [topic = std::move(topic)](auto& commands, auto done) mutable {
    commands.create(std::move(topic), std::move(done));
  });
  if (!asked) co_return tl::unexpected(asked.error());
  auto is_led = [name, id, partitions](const metadata::ClusterImage& image) {
    auto shown = image.topic(name);
    return shown && shown->id == id && has_all_leaders(*shown, partitions);
  };
  if (!co_await services.image_waits.until(home, is_led, timeout)) co_return TopicOutcome::timed_out;
  auto image = services.cache.image(home.id());
  co_await completion<bool>([&](UniqueFunction<void(bool)> done) {
    services.replicas.when_settled(home, *image, name, [done = std::move(done)]() mutable { done(true); });
  });
  co_return TopicOutcome::done;
}

Task<Result<TopicOutcome>> delete_topic(BrokerServices& services, Shard& home,
                                        std::shared_ptr<const metadata::TopicImage> topic,
                                        std::chrono::milliseconds timeout) {
  auto asked = co_await ask_controller(services, home, [name = topic->name](auto& commands, auto done) mutable {
    commands.remove(std::move(name), std::move(done));
  });
  if (!asked) co_return tl::unexpected(asked.error());
  auto is_gone = [topic](const metadata::ClusterImage& image) {
    auto shown = image.topic(topic->name);
    return !shown || shown->id != topic->id;
  };
  if (!co_await services.image_waits.until(home, is_gone, timeout)) co_return TopicOutcome::timed_out;
  co_return TopicOutcome::done;
}

}  // namespace millrace::server

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

// Until every partition of the topic can be used here.
Task<TopicOutcome> until_it_serves(BrokerServices& services, Shard& home, std::string name,
                                   ImageWaits::Condition is_led, std::chrono::milliseconds timeout) {
  if (!co_await services.image_waits.until(home, std::move(is_led), timeout)) co_return TopicOutcome::timed_out;
  auto image = services.cache.image(home.id());
  co_await completion<bool>([&](UniqueFunction<void(bool)> done) {
    services.replicas.when_settled(home, *image, name, [done = std::move(done)]() mutable { done(true); });
  });
  co_return TopicOutcome::done;
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
  co_return co_await until_it_serves(services, home, name, is_led, timeout);
}

Task<Result<TopicOutcome>> grow_topic(BrokerServices& services, Shard& home, std::string name,
                                      controller::TopicCommands::GrowthPlan plan, std::chrono::milliseconds timeout) {
  // Written by the plan on the metadata shard, read here when the command is over.
  auto partitions = std::make_shared<std::size_t>(0);
  auto counted = [plan = std::move(plan), partitions](const auto& standing) mutable {
    auto added = plan(standing);
    *partitions = added.empty() ? 0 : standing.partitions.size() + added.size();
    return added;
  };
  auto asked =
      co_await ask_controller(services, home, [name, counted = std::move(counted)](auto& commands, auto done) mutable {
        commands.grow(std::move(name), std::move(counted), std::move(done));
      });
  if (!asked) co_return tl::unexpected(asked.error());
  if (*partitions == 0) co_return TopicOutcome::done;
  auto is_led = [name, partitions](const metadata::ClusterImage& image) {
    auto shown = image.topic(name);
    return shown && has_all_leaders(*shown, *partitions);
  };
  co_return co_await until_it_serves(services, home, name, is_led, timeout);
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

#include "broker/server/configuration/broker_configuration_checks.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace millrace::server {
namespace {

tl::unexpected<Error> refuse(const ConfigValues& values, std::string_view key, const std::string& why) {
  return fail(ErrorKind::invalid_argument,
              "Invalid value '" + values.string(key) + "' for configuration " + std::string(key) + ": " + why);
}

Status check_identity(const ConfigValues& values) {
  auto id = values.integer("broker.id");
  if (id != values.integer("node.id"))
    return refuse(values, "node.id", "broker.id and node.id must be equal; broker.id is " + values.string("broker.id"));
  auto limit = values.integer("reserved.broker.max.id");
  if (values.boolean("broker.id.generation.enable")) {
    if (id < -1 || id > limit)
      return refuse(values, "broker.id", "allowed is -1 to reserved.broker.max.id, which is " + std::to_string(limit));
  } else if (id < 0) {
    return refuse(values, "broker.id", "allowed is 0 or more, because broker.id.generation.enable is false");
  }
  return {};
}

Status check_log(const ConfigValues& values) {
  for (std::string_view key : {"log.retention.ms", "log.retention.minutes", "log.retention.hours"}) {
    if (!values.text(key)) continue;
    auto value = values.integer(key);
    // Any negative one is unlimited.
    if (value == 0) return refuse(values, key, "allowed is -1 (unlimited), or 1 or more");
    break;  // the finer one hides the others
  }
  for (std::string_view key : {"log.roll.ms", "log.roll.jitter.ms"}) {
    std::int64_t least = key == "log.roll.ms" ? 1 : 0;
    if (values.text(key) && values.integer(key) < least)
      return refuse(values, key, "allowed is " + std::to_string(least) + " or more");
  }
  constexpr std::int64_t buffer_per_thread_bytes = 1024 * 1024;
  auto threads = values.integer("log.cleaner.threads");
  if (threads > 0 && values.integer("log.cleaner.dedupe.buffer.size") / threads <= buffer_per_thread_bytes) {
    return refuse(values, "log.cleaner.dedupe.buffer.size",
                  "allowed is more than 1048576 for each of log.cleaner.threads");
  }
  return {};
}

Status check_requests(const ConfigValues& values) {
  auto request_bytes = values.integer("socket.request.max.bytes");
  for (std::string_view key :
       {"queued.max.request.bytes", "millrace.request.memory.bytes", "millrace.reserved.request.bytes"}) {
    bool unlimited = key == "queued.max.request.bytes" && values.integer(key) <= 0;
    if (!values.is_set(key) || unlimited || values.integer(key) >= request_bytes) continue;
    return refuse(values, key,
                  "must be larger or equal to socket.request.max.bytes, which is " + std::to_string(request_bytes));
  }
  if (values.integer("max.connections.per.ip") == 0 && values.string("max.connections.per.ip.overrides").empty()) {
    return refuse(values, "max.connections.per.ip",
                  "can be set to zero only if max.connections.per.ip.overrides is set");
  }
  auto idle_ms = values.integer("connections.max.idle.ms");  // negative: never
  if (idle_ms >= 0 && values.integer("connection.failed.authentication.delay.ms") >= idle_ms) {
    return refuse(values, "connections.max.idle.ms", "must be more than connection.failed.authentication.delay.ms");
  }
  for (std::string_view buffer : {"socket.send.buffer.bytes", "socket.receive.buffer.bytes"}) {
    if (auto bytes = values.integer(buffer); bytes < -1 || bytes == 0)
      return refuse(values, buffer, "allowed is -1 (the system's choice), or 1 or more");
  }
  return {};
}

Status check_replication(const ConfigValues& values) {
  auto wait = values.integer("replica.fetch.wait.max.ms");
  if (wait > values.integer("replica.socket.timeout.ms")) {
    return refuse(values, "replica.socket.timeout.ms",
                  "must be at least replica.fetch.wait.max.ms, which is " + std::to_string(wait));
  }
  if (wait > values.integer("replica.lag.time.max.ms")) {
    return refuse(values, "replica.lag.time.max.ms",
                  "must be at least replica.fetch.wait.max.ms, which is " + std::to_string(wait));
  }
  auto acks = values.integer("offsets.commit.required.acks");
  auto replicas = values.integer("offsets.topic.replication.factor");
  if (acks < -1 || acks > replicas) {
    return refuse(values, "offsets.commit.required.acks",
                  "allowed is -1 to offsets.topic.replication.factor, which is " + std::to_string(replicas));
  }
  constexpr std::int64_t most_replicas = 32767;
  auto factor = values.integer("default.replication.factor");
  if (factor < 1 || factor > most_replicas)
    return refuse(values, "default.replication.factor", "allowed is an integer from 1 to 32767");
  return {};
}

// A value between two others (Kafka 4: GroupCoordinatorConfig).
Status check_between(const ConfigValues& values, std::string_view key, std::string_view least, std::string_view most) {
  for (auto [low, high] : {std::pair(least, most), std::pair(least, key), std::pair(key, most)}) {
    if (values.integer(low) > values.integer(high)) {
      return refuse(values, high,
                    "must be at least " + std::string(low) + ", which is " + std::to_string(values.integer(low)));
    }
  }
  return {};
}

Status check_consumer_groups(const ConfigValues& values) {
  constexpr std::string_view session = "group.consumer.session.timeout.ms";
  constexpr std::string_view interval = "group.consumer.heartbeat.interval.ms";
  if (auto checked = check_between(values, session, "group.consumer.min.session.timeout.ms",
                                   "group.consumer.max.session.timeout.ms");
      !checked)
    return checked;
  if (auto checked = check_between(values, interval, "group.consumer.min.heartbeat.interval.ms",
                                   "group.consumer.max.heartbeat.interval.ms");
      !checked)
    return checked;
  if (values.integer(interval) >= values.integer(session)) {
    return refuse(values, interval,
                  "must be less than " + std::string(session) + ", which is " + values.string(session));
  }
  constexpr std::string_view protocols = "group.coordinator.rebalance.protocols";
  const auto offered = values.list(protocols);
  if (std::ranges::find(offered, "classic") == offered.end())
    return refuse(values, protocols, "classic must be among them");
  for (const auto& name : offered) {
    if (name != "classic" && name != "consumer")
      return refuse(values, protocols, "allowed are classic and consumer; " + name + " groups are not offered");
  }
  return {};
}

}  // namespace

Status check_together(const ConfigValues& values) {
  for (auto* check : {check_identity, check_log, check_requests, check_replication, check_consumer_groups}) {
    if (auto checked = check(values); !checked) return checked;
  }
  return {};
}

Status refuse_unsupported(const ConfigValues& values) {
  struct Refusal {
    std::string_view key;
    const char* why;
  };
  constexpr Refusal refusals[] = {
      {"process.roles", "Millrace runs without KRaft; leave it empty and set zookeeper.connect or metadata.store"},
      {"authorizer.class.name",
       "access control is not supported for now, and an authorizer that guards nothing would be a trap"},
      {"create.topic.policy.class.name", "Java classes cannot be loaded"},
      {"alter.config.policy.class.name", "Java classes cannot be loaded"},
      {"client.quota.callback.class", "Java classes cannot be loaded"},
      {"ssl.engine.factory.class", "Java classes cannot be loaded"},
  };
  for (const auto& refusal : refusals) {
    if (!values.string(refusal.key).empty()) return refuse(values, refusal.key, refusal.why);
  }
  constexpr std::string_view builder = "principal.builder.class";
  if (values.text(builder) != values.table().find(builder)->default_value)
    return refuse(values, builder, "Java classes cannot be loaded");
  for (std::string_view key : {"remote.log.storage.system.enable", "zookeeper.metadata.migration.enable"}) {
    if (values.boolean(key)) return refuse(values, key, "allowed is false; this is not offered");
  }
  return {};
}

}  // namespace millrace::server

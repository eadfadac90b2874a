#include "broker/controller/controller_election.h"

#include <string>
#include <utility>
#include <vector>

#include "broker/base/task.h"
#include "broker/metadata/store_retry.h"
#include "broker/metadata/store_tasks.h"
#include "broker/metadata/znodes/controller_registration.h"
#include "broker/metadata/znodes/znode_paths.h"

namespace millrace::controller {
namespace {

using metadata::MetadataStore;

namespace znodes = metadata::znodes;
namespace paths = metadata::znodes::paths;

// How often the epoch may be raised by others in between; lost connections are waited out by StoreRetry.
constexpr int max_attempts = 10;

struct EpochZnode {
  ControllerEpoch epoch;
  metadata::ZnodeVersion version;
};

// The epoch as it stands; made as 0 when there was never a controller (Kafka: getOrCreateControllerEpoch).
Task<Result<EpochZnode>> read_epoch(MetadataStore& store) {
  const std::string path(paths::controller_epoch);
  auto made = co_await metadata::create(store, path, znodes::encode(ControllerEpoch(0)));
  if (!made && made.error().kind != ErrorKind::already_exists) co_return tl::unexpected(made.error());
  auto found = co_await metadata::get(store, path);
  if (!found) co_return tl::unexpected(found.error());
  auto epoch = znodes::decode_controller_epoch(found->data);
  if (!epoch) co_return tl::unexpected(epoch.error());
  co_return EpochZnode{*epoch, found->stat.version};
}

// Whether this session's own znode stands there: an attempt whose outcome was unknown may have won.
Task<Result<bool>> is_own(MetadataStore& store) {
  auto standing = co_await metadata::get(store, std::string(paths::controller));
  if (!standing) {
    if (standing.error().kind == ErrorKind::not_found) co_return false;
    co_return tl::unexpected(standing.error());
  }
  auto session = store.session();
  co_return session && standing->stat.ephemeral_owner == session->id;
}

Task<Result<std::optional<ControllerTerm>>> elect(MetadataStore& store, BrokerId self, TimestampMs now) {
  metadata::StoreRetry retry(store.shard());
  for (int attempt = 0; attempt < max_attempts;) {
    auto before = co_await read_epoch(store);
    if (!before) {
      if (!retry.worth_it(before.error())) co_return tl::unexpected(before.error());
      co_await retry.pause();
      continue;
    }
    const auto epoch = before->epoch + 1;
    std::vector<metadata::Operation> operations{
        metadata::CreateOperation{std::string(paths::controller),
                                  znodes::encode(znodes::ControllerRegistration{self, now}),
                                  metadata::CreateMode::ephemeral},
        metadata::SetOperation{std::string(paths::controller_epoch), znodes::encode(epoch), before->version}};
    auto outcome = co_await metadata::multi(store, std::move(operations));
    if (outcome && outcome->applied()) {
      co_return ControllerTerm{epoch, std::get<metadata::Stat>(outcome->results[1]).version};
    }
    if (outcome) {
      auto kind = outcome->failure->error.kind;
      ++attempt;
      if (kind == ErrorKind::version_mismatch) continue;  // somebody else raised the epoch in between
      if (kind != ErrorKind::already_exists) co_return tl::unexpected(outcome->failure->error);
    } else {
      if (!retry.worth_it(outcome.error())) co_return tl::unexpected(outcome.error());
      co_await retry.pause();
    }
    auto own = co_await is_own(store);
    if (own && !*own && outcome) co_return std::optional<ControllerTerm>();
    if (own && *own) {
      auto after = co_await read_epoch(store);
      if (after) co_return ControllerTerm{after->epoch, after->version};
    }
  }
  co_return fail(ErrorKind::unavailable, "the controller election was overtaken too often");
}

}  // namespace

void elect_controller(metadata::MetadataStore& store, BrokerId self, TimestampMs now, ElectionCompletion done) {
  spawn(elect(store, self, now), std::move(done));
}

}  // namespace millrace::controller

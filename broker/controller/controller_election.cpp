#include "broker/controller/controller_election.h"

#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/task.h"
#include "broker/metadata/znode_paths.h"
#include "broker/metadata/znode_payloads.h"

namespace millrace::controller {
namespace {

using metadata::MetadataStore;
using metadata::Watch;
using metadata::Znode;

constexpr int max_attempts = 10;

Task<Result<Znode>> get(MetadataStore& store, std::string path) {
  co_return co_await completion<Result<Znode>>([&](auto reply) { store.get(std::move(path), Watch::no, std::move(reply)); });
}

struct EpochZnode {
  ControllerEpoch epoch;
  metadata::ZnodeVersion version;
};

// The epoch as it stands; made as 0 when there was never a controller (Kafka: getOrCreateControllerEpoch).
Task<Result<EpochZnode>> read_epoch(MetadataStore& store) {
  const std::string path = metadata::znode_paths::controller_epoch;
  auto made = co_await completion<Result<metadata::Created>>(
      [&](auto reply) { store.create(path, "0", metadata::CreateMode::persistent, std::move(reply)); });
  if (!made && made.error().kind != ErrorKind::already_exists) co_return tl::unexpected(made.error());
  auto found = co_await get(store, path);
  if (!found) co_return tl::unexpected(found.error());
  std::int32_t epoch = 0;
  const auto& text = found->data;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), epoch);
  if (error != std::errc{} || end != text.data() + text.size()) {
    co_return fail(ErrorKind::corrupt, path + " holds '" + text + "', not a controller epoch");
  }
  co_return EpochZnode{ControllerEpoch(epoch), found->stat.version};
}

// Whether this session's own znode stands there: an attempt whose outcome was unknown may have won.
Task<Result<bool>> is_own(MetadataStore& store) {
  auto standing = co_await get(store, metadata::znode_paths::controller);
  if (!standing) {
    if (standing.error().kind == ErrorKind::not_found) co_return false;
    co_return tl::unexpected(standing.error());
  }
  auto session = store.session();
  co_return session && standing->stat.ephemeral_owner == session->id;
}

Task<Result<std::optional<ControllerTerm>>> elect(MetadataStore& store, BrokerId self, TimestampMs now) {
  Error last{ErrorKind::unavailable, "the election was not tried"};
  for (int attempt = 0; attempt < max_attempts; ++attempt) {
    auto before = co_await read_epoch(store);
    if (!before) {
      last = before.error();
      if (last.kind == ErrorKind::connection_loss) continue;
      co_return tl::unexpected(last);
    }
    const auto epoch = before->epoch + 1;
    std::vector<metadata::Operation> operations{
        metadata::CreateOperation{metadata::znode_paths::controller, metadata::encode_controller({self, now}),
                                  metadata::CreateMode::ephemeral},
        metadata::SetOperation{metadata::znode_paths::controller_epoch, std::to_string(epoch.value()), before->version}};
    auto outcome = co_await completion<Result<metadata::MultiResult>>(
        [&](auto reply) { store.multi(std::move(operations), std::move(reply)); });
    if (outcome && outcome->applied()) {
      co_return ControllerTerm{epoch, std::get<metadata::Stat>(outcome->results[1]).version};
    }
    if (outcome) {
      auto kind = outcome->failure->error.kind;
      if (kind == ErrorKind::version_mismatch) continue;  // somebody else raised the epoch in between
      if (kind != ErrorKind::already_exists) co_return tl::unexpected(outcome->failure->error);
    } else if (outcome.error().kind != ErrorKind::connection_loss) {
      co_return tl::unexpected(outcome.error());
    }
    auto own = co_await is_own(store);
    if (own && !*own && outcome) co_return std::optional<ControllerTerm>();
    if (own && *own) {
      auto after = co_await read_epoch(store);
      if (after) co_return ControllerTerm{after->epoch, after->version};
    }
    last = {ErrorKind::connection_loss, "the outcome of the controller election is not known"};
  }
  co_return tl::unexpected(last);
}

}  // namespace

void elect_controller(metadata::MetadataStore& store, BrokerId self, TimestampMs now, ElectionCompletion done) {
  spawn(elect(store, self, now), std::move(done));
}

}  // namespace millrace::controller

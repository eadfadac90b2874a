// A metadata store's operations as something to await on its shard: `auto znode = co_await get(store, path);`
// The awaiting coroutine stays suspended for ever when the shard stops before the answer.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/task.h"
#include "broker/metadata/metadata_store.h"

namespace millrace::metadata {

inline auto create(MetadataStore& store, std::string path, std::string data, CreateMode mode = CreateMode::persistent) {
  return completion<Result<Created>>(
      [&store, path = std::move(path), data = std::move(data), mode](Reply<Created> reply) mutable {
        store.create(std::move(path), std::move(data), mode, std::move(reply));
      });
}
inline auto remove(MetadataStore& store, std::string path, ZnodeVersion expected = any_version) {
  return completion<Result<void>>([&store, path = std::move(path), expected](Reply<void> reply) mutable {
    store.remove(std::move(path), expected, std::move(reply));
  });
}
inline auto set(MetadataStore& store, std::string path, std::string data, ZnodeVersion expected = any_version) {
  return completion<Result<Stat>>(
      [&store, path = std::move(path), data = std::move(data), expected](Reply<Stat> reply) mutable {
        store.set(std::move(path), std::move(data), expected, std::move(reply));
      });
}
inline auto multi(MetadataStore& store, std::vector<Operation> operations) {
  return completion<Result<MultiResult>>(
      [&store, operations = std::move(operations)](Reply<MultiResult> reply) mutable {
        store.multi(std::move(operations), std::move(reply));
      });
}
inline auto get(MetadataStore& store, std::string path, Watch watch = Watch::no) {
  return completion<Result<Znode>>([&store, path = std::move(path), watch](Reply<Znode> reply) mutable {
    store.get(std::move(path), watch, std::move(reply));
  });
}
inline auto exists(MetadataStore& store, std::string path, Watch watch = Watch::no) {
  return completion<Result<std::optional<Stat>>>(
      [&store, path = std::move(path), watch](Reply<std::optional<Stat>> reply) mutable {
        store.exists(std::move(path), watch, std::move(reply));
      });
}
inline auto children(MetadataStore& store, std::string path, Watch watch = Watch::no) {
  return completion<Result<Children>>([&store, path = std::move(path), watch](Reply<Children> reply) mutable {
    store.children(std::move(path), watch, std::move(reply));
  });
}
inline auto sync(MetadataStore& store, std::string path) {
  return completion<Result<void>>(
      [&store, path = std::move(path)](Reply<void> reply) mutable { store.sync(std::move(path), std::move(reply)); });
}
inline auto close_session(MetadataStore& store) {
  return completion<Result<void>>([&store](Reply<void> reply) { store.close_session(std::move(reply)); });
}

}  // namespace millrace::metadata

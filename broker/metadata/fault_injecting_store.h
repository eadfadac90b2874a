// A metadata store that fails as a network would: it wraps any store and, by a seeded schedule or on command, delays answers, breaks
// the connection with operations in flight (each one applied or not: the unknown outcome), and lets the session expire.
// It keeps every promise of metadata_store.h, so that what is tested above it meets exactly what a real store may do:
// the order of replies, events before newer answers, watches that outlive a broken connection and die with the session.
//
// Belongs to the inner store's shard, as that store does; its delays are the shard's timers. The inner store is used by nobody else.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/base/clock.h"
#include "broker/metadata/metadata_store.h"

namespace millrace {
class Random;
}

namespace millrace::metadata {

class FaultInjectingStore final : public MetadataStore {
 public:
  // Chances are per operation, in millionths. Zero everywhere: faults come on command only.
  struct Faults {
    std::uint32_t loss_before = 0;  // the connection breaks before the operation reached the store
    std::uint32_t loss_after = 0;   // it breaks after the operation was applied, before its answer
    std::uint32_t expiry = 0;       // the session expires with the operation in flight
    Duration answer_delay_max{};    // answers and events wait up to this long, in their order
    Duration reconnect_delay_max = std::chrono::milliseconds(100);
  };

  // `random` is used on the store's shard and outlives the object.
  FaultInjectingStore(std::unique_ptr<MetadataStore> inner, Faults faults, Random& random);
  ~FaultInjectingStore() override;

  void set_faults(Faults faults);
  // Breaks the connection now. Operations in flight have been applied; those called until the reconnection are not.
  void lose_connection();
  // The next operation is applied (or not), then the connection breaks instead of its answer.
  void lose_next(bool applied);
  void expire_session();
  [[nodiscard]] std::uint64_t faults_injected() const;

  Shard& shard() override;
  void add_listener(MetadataListener& listener) override;
  void remove_listener(MetadataListener& listener) override;
  void open_session(std::optional<SessionIdentity> take_over) override;
  void close_session(Reply<void> reply) override;
  [[nodiscard]] std::optional<SessionIdentity> session() const override;

  void create(std::string path, std::string data, CreateMode mode, Reply<Created> reply) override;
  void remove(std::string path, ZnodeVersion expected, Reply<void> reply) override;
  void set(std::string path, std::string data, ZnodeVersion expected, Reply<Stat> reply) override;
  void multi(std::vector<Operation> operations, Reply<MultiResult> reply) override;
  void get(std::string path, Watch watch, Reply<Znode> reply) override;
  void exists(std::string path, Watch watch, Reply<std::optional<Stat>> reply) override;
  void children(std::string path, Watch watch, Reply<Children> reply) override;
  void sync(std::string path, Reply<void> reply) override;

 private:
  class State;

  std::shared_ptr<State> state_;  // shared with the timers and replies on their way
};

}  // namespace millrace::metadata

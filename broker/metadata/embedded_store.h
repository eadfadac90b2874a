// A metadata store inside the broker's process, for a cluster of one broker without ZooKeeper: the znode tree in
// memory, made durable by SQLite (WAL, synchronous=FULL) in a directory of its own.
//
//   <dir>/metadata.db (and -wal)   the znodes, the zxid counter, the schema version
//   <dir>/lock                       held while open: a second process is refused with ErrorKind::conflict
//
// One thread owns tree and database. It takes all queued operations at once, applies them in order, commits them with
// one sync, and only then answers them and fires their watches (group commit). A failed commit undoes the whole group:
// every operation in it fails with the disk's error and nothing of it is seen. A kill at any instant loses nothing that
// was answered, and no part of a multi. Ephemeral znodes do not outlive the process.
//
// The shards outlive the EmbeddedStore, and it outlives its clients' use: a client that is called later answers unavailable. Any
// thread may make clients; each belongs to its shard (metadata_store.h).
#pragma once

#include <memory>
#include <string>

#include "broker/base/clock.h"
#include "broker/base/result.h"
#include "broker/metadata/metadata_store.h"

namespace millrace {
class Random;
}

namespace millrace::metadata {

class EmbeddedStore {
 public:
  struct Options {
    std::string directory;                          // created when absent
    std::size_t operations_in_flight_max = 65'536;  // of one client, then resource_exhausted
    std::size_t bytes_in_flight_max = 64'000'000;
  };

  // Blocks: makes or loads the database. Errors: conflict (in use), corrupt (names the file and what to do),
  // unsupported (written by a newer schema), io, no_space, permission_denied. Clock and random outlive the store and
  // are called from its thread.
  static Result<std::unique_ptr<EmbeddedStore>> open(Options options, const Clock& clock, Random& random);

  EmbeddedStore(const EmbeddedStore&) = delete;
  EmbeddedStore& operator=(const EmbeddedStore&) = delete;
  ~EmbeddedStore();  // answers what is queued, closes the database, joins the thread

  // A client of its own, without a session yet. Several clients see each other's writes, watches and ephemeral znodes
  // as several ZooKeeper clients would.
  [[nodiscard]] std::unique_ptr<MetadataStore> connect(Shard& shard);
  // Ends a session as if nothing had been heard of its client for too long: for tests and fault injection. Any thread.
  void expire_session(SessionId session);

 private:
  class Core;
  class Client;

  EmbeddedStore(Options options, std::shared_ptr<Core> core);

  const Options options_;
  std::shared_ptr<Core> core_;
};

}  // namespace millrace::metadata

// A ZooKeeper's znodes for a command that reads them, writes some and ends: everything blocks. (A broker's store is metadata_store.h.)
// Not shared between threads. libzookeeper stays in the .cpp.
//
// Errors: invalid_argument (the connect string), timed_out (nobody answers), io with ZooKeeper's words and the path. After an error in
// apply() a part of the operations may have been done.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/clock.h"
#include "broker/base/result.h"
#include "broker/metadata/metadata_store.h"
#include "broker/metadata/znode_transfer.h"

namespace millrace::metadata {

class ZookeeperZnodes {
 public:
  // As zookeeper.connect: "host:port,host:port/chroot"; without a port 2181. The chroot is made by the first write.
  static Result<std::unique_ptr<ZookeeperZnodes>> connect(std::string_view address,
                                                          Duration patience = std::chrono::seconds(15));
  ZookeeperZnodes(const ZookeeperZnodes&) = delete;
  ZookeeperZnodes& operator=(const ZookeeperZnodes&) = delete;
  ~ZookeeperZnodes();

  // What is there of `roots` and below them.
  Result<ZnodeSnapshot> read(const std::vector<std::string>& roots);
  // In order, in several transactions.
  Status apply(const std::vector<Operation>& operations);

 private:
  class Session;

  ZookeeperZnodes(std::unique_ptr<Session> session, std::string name, std::string chroot);
  Status read_below(const std::string& path, ZnodeSnapshot& into);
  Status make_chroot();

  std::unique_ptr<Session> session_;
  std::string name_;
  std::string chroot_;  // "" or "/a/b"
};

}  // namespace millrace::metadata

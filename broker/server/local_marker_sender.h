// The way of markers within this broker: to the partitions that it leads, in process. A marker for another broker is
// not sent: it waits, and is tried again, until this one leads the partition.
//
// Owned by a coordinator's shard.
#pragma once

#include <vector>

#include "broker/base/shard.h"
#include "broker/base/types.h"
#include "broker/coordinator/marker_sender.h"
#include "broker/server/marker_writer.h"

namespace millrace::server {

class LocalMarkerSender final : public coordinator::MarkerSender {
 public:
  // `home`: the shard that sends. Both outlive it.
  LocalMarkerSender(BrokerId self, Shard& home, MarkerWriter& writer) : self_(self), home_(home), writer_(writer) {}

  void send(BrokerId destination, std::vector<coordinator::TransactionMarker> markers, Done done) override;

 private:
  Task<void> write(std::vector<coordinator::TransactionMarker> markers, Done done);

  const BrokerId self_;
  Shard& home_;
  MarkerWriter& writer_;
};

}  // namespace millrace::server

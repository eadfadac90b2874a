#include "broker/server/local_marker_sender.h"

#include <utility>

namespace millrace::server {

void LocalMarkerSender::send(BrokerId destination, std::vector<coordinator::TransactionMarker> markers, Done done) {
  if (destination != self_) return done(std::nullopt);
  spawn(write(std::move(markers), std::move(done)));
}

Task<void> LocalMarkerSender::write(std::vector<coordinator::TransactionMarker> markers, Done done) {
  std::vector<MarkerWrite> writes;
  for (const auto& marker : markers) {
    const log::TransactionMarker content{marker.committed, marker.coordinator_epoch.value()};
    for (const auto& partition : marker.partitions) {
      writes.push_back({partition.topic, partition.partition, marker.producer_id, marker.producer_epoch, content});
    }
  }
  co_await writer_.write(home_, writes);
  std::vector<std::vector<coordinator::MarkerOutcome>> outcomes;
  std::size_t next = 0;
  for (auto& marker : markers) {
    auto& of_marker = outcomes.emplace_back();
    for (auto& partition : marker.partitions) of_marker.push_back({std::move(partition), writes[next++].error});
  }
  done(std::move(outcomes));
}

}  // namespace millrace::server

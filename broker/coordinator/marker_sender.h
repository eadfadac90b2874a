// How a coordinator's markers reach the leaders of the partitions (WriteTxnMarkers): in process where this broker leads
// them, by a request to another broker else. Source: kafka.coordinator.transaction.TransactionMarkerChannelManager.
#pragma once

#include <optional>
#include <vector>

#include "broker/base/types.h"
#include "broker/base/unique_function.h"
#include "broker/coordinator/transaction_actions.h"
#include "broker/coordinator/transaction_coordinator.h"

namespace millrace::coordinator {

class MarkerSender {
 public:
  // Of each marker, in their order, what became of it in its partitions; nothing when the request got no answer: the
  // markers may or may not be written.
  using Outcomes = std::optional<std::vector<std::vector<MarkerOutcome>>>;
  using Done = UniqueFunction<void(Outcomes)>;

  MarkerSender() = default;
  MarkerSender(const MarkerSender&) = delete;
  MarkerSender& operator=(const MarkerSender&) = delete;
  virtual ~MarkerSender() = default;

  // Markers of one destination, in one request. `done` runs once, on the calling shard, perhaps before send returns.
  virtual void send(BrokerId destination, std::vector<TransactionMarker> markers, Done done) = 0;
};

}  // namespace millrace::coordinator

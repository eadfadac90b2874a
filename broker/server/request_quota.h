// What one request uses of its client's quotas, and how long the client has to wait for it (KIP-219: the answer goes
// at once, and the connection is muted for that long; KIP-599 for changes of topics). Where no quota is set it costs
// a few relaxed loads.
//
// Owned by the request's shard, as the request is; may_change() from any shard, while nobody else uses the object.
// Source: kafka.server.RequestHandlerHelper, KafkaApis.handleProduceRequest and handleFetchRequest,
// ClientRequestQuotaManager.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "broker/base/clock.h"
#include "broker/base/work_account.h"
#include "broker/network/request_handler.h"
#include "broker/protocol/request_header.h"
#include "broker/security/client_quotas.h"

namespace millrace::server {

class RequestQuota {
 public:
  // `quotas` and `clock` outlive it. `size_bytes` is the request's.
  RequestQuota(security::ClientQuotas& quotas, const protocol::RequestHeader& header,
               const network::ConnectionInfo& connection, const Clock& clock, std::size_t size_bytes);

  // For whom the shards work while they work for this request; null where nobody asks.
  [[nodiscard]] const WorkAccountPointer& account() const { return account_; }

  // Fetch: no more than this may be answered at once, so that the answer can be given within a window.
  [[nodiscard]] std::uint64_t fetch_max_bytes() const;
  // Fetch: counts what has been found. True: the client is over its quota, gets nothing and has to wait.
  [[nodiscard]] bool throttles_fetch(std::uint64_t found_bytes);
  // CreateTopics, DeleteTopics, CreatePartitions: counts changes; false: THROTTLING_QUOTA_EXCEEDED.
  [[nodiscard]] bool may_change(std::size_t partitions);
  // Produce with acks=0: the request's time is not counted, as nobody hears the answer.
  void is_unanswered() { counts_time_ = false; }

  // After the handler: what else was used. How long the client has to wait, in whole milliseconds.
  Duration settle();
  [[nodiscard]] Duration wait() const { return wait_; }
  // After the answer was made: time that settle() did not see yet.
  void finish();

 private:
  void wait_for(security::QuotaKind kind, Duration wait);
  void use_time();
  [[nodiscard]] Duration used_so_far() const;
  [[nodiscard]] security::QuotaClient client() const { return {user_, client_id_}; }

  security::ClientQuotas& quotas_;
  const Clock& clock_;
  const protocol::ApiKey api_;
  const protocol::Version version_;
  const bool is_active_;  // somebody had a limit when the request came
  const std::string user_;
  const std::string client_id_;
  const std::size_t size_bytes_;
  bool counts_time_;
  bool time_used_ = false;
  Duration counted_time_ = Duration::zero();
  WorkAccountPointer account_;
  Duration wait_ = Duration::zero();
  security::QuotaKind waits_for_ = security::QuotaKind::request;
  Duration change_wait_ = Duration::zero();
  MonotonicTime change_time_{};  // of change_wait_
};

}  // namespace millrace::server

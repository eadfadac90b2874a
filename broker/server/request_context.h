// One request in work: who asks, by what header, and the storage that the answer's views point into until it is encoded.
// Owned by the connection's shard; a handler that works on other shards comes back before it touches it.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/base/clock.h"
#include "broker/base/shard.h"
#include "broker/metadata/cluster_image.h"
#include "broker/network/request_handler.h"
#include "broker/protocol/record_batch.h"
#include "broker/protocol/request_header.h"
#include "broker/server/broker_services.h"
#include "broker/server/configuration/current_configuration.h"
#include "broker/server/request_quota.h"

namespace millrace::server {

class RequestContext {
 public:
  RequestContext(BrokerServices& services, const protocol::RequestHeader& header, network::Request request,
                 Shard& shard, std::shared_ptr<const metadata::ClusterImage> image)
      : services_(services),
        header_(header),
        request_(std::move(request)),
        shard_(shard),
        image_(std::move(image)),
        quota_(services.quotas, header_, request_.connection, shard.clock(),
               std::as_const(*request_.frame).bytes().size()) {}
  RequestContext(const RequestContext&) = delete;
  RequestContext& operator=(const RequestContext&) = delete;

  [[nodiscard]] BrokerServices& services() { return services_; }
  [[nodiscard]] const protocol::RequestHeader& header() const { return header_; }
  [[nodiscard]] protocol::Version version() const { return header_.api_version; }
  [[nodiscard]] network::ConnectionInfo& connection() { return request_.connection; }
  // The listener that was asked: answers carry the addresses of that one.
  [[nodiscard]] std::string_view listener() const { return request_.connection.listener; }
  // The connection's shard, where the handler runs.
  [[nodiscard]] Shard& shard() { return shard_; }
  // The cluster as it was when the request arrived; every name and pointer in it lives as long as the context.
  [[nodiscard]] const metadata::ClusterImage& image() const { return *image_; }
  // The broker's configuration as it is now, with what was set at run time.
  [[nodiscard]] std::shared_ptr<const BrokerConfigLayers> configuration() const {
    return services_.current_configuration.of(shard_.id());
  }
  // The newest image from now on, after something was created. Earlier ones stay alive.
  void refresh_image(std::shared_ptr<const metadata::ClusterImage> image) {
    kept_.push_back(std::exchange(image_, std::move(image)));
  }
  // The request's own bytes, for records that are written to in place.
  [[nodiscard]] MutableBytes writable(BytesView part) { return protocol::writable_part(request_.frame->bytes(), part); }

  // Nobody views the request any more, but for the answer that is waited for: its bytes are given back to who waits for memory.
  void release_request() {
    if (header_.client_id) header_.client_id = keep(std::string(*header_.client_id));
    request_.frame->release();
  }

  // The arrays of the decoded request are paid for like the request's bytes, and as long. False: there is no memory for them.
  [[nodiscard]] std::uint64_t arrays_max_bytes() const { return request_.frame->decoded_max_bytes(); }
  [[nodiscard]] bool charge_arrays(std::uint64_t size_bytes) { return request_.frame->charge_decoded(size_bytes); }

  // What the request uses of its client's quotas.
  [[nodiscard]] RequestQuota& quota() { return quota_; }

  // Keeps `text` or `object` alive until the answer is encoded.
  std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }
  void keep(std::shared_ptr<const void> object) { kept_.push_back(std::move(object)); }

 private:
  BrokerServices& services_;
  protocol::RequestHeader header_;
  network::Request request_;
  Shard& shard_;
  std::shared_ptr<const metadata::ClusterImage> image_;
  std::list<std::string> texts_;  // a deque would allocate before it has anything
  std::vector<std::shared_ptr<const void>> kept_;
  RequestQuota quota_;
};

}  // namespace millrace::server

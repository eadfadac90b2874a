// A whole broker in the test's process, on a port and in folders of its own, and clients that speak the protocol to it.
#pragma once

#include <gtest/gtest.h>

#include <charconv>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/base/metrics.h"
#include "broker/protocol/message.h"
#include "broker/protocol/messages.h"
#include "broker/protocol/record_batch_builder.h"
#include "broker/protocol/request_header.h"
#include "broker/server/broker.h"
#include "broker/server/configuration/broker_configuration.h"
#include "test/broker/base/temporary_directory.h"
#include "test/broker/network/raw_client.h"

namespace millrace::server {

using network::eventually;
using protocol::ErrorCode;
using protocol::Version;

class BrokerUnderTest {
 public:
  explicit BrokerUnderTest(const ConfigPairs& more = {}, int shards = 3) {
    ConfigPairs pairs{{"broker.id", "0"},
                      {"listeners", "PLAINTEXT://127.0.0.1:0"},
                      {"log.dirs", folder_.path() + "/log"},
                      {"metadata.store", "embedded:" + metadata_directory()},
                      {"millrace.shards", std::to_string(shards)}};
    pairs.insert(pairs.end(), more.begin(), more.end());
    auto made = make_broker_configuration(pairs, "127.0.0.1");
    EXPECT_TRUE(made.has_value()) << (made ? "" : made.error().message);
    configuration_ = std::make_unique<BrokerConfiguration>(std::move(*made));
    start();
  }
  BrokerUnderTest(const BrokerUnderTest&) = delete;
  BrokerUnderTest& operator=(const BrokerUnderTest&) = delete;

  [[nodiscard]] std::uint16_t port() const {
    const auto& address = broker_->listeners().front().address;
    return static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  }
  Broker& operator*() { return *broker_; }

  // A clean stop, what happens to its files meanwhile, and a start on another port.
  void restart(const std::function<void()>& meanwhile) {
    EXPECT_TRUE(broker_->stop().has_value());
    broker_.reset();
    meanwhile();
    start();
  }
  [[nodiscard]] std::string log_directory() const { return folder_.path() + "/log"; }
  [[nodiscard]] std::string metadata_directory() const { return folder_.path() + "/metadata"; }

  // How many requests of the API have been answered.
  [[nodiscard]] int answered(std::string_view api) const {
    return counted("millrace_requests_total{api=\"" + std::string(api) + "\"}");
  }
  [[nodiscard]] int counted(const std::string& metric) const {
    const auto text = "\n" + metrics_->text();
    const auto line = "\n" + metric + " ";
    auto at = text.find(line);
    return at == std::string::npos ? 0 : std::stoi(text.substr(at + line.size()));
  }

 private:
  void start() {
    metrics_ = std::make_unique<MetricsRegistry>();
    broker_ = std::make_unique<Broker>(*configuration_, *metrics_);
    auto started = broker_->start();
    EXPECT_TRUE(started.has_value()) << (started ? "" : started.error().message);
  }

  TemporaryDirectory folder_;
  std::unique_ptr<MetricsRegistry> metrics_;
  std::unique_ptr<BrokerConfiguration> configuration_;
  std::unique_ptr<Broker> broker_;
};

// An answer, and the bytes that it views.
template <class Response>
struct Answer {
  std::string frame;
  Response values;
  Response* operator->() { return &values; }
};

inline BytesView bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

class Client {
 public:
  explicit Client(const BrokerUnderTest& broker) : Client(broker.port()) {}
  explicit Client(std::uint16_t port) : raw_(port) { EXPECT_TRUE(raw_.connected()); }

  network::RawClient& raw() { return raw_; }

  // The correlation id.
  template <class Request>
  std::int32_t send(const Request& request, Version version = Request::versions.highest) {
    auto frame = protocol::encode_request_frame(request, version, ++correlation_, "test");
    EXPECT_TRUE(frame.has_value()) << (frame ? "" : frame.error().message);
    EXPECT_TRUE(raw_.send({reinterpret_cast<const char*>(frame->data()), frame->size()}));
    return correlation_;
  }

  // The answer to the request that was sent with this correlation id: another one fails the test. Nothing when the broker
  // closed.
  template <class Response>
  std::optional<Answer<Response>> receive(std::int32_t correlation,
                                          Version version = Response::Request::versions.highest) {
    auto frame = raw_.receive_frame();
    if (!frame) return std::nullopt;
    auto header = protocol::decode_response_header(bytes_of(*frame), Response::Request::api_key, version);
    EXPECT_TRUE(header.has_value());
    EXPECT_EQ(header->correlation_id, correlation);
    auto answer = std::make_optional<Answer<Response>>();
    answer->frame = std::move(*frame);
    auto values = protocol::decode<Response>(bytes_of(answer->frame).subspan(header->size_bytes), version);
    EXPECT_TRUE(values.has_value()) << (values ? "" : values.error().message);
    answer->values = std::move(*values);
    return answer;
  }

  template <class Request>
  Answer<typename Request::Response> ask(const Request& request, Version version = Request::versions.highest) {
    auto answer = receive<typename Request::Response>(send(request, version), version);
    EXPECT_TRUE(answer.has_value()) << "the broker closed the connection";
    return answer ? std::move(*answer) : Answer<typename Request::Response>{};
  }

 private:
  network::RawClient raw_;
  std::int32_t correlation_ = 0;
};

inline protocol::CreateTopicsRequest creation(std::string_view name, int partitions = 1) {
  protocol::CreateTopicsRequest request;
  request.topics.push_back({name, partitions, 1, {}, {}});
  return request;
}

inline TopicId create_topic(Client& client, std::string_view name, int partitions = 1) {
  auto answer = client.ask(creation(name, partitions));
  EXPECT_EQ(answer->topics.at(0).error_code, ErrorCode::none) << answer->topics.at(0).error_message.value_or("");
  return answer->topics.at(0).topic_id;
}

inline protocol::DeleteTopicsRequest deletion(std::string_view name) {
  protocol::DeleteTopicsRequest request;
  request.topics.push_back({name, {}});
  request.timeout_ms = 30'000;
  return request;
}

// A batch of one record.
inline std::vector<std::uint8_t> batch(std::string_view value) {
  protocol::RecordBatchBuilder builder({});
  builder.append(TimestampMs(1'600'000'000'000), std::nullopt, bytes_of(value));
  return *builder.build();
}

inline protocol::ProduceRequest produce_request(std::string_view topic, const std::vector<std::uint8_t>& records,
                                                std::initializer_list<int> partitions = {0}, std::int16_t acks = -1) {
  protocol::ProduceRequest request;
  request.acks = acks;
  request.timeout_ms = 30'000;
  auto& wanted = request.topic_data.emplace_back();
  wanted.name = topic;
  for (int index : partitions) wanted.partition_data.push_back({PartitionIndex(index), BytesView(records)});
  return request;
}

inline ErrorCode produce(Client& client, std::string_view topic, std::string_view value, int partition = 0) {
  auto answer = client.ask(produce_request(topic, batch(value), {partition}));
  return answer->responses.at(0).partition_responses.at(0).error_code;
}

// A fetch of these partitions from their start.
inline protocol::FetchRequest fetch_request(const TopicId& topic, std::initializer_list<int> partitions,
                                            std::int32_t max_wait_ms, std::int32_t min_bytes = 1) {
  protocol::FetchRequest request;
  request.max_wait_ms = max_wait_ms;
  request.min_bytes = min_bytes;
  auto& wanted = request.topics.emplace_back();
  wanted.topic_id = topic;
  for (int index : partitions) {
    auto& partition = wanted.partitions.emplace_back();
    partition.partition = PartitionIndex(index);
    partition.partition_max_bytes = 1 << 20;
  }
  return request;
}

}  // namespace millrace::server

// A broker's logs on one shard with a clock that stands still: started, stopped, killed and started again by the test.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/base/manual_shard.h"
#include "broker/base/output_chain.h"
#include "broker/base/random.h"
#include "broker/log/log_manager.h"
#include "broker/protocol/compression.h"
#include "broker/protocol/record.h"
#include "broker/protocol/record_batch_builder.h"
#include "test/broker/base/temporary_directory.h"
#include "test/broker/log/fault_file_system.h"

namespace millrace::log::test {

using Bytes = std::vector<std::uint8_t>;

struct BatchSpec {
  std::vector<std::string> values;
  protocol::Codec codec = protocol::Codec::none;
  TimestampMs timestamp{1'700'000'000'000};  // of the first record; each further one is a millisecond later
  ProducerId producer_id = ProducerId::none();
  ProducerEpoch producer_epoch = ProducerEpoch::none();
  Sequence base_sequence = Sequence::none();
  bool keyed = true;
  bool transactional = false;
  Offset base_offset{0};
  LeaderEpoch leader_epoch = LeaderEpoch::none();
};

inline Bytes make_batch(const BatchSpec& spec) {
  protocol::RecordBatchBuilder builder({.base_offset = spec.base_offset,
                                        .partition_leader_epoch = spec.leader_epoch,
                                        .codec = spec.codec,
                                        .producer_id = spec.producer_id,
                                        .producer_epoch = spec.producer_epoch,
                                        .base_sequence = spec.base_sequence,
                                        .is_transactional = spec.transactional});
  std::int64_t later = 0;
  for (const auto& value : spec.values) {
    std::optional<BytesView> key;
    if (spec.keyed) key = as_bytes("key");
    builder.append(spec.timestamp + later++, key, as_bytes(value));
  }
  return *builder.build();
}

// The batch with other header fields and the CRC that it then has.
template <class Edit>
Bytes with_header(Bytes batch, Edit edit) {
  auto header = protocol::parse_batch(batch).value().header;
  edit(header);
  protocol::write_batch_header(batch, header);
  return batch;
}

inline Bytes joined(const std::vector<Bytes>& parts) {
  Bytes all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

// The control batch that ends a transaction.
inline Bytes marker_batch(ProducerId id, ProducerEpoch epoch, bool commit, std::int32_t coordinator_epoch) {
  protocol::RecordBatchBuilder builder(
      {.producer_id = id, .producer_epoch = epoch, .is_transactional = true, .is_control = true});
  Bytes key(4);
  store_big_endian(key.data() + 2, static_cast<std::int16_t>(commit ? 1 : 0));
  Bytes value(6);
  store_big_endian(value.data() + 2, coordinator_epoch);
  builder.append(TimestampMs(1'700'000'000'000), BytesView(key), BytesView(value));
  return *builder.build();
}

struct ReadRecord {
  Offset offset;
  std::string value;

  friend bool operator==(const ReadRecord&, const ReadRecord&) = default;
};

inline void PrintTo(const ReadRecord& record, std::ostream* out) {
  *out << record.offset.value() << ":" << record.value;
}

// The records of the whole batches in `bytes`, each batch checked against its CRC.
inline std::vector<ReadRecord> records_in(BytesView bytes) {
  std::vector<ReadRecord> found;
  protocol::BatchReader batches(bytes);
  while (true) {
    auto more = batches.next();
    EXPECT_TRUE(more.has_value()) << more.error().message;
    if (!more || !*more) return found;
    EXPECT_TRUE(protocol::check_batch_crc(batches.batch()));
    auto plain = protocol::decompress(batches.batch().header.attributes.codec(), batches.batch().records());
    EXPECT_TRUE(plain.has_value());
    protocol::RecordReader records(batches.batch().header, *plain);
    while (records.next()) {
      found.push_back({records.record().offset(batches.batch().header),
                       std::string(as_text(records.record().value.value_or(BytesView{})))});
    }
    EXPECT_TRUE(records.status());
  }
}

// Where a consumer goes on that has read these batches.
inline Offset offset_behind(BytesView bytes, Offset otherwise) {
  protocol::BatchReader batches(bytes);
  while (true) {
    auto more = batches.next();
    if (!more || !*more) return otherwise;
    otherwise = batches.batch().header.last_offset() + 1;
  }
}

inline FileSystem& unsynced_files() {
  static FaultFileSystem files;
  files.faults->synced.clear();
  return files;
}

class LogWorld {
 public:
  explicit LogWorld(LogConfig topic_config = {}) : LogWorld(topic_config, unsynced_files()) {}
  LogWorld(LogConfig topic_config, FileSystem& files) : config(topic_config), files_(&files) {
    options.directories = {directory.path() + "/data"};
    options.cluster_id = "1gdzRcRMRMyxOSdkj0JfkA";
    options.broker_id = BrokerId(7);
    options.journal.files = 2;
    options.journal.file_bytes = 64 * 1024;
    options.closing_threads = 0;  // file systems of tests serve one thread
  }
  ~LogWorld() { shard.run(); }

  // Opens the directories and loads what is there.
  Status start(const LogManager::KnowsPartition& knows = nullptr) {
    manager = std::make_unique<LogManager>(options, *files_, shard.clock(), shard.pool(), random,
                                           [this](const TopicPartition&) -> Shard& { return shard; });
    return manager->open_directories().and_then(
        [&] { return manager->load([&](const std::string&) { return config; }, knows); });
  }
  // What is not on its way to the disk is lost, as with kill -9.
  void kill() {
    logs_.clear();
    manager.reset();
    shard.run();
  }
  Status stop() {
    shard.run();
    logs_.clear();
    auto closed = manager->close(BrokerEpoch(42));
    manager.reset();
    shard.run();
    return closed;
  }

  std::shared_ptr<PartitionLog> log(const std::string& topic = "events") {
    auto& log = logs_[topic];
    if (log != nullptr) return log;
    const TopicPartition partition{topic, PartitionIndex(0)};
    log = manager->find(partition);
    if (log != nullptr) return log;
    manager->get_or_create(partition, topic_id, config, [&](auto result) {
      EXPECT_TRUE(result.has_value()) << result.error().message;
      if (result) log = *result;
    });
    shard.run();
    return log;
  }

  AppendOutcome append(Bytes batch, AppendOrigin origin = AppendOrigin::client, const std::string& topic = "events") {
    return append_in_place(batch, origin, topic);
  }
  AppendOutcome append_in_place(Bytes& batch, AppendOrigin origin = AppendOrigin::client,
                                const std::string& topic = "events") {
    std::optional<AppendOutcome> outcome;
    log(topic)->append({batch, origin, leader_epoch, shard.clock().wall_clock()},
                       [&](AppendOutcome got) { outcome = std::move(got); });
    shard.run();
    EXPECT_TRUE(outcome.has_value()) << "the append was never completed";
    return std::move(*outcome);
  }
  AppendOutcome append(const BatchSpec& spec) { return append(make_batch(spec)); }

  ReadOutcome read(Offset offset, std::uint64_t max_bytes = 1 << 20, std::optional<Offset> bound = std::nullopt,
                   bool min_one = true, const std::string& topic = "events") {
    std::optional<ReadOutcome> outcome;
    log(topic)->read({offset, bound.value_or(log(topic)->log_end_offset()), max_bytes, min_one},
                     [&](ReadOutcome got) { outcome = std::move(got); });
    shard.run();
    EXPECT_TRUE(outcome.has_value()) << "the read was never completed";
    return std::move(*outcome);
  }
  Bytes bytes_of(const FetchData& data) {
    OutputChain chain;
    chain.append(data.records);
    return *chain.flatten();
  }
  // Everything from `offset` to the end, read as a consumer does.
  std::vector<ReadRecord> read_all(Offset offset = Offset(0), std::uint64_t max_bytes = 1 << 20,
                                   const std::string& topic = "events") {
    std::vector<ReadRecord> all;
    while (offset < log(topic)->log_end_offset()) {
      auto data = read(offset, max_bytes, std::nullopt, true, topic);
      EXPECT_TRUE(data.has_value()) << data.error().message;
      if (!data || data->records.length_bytes == 0) break;
      const auto bytes = bytes_of(*data);
      for (auto& record : records_in(bytes)) {
        if (record.offset >= offset) all.push_back(std::move(record));
      }
      offset = offset_behind(bytes, offset);
    }
    return all;
  }
  TimestampOutcome find_offset(TimestampMs timestamp, const std::string& topic = "events") {
    std::optional<TimestampOutcome> outcome;
    log(topic)->find_offset(timestamp, [&](TimestampOutcome got) { outcome = std::move(got); });
    shard.run();
    EXPECT_TRUE(outcome.has_value()) << "the search was never completed";
    return std::move(*outcome);
  }
  [[nodiscard]] std::string data_path() const { return options.directories.front(); }
  [[nodiscard]] std::string partition_path(const std::string& topic = "events") const {
    return data_path() + "/" + topic + "-0";
  }

  TemporaryDirectory directory;
  ManualShard shard;
  SeededRandom random{7};
  LogManagerOptions options;
  TopicId topic_id{{1, 2, 3, 4}};
  LeaderEpoch leader_epoch{0};
  std::unique_ptr<LogManager> manager;

  LogConfig config;  // of every topic; what was loaded keeps its own until the next start

 private:
  FileSystem* files_;
  std::map<std::string, std::shared_ptr<PartitionLog>> logs_;
};

inline Bytes file_bytes(const std::string& path) {
  auto text = posix_file_system().read_text(path, 1 << 30);
  EXPECT_TRUE(text.has_value()) << text.error().message;
  return text ? Bytes(text->begin(), text->end()) : Bytes();
}

inline void write_file(const std::string& path, BytesView bytes) {
  auto file = posix_file_system().open(path, OpenMode::read_write_or_create);
  ASSERT_TRUE(file.has_value()) << file.error().message;
  ASSERT_TRUE((*file)->truncate(0));
  ASSERT_TRUE((*file)->write_at(0, bytes));
}

inline std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  auto entries = posix_file_system().list(directory).value();
  for (const auto& entry : entries) names.push_back(entry.name);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace millrace::log::test

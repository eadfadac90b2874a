// Transactions in a log: what read_committed may see, which transactions it is told were aborted, and that the transaction indexes
// say so after every kind of stop. Kafka's own directories and answers are the measure (test/compat/transaction_corpus.py).
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "broker/base/logging.h"
#include "broker/log/checkpoint_file.h"
#include "broker/log/loaded_log.h"
#include "broker/log/log_directory.h"
#include "broker/log/meta_properties.h"
#include "broker/log/producer_snapshot.h"
#include "broker/log/transaction_index.h"
#include "test/broker/log/log_world.h"
#include "test/support/source_tree.h"

namespace millrace::log::test {
namespace {

LogConfig with_segments_of(std::int32_t bytes) {
  LogConfig config;
  config.segment_bytes = bytes;
  config.index_interval_bytes = 400;
  return config;
}

// ---- the index by itself

struct TransactionIndexFile : testing::Test {
  [[nodiscard]] std::string path() const { return directory.path() + "/x.txnindex"; }
  TransactionIndex index(std::int64_t base = 100) {
    return {Offset(base), std::make_shared<CachedFile>(cache, path())};
  }
  static AbortedTransaction aborted(std::int64_t producer, std::int64_t first, std::int64_t last, std::int64_t stable) {
    return {ProducerId(producer), Offset(first), Offset(last), Offset(stable)};
  }
  std::vector<std::int64_t> collected(const TransactionIndex& from, std::int64_t offset, std::int64_t bound,
                                      bool complete) {
    std::vector<AbortedTransaction> found;
    auto result = from.view().collect(Offset(offset), Offset(bound), found);
    EXPECT_TRUE(result && *result == complete);
    std::vector<std::int64_t> producers;
    for (const auto& transaction : found) producers.push_back(transaction.producer.value());
    return producers;
  }
  TemporaryDirectory directory;
  FileCache cache{posix_file_system(), 100};
};

TEST_F(TransactionIndexFile, IsMadeWithTheFirstEntryAndHoldsItBigEndian) {
  auto written = index();
  ASSERT_TRUE(written.load());
  ASSERT_TRUE(written.reset());
  ASSERT_TRUE(written.truncate_to(Offset(0)));
  EXPECT_TRUE(written.empty());
  EXPECT_FALSE(std::filesystem::exists(path()));
  ASSERT_TRUE(written.append(aborted(0x0102, 3, 0x104, 0x105)));
  EXPECT_EQ(file_bytes(path()), (Bytes{0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0,
                                       3, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0, 0, 0, 0, 1, 5}));
  auto read = index();
  ASSERT_TRUE(read.load());
  EXPECT_EQ(read.entries(), 1U);
  EXPECT_EQ(read.last(), aborted(0x0102, 3, 0x104, 0x105));
}

TEST_F(TransactionIndexFile, CollectsTheTransactionsOfARangeAndSaysWhenThereCanBeNoMore) {
  auto written = index();
  ASSERT_TRUE(written.append(aborted(1, 50, 110, 60)));
  ASSERT_TRUE(written.append(aborted(2, 60, 120, 115)));
  ASSERT_TRUE(written.append(aborted(3, 115, 130, 131)));
  EXPECT_EQ(collected(written, 0, 61, true), (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(collected(written, 0, 60, true), (std::vector<std::int64_t>{1}));
  EXPECT_EQ(collected(written, 111, 116, true), (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(collected(written, 121, 200, false), (std::vector<std::int64_t>{3}));
  EXPECT_EQ(collected(written, 131, 200, false), (std::vector<std::int64_t>{}));
}

TEST_F(TransactionIndexFile, IsCutAtTheFirstMarkerThatGoes) {
  auto written = index();
  for (std::int64_t at = 0; at < 1000; ++at) ASSERT_TRUE(written.append(aborted(at, 100 + at * 2, 101 + at * 2, 100)));
  ASSERT_TRUE(written.truncate_to(Offset(2101)));
  EXPECT_EQ(written.entries(), 1000U);
  ASSERT_TRUE(written.truncate_to(Offset(1101)));
  EXPECT_EQ(written.entries(), 500U);
  EXPECT_EQ(written.last().producer, ProducerId(499));
  EXPECT_EQ(file_bytes(path()).size(), 500U * TransactionIndex::entry_bytes);
  EXPECT_EQ(written.view().all()->size(), 500U);
  ASSERT_TRUE(written.append(aborted(7, 1101, 1102, 1103)));
  auto read = index();
  ASSERT_TRUE(read.load());
  EXPECT_EQ(read.entries(), 501U);
  ASSERT_TRUE(written.reset());
  EXPECT_TRUE(written.empty());
  EXPECT_EQ(file_bytes(path()).size(), 0U);
}

TEST_F(TransactionIndexFile, IsRefusedWhenItsEntriesCannotBeRight) {
  auto written = index();
  ASSERT_TRUE(written.append(aborted(1, 50, 110, 60)));
  ASSERT_TRUE(written.append(aborted(2, 60, 120, 115)));
  const auto good = file_bytes(path());
  auto refused = [&](const Bytes& bytes) {
    write_file(path(), bytes);
    auto read = index();
    auto loaded = read.load();
    return !loaded && loaded.error().kind == ErrorKind::corrupt;
  };
  EXPECT_FALSE(refused(good));
  EXPECT_TRUE(refused(Bytes(good.begin(), good.end() - 1))) << "a part of an entry";
  auto bad = good;
  bad[1] = 1;
  EXPECT_TRUE(refused(bad)) << "a version that nobody knows";
  bad = good;
  bad[25] = 99;
  EXPECT_TRUE(refused(bad)) << "a marker below the segment";
  bad = good;
  std::copy(good.begin(), good.begin() + 34, bad.begin() + 34);
  EXPECT_TRUE(refused(bad)) << "two markers at one offset";
  EXPECT_TRUE(refused(Bytes(68))) << "zeros";
}

TEST(TransactionIndexWrites, ThatFailLeaveTheIndexAsItWas) {
  TemporaryDirectory directory;
  FaultFileSystem files;
  FileCache cache(files, 10);
  TransactionIndex index(Offset(0), std::make_shared<CachedFile>(cache, directory.path() + "/x.txnindex"));
  ASSERT_TRUE(index.append({ProducerId(1), Offset(1), Offset(2), Offset(3)}));
  files.faults->writable_bytes = 20;
  EXPECT_FALSE(index.append({ProducerId(1), Offset(3), Offset(4), Offset(5)}));
  EXPECT_EQ(index.entries(), 1U);
  EXPECT_EQ(file_bytes(directory.path() + "/x.txnindex").size(), TransactionIndex::entry_bytes);
  files.faults->writable_bytes = Faults::none;
  EXPECT_TRUE(index.append({ProducerId(1), Offset(3), Offset(4), Offset(5)}));
}

// ---- a log

using Aborted = std::vector<std::pair<std::int64_t, std::int64_t>>;  // producer, first offset

Aborted told(const FetchData& data) {
  Aborted aborted;
  for (const auto& transaction : data.aborted) {
    aborted.emplace_back(transaction.producer.value(), transaction.first_offset.value());
  }
  return aborted;
}

struct Transactions : testing::Test {
  void start(const LogConfig& config = {}) {
    world = std::make_unique<LogWorld>(config);
    ASSERT_TRUE(world->start());
  }
  void SetUp() override { start(); }
  void write(std::int64_t producer, std::size_t records = 1) {
    auto& sequence = sequences_[producer];
    ASSERT_TRUE(world->append({.values = std::vector<std::string>(records, "value"),
                               .producer_id = ProducerId(producer),
                               .producer_epoch = ProducerEpoch(0),
                               .base_sequence = Sequence(sequence),
                               .transactional = true}));
    sequence += static_cast<std::int32_t>(records);
  }
  AppendOutcome end(std::int64_t producer, bool commit) {
    return world->append(marker_batch(ProducerId(producer), ProducerEpoch(0), commit, 1), AppendOrigin::coordinator);
  }
  ReadOutcome read_committed(std::int64_t offset, Offset bound, std::uint64_t max_bytes = 1 << 20) {
    std::optional<ReadOutcome> outcome;
    world->log()->read({Offset(offset), bound, max_bytes, true, true},
                       [&](ReadOutcome got) { outcome = std::move(got); });
    world->shard.run();
    return std::move(*outcome);
  }
  Aborted aborted_from(std::int64_t offset) {
    auto data = read_committed(offset, world->log()->log_end_offset());
    EXPECT_TRUE(data) << data.error().message;
    return data ? told(*data) : Aborted{};
  }
  [[nodiscard]] std::string index_path(std::int64_t base) const {
    return world->partition_path() + "/" + segment_file_name(Offset(base), transaction_index_suffix);
  }

  std::unique_ptr<LogWorld> world;

 private:
  std::map<std::int64_t, std::int32_t> sequences_;
};

TEST_F(Transactions, AreUnstableUntilTheHighWatermarkHasPassedTheirMarkers) {
  write(1);
  write(2);
  ASSERT_TRUE(end(1, true));
  ASSERT_TRUE(end(2, false));
  auto log = world->log();
  EXPECT_EQ(log->first_unstable_offset(), Offset(0)) << "completed, but perhaps not on every replica";
  log->publish_high_watermark(Offset(2));
  EXPECT_EQ(log->first_unstable_offset(), Offset(0)) << "the marker itself is not below the high watermark";
  log->publish_high_watermark(Offset(3));
  EXPECT_EQ(log->first_unstable_offset(), Offset(1));
  write(3);
  log->publish_high_watermark(Offset(4));
  EXPECT_EQ(log->first_unstable_offset(), Offset(4));
  ASSERT_TRUE(end(3, true));
  log->publish_high_watermark(Offset(6));
  EXPECT_EQ(log->first_unstable_offset(), Offset::none());
}

TEST_F(Transactions, ThatAreOpenAreNeverUnstableBelowTheLogStart) {
  write(1);
  write(1);
  world->log()->publish_high_watermark(Offset(2));
  ASSERT_TRUE(world->log()->advance_log_start_offset(Offset(1)));
  EXPECT_EQ(world->log()->first_unstable_offset(), Offset(1));
}

TEST_F(Transactions, AreIndexedOnAfterAnIndexThatWentBeyondItsLog) {
  write(1);
  ASSERT_TRUE(end(1, false));
  ASSERT_TRUE(world->stop());
  auto damaged = file_bytes(index_path(0));
  constexpr std::size_t last_offset_position = 18;
  damaged[last_offset_position + 2] ^= 0x40;
  write_file(index_path(0), damaged);
  set_log_level(LogLevel::error);
  ASSERT_TRUE(world->start());
  set_log_level(LogLevel::info);
  EXPECT_EQ(aborted_from(0), (Aborted{{1, 0}}));
  write(1);
  ASSERT_TRUE(end(1, false));
  EXPECT_EQ(aborted_from(0), (Aborted{{1, 0}, {1, 2}}));
}

TEST_F(Transactions, ThatWereAbortedAreToldToThoseWhoReadTheirRecords) {
  write(1);                                           // 0
  write(2);                                           // 1
  ASSERT_TRUE(end(1, false));                         // 2
  ASSERT_TRUE(world->append({.values = {"plain"}}));  // 3
  ASSERT_TRUE(end(2, true));                          // 4
  write(1);                                           // 5
  ASSERT_TRUE(end(1, false));                         // 6
  EXPECT_EQ(aborted_from(0), (Aborted{{1, 0}, {1, 5}}));
  EXPECT_EQ(aborted_from(2), (Aborted{{1, 0}, {1, 5}}));
  EXPECT_EQ(aborted_from(3), (Aborted{{1, 5}}));
  EXPECT_EQ(told(*read_committed(0, Offset(7), 1)), (Aborted{{1, 0}, {1, 5}}))
      << "no index entry bounds the first batch";
  EXPECT_TRUE(world->read(Offset(0))->aborted.empty()) << "nobody asked";
}

TEST_F(Transactions, OfWhichOnlyTheAbortedOnesWithRecordsAreIndexed) {
  ASSERT_TRUE(end(1, false));
  write(2);
  ASSERT_TRUE(end(2, true));
  EXPECT_FALSE(std::filesystem::exists(index_path(0)));
  write(2);
  write(3);
  ASSERT_TRUE(end(2, false));
  ASSERT_TRUE(end(3, false));
  FileCache cache(posix_file_system(), 10);
  TransactionIndex index(Offset(0), std::make_shared<CachedFile>(cache, index_path(0)));
  ASSERT_TRUE(index.load());
  EXPECT_EQ(*index.view().all(), (std::vector<AbortedTransaction>{{ProducerId(2), Offset(3), Offset(5), Offset(4)},
                                                                  {ProducerId(3), Offset(4), Offset(6), Offset(7)}}));
}

TEST_F(Transactions, AreFoundByTheirMarkersInLaterSegments) {
  start(with_segments_of(400));
  write(1);
  for (int batch = 0; batch < 20; ++batch) ASSERT_TRUE(world->append({.values = {std::string(100, 'x')}}));
  ASSERT_TRUE(end(1, false));
  ASSERT_GT(world->log()->published().segments, 5U);
  EXPECT_EQ(aborted_from(0), (Aborted{{1, 0}}));
  EXPECT_EQ(aborted_from(1), (Aborted{{1, 0}})) << "its producer may have records here for all that anybody knows";
  EXPECT_EQ(aborted_from(21), (Aborted{{1, 0}}));
  ASSERT_TRUE(world->append({.values = {"behind"}}));
  EXPECT_EQ(aborted_from(22), (Aborted{}));
}

TEST_F(Transactions, AreIndexedTheSameAfterEveryStop) {
  start(with_segments_of(700));
  for (int round = 0; round < 12; ++round) {
    write(1, 2);
    write(2);
    if (round % 3 == 0) ASSERT_TRUE(end(2, false));
    if (round % 2 == 0) ASSERT_TRUE(end(1, round % 4 == 0));
  }
  ASSERT_TRUE(end(2, false));
  std::map<std::string, Bytes> expected;
  for (const auto& name : names_in(world->partition_path())) {
    if (name.ends_with(transaction_index_suffix)) expected[name] = file_bytes(world->partition_path() + "/" + name);
  }
  ASSERT_GE(expected.size(), 3U);
  for (auto how : {"killed", "killed, without the indexes", "stopped", "stopped, one index damaged"}) {
    const bool stopped = std::string_view(how).starts_with("stopped");
    if (stopped) {
      ASSERT_TRUE(world->stop());
    } else {
      world->kill();
    }
    for (const auto& [name, bytes] : expected) {
      const auto path = world->partition_path() + "/" + name;
      if (std::string_view(how).ends_with("indexes")) std::filesystem::remove(path);
      if (std::string_view(how).ends_with("damaged") && name == expected.begin()->first) {
        auto bad = bytes;
        bad[1] = 9;
        write_file(path, bad);
      }
    }
    ASSERT_TRUE(world->start());
    for (const auto& [name, bytes] : expected) {
      EXPECT_EQ(file_bytes(world->partition_path() + "/" + name), bytes) << how << " " << name;
    }
  }
}

TEST_F(Transactions, WhoseEndCannotBeIndexedStayHidden) {
  FaultFileSystem files;
  world = std::make_unique<LogWorld>(LogConfig{}, files);
  ASSERT_TRUE(world->start());
  write(1);
  files.faults->only_for = [](const std::string& path) { return path.ends_with(transaction_index_suffix); };
  files.faults->writable_bytes = 0;
  auto failed = end(1, false);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, AppendErrorKind::storage);
  EXPECT_EQ(world->log()->first_unstable_offset(), Offset(0));
  EXPECT_FALSE(world->append({.values = {"more"}}));
  auto led = world->log()->start_leader_epoch(LeaderEpoch(9));
  ASSERT_FALSE(led) << "its leader would take everything in the log for replicated, the marker too";
  EXPECT_EQ(led.error().kind, ErrorKind::io);
  bool synced = true;
  world->log()->flush([&](const Status& status) { synced = status.has_value(); });
  world->shard.run();
  EXPECT_FALSE(synced) << "the recovery point stays below the marker, so that the next start indexes it";
  world->kill();
  files.faults->writable_bytes = Faults::none;
  ASSERT_TRUE(world->start());
  EXPECT_EQ(aborted_from(0), (Aborted{{1, 0}}));
}

// ---- Kafka's directories

struct KafkaTransactions : testing::Test {
  static std::string golden(const std::string& name) {
    return source_path("test/broker/log/golden/kafka_3_9_transactions_" + name);
  }
  void take(const std::string& name) {
    std::filesystem::copy(golden(name), world.data_path(), std::filesystem::copy_options::recursive);
    std::filesystem::remove(world.data_path() + "/expected.tsv");
    auto identity = read_meta_properties(posix_file_system(), golden(name));
    ASSERT_TRUE(identity && *identity);
    world.options.cluster_id = (*identity)->cluster_id;
    world.options.broker_id = (*identity)->broker_id;
    world.options.producer_id_expiration_ms = LogConfig::unlimited;
  }
  void start() {
    ASSERT_TRUE(world.start());
    ASSERT_TRUE(world.manager->unusable().empty()) << world.manager->unusable().front().second;
    log = world.log("transactions");
    log->publish_high_watermark(log->log_end_offset());
  }
  [[nodiscard]] Offset stable() const {
    const auto unstable = log->first_unstable_offset();
    return unstable == Offset::none() ? log->log_end_offset() : unstable;
  }
  FetchData read(Offset offset, std::uint64_t max_bytes) {
    std::optional<ReadOutcome> outcome;
    log->read({offset, stable(), max_bytes, true, true}, [&](ReadOutcome got) { outcome = std::move(got); });
    world.shard.run();
    EXPECT_TRUE(*outcome) << (*outcome).error().message;
    return std::move(**outcome);
  }
  // Rows as the golden files have them.
  std::string fetched(Offset offset, std::uint64_t max_bytes) {
    auto data = read(offset, max_bytes);
    std::string row;
    auto bytes = data.records.length_bytes == 0 ? Bytes() : world.bytes_of(data);
    for (std::size_t at = 0; at + 12 <= bytes.size();) {
      auto batch = protocol::parse_batch(BytesView(bytes).subspan(at));
      if (!batch) break;  // cut
      row += (row.empty() ? "" : " ") + std::to_string(batch->header.base_offset.value());
      at += batch->bytes.size();
    }
    row += "\t";
    bool first = true;
    for (auto [producer, start] : told(data)) {
      row += (std::exchange(first, false) ? "" : " ") + std::to_string(producer) + ":" + std::to_string(start);
    }
    return row;
  }
  // As a consumer does with the list of aborted transactions.
  std::vector<std::string> visible() {
    std::vector<std::string> rows;
    for (Offset offset(0); offset < stable();) {
      auto data = read(offset, 2000);
      auto bytes = world.bytes_of(data);
      std::multimap<Offset, ProducerId> coming;
      for (const auto& transaction : data.aborted) coming.emplace(transaction.first_offset, transaction.producer);
      std::set<ProducerId> skipped;
      for (std::size_t at = 0; at + 12 <= bytes.size();) {
        auto batch = protocol::parse_batch(BytesView(bytes).subspan(at));
        if (!batch) break;
        at += batch->bytes.size();
        const auto& header = batch->header;
        while (!coming.empty() && coming.begin()->first <= header.last_offset()) {
          skipped.insert(coming.begin()->second);
          coming.erase(coming.begin());
        }
        const auto from = std::exchange(offset, header.last_offset() + 1);
        if (header.attributes.is_control()) {
          skipped.erase(header.producer_id);
          continue;
        }
        if (header.attributes.is_transactional() && skipped.contains(header.producer_id)) continue;
        for (const auto& record : records_in(batch->bytes)) {
          if (record.offset >= from) rows.push_back(std::to_string(record.offset.value()) + "\t" + record.value);
        }
      }
    }
    return rows;
  }
  std::string producer_row(const ProducerEntry& entry) {
    std::ostringstream row;
    row << entry.id.value() << '\t' << entry.epoch.value() << '\t' << entry.last_sequence().value() << '\t'
        << entry.last_timestamp.value() << '\t' << entry.coordinator_epoch << '\t'
        << entry.transaction_first_offset.value_or(Offset::none()).value();
    return row.str();
  }
  void expect_as(const std::string& name) {
    std::ifstream lines(golden(name) + "/expected.tsv");
    std::vector<std::string> shown;
    std::vector<std::string> producers;
    std::size_t fetches = 0;
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string kind;
      std::int64_t first = 0;
      std::int64_t second = 0;
      words >> kind;
      if (kind == "offsets") {
        words >> first >> second;
        EXPECT_EQ(log->log_end_offset(), Offset(first));
        EXPECT_EQ(stable(), Offset(second));
      } else if (kind == "fetch") {
        words >> first >> second;
        words.get();
        std::string rest;
        std::getline(words, rest);
        ASSERT_EQ(fetched(Offset(first), static_cast<std::uint64_t>(second)), rest) << line;
        ++fetches;
      } else if (kind == "producer") {
        producers.push_back(line.substr(kind.size() + 1));
      } else if (kind == "visible") {
        shown.push_back(line.substr(kind.size() + 1));
      }
    }
    EXPECT_GT(fetches, 800U);
    EXPECT_GT(shown.size(), 50U);
    EXPECT_EQ(visible(), shown);
    std::vector<std::string> known;
    for (const auto& entry : log->producers()) known.push_back(producer_row(entry));
    EXPECT_EQ(known, producers);
  }
  // Byte for byte what Kafka made of the same log.
  void expect_files_of(const std::string& name, const std::vector<std::string_view>& suffixes) {
    const auto theirs = golden(name) + "/transactions-0";
    const auto ours = world.partition_path("transactions");
    for (auto suffix : suffixes) {
      std::size_t compared = 0;
      for (const auto& file : names_in(theirs)) {
        if (!file.ends_with(suffix)) continue;
        ++compared;
        EXPECT_EQ(file_bytes(ours + "/" + file), file_bytes(theirs + "/" + file)) << file;
      }
      EXPECT_GT(compared, 3U) << suffix;
    }
  }

  LogWorld world{with_segments_of(6000)};
  std::shared_ptr<PartitionLog> log;
};

TEST_F(KafkaTransactions, OfACleanStopAreAnsweredAsKafkaDoes) {
  take("clean");
  start();
  EXPECT_EQ(log->recovery().segments_scanned, 0U);
  expect_as("clean");
}

TEST_F(KafkaTransactions, OfAKilledBrokerAreAnsweredAsKafkaDoesAndItsIndexesAreTheSame) {
  take("killed");
  start();
  EXPECT_EQ(log->recovery().segments_scanned, 3U);
  expect_as("killed");
  log.reset();
  ASSERT_TRUE(world.stop());
  expect_files_of("recovered", {".txnindex", ".index", ".timeindex", ".snapshot", ".log"});
}

TEST_F(KafkaTransactions, AreIndexedAsKafkaDoesWhereverTheRecoveryStarts) {
  const auto theirs = golden("killed") + "/transactions-0";
  for (const auto& name : names_in(theirs)) {
    auto base = parse_segment_file_name(name, log_suffix);
    if (!base) continue;
    std::filesystem::remove_all(world.data_path());
    take("killed");
    for (const auto& file : names_in(world.partition_path("transactions"))) {
      auto offset = parse_segment_file_name(file, transaction_index_suffix);
      if (offset && *offset >= *base) std::filesystem::remove(world.partition_path("transactions") + "/" + file);
    }
    ASSERT_TRUE(write_offset_checkpoint(posix_file_system(), world.data_path() + "/recovery-point-offset-checkpoint",
                                        {{{"transactions", PartitionIndex(0)}, *base + 1}}));
    start();
    log.reset();
    ASSERT_TRUE(world.stop());
    expect_files_of("recovered", {".txnindex", ".snapshot"});
  }
}

TEST_F(KafkaTransactions, AreIndexedAnewWithoutAnySnapshot) {
  take("killed");
  for (const auto& file : names_in(world.partition_path("transactions"))) {
    if (file.ends_with(".snapshot")) std::filesystem::remove(world.partition_path("transactions") + "/" + file);
  }
  start();
  expect_as("killed");
  log.reset();
  ASSERT_TRUE(world.stop());
  expect_files_of("recovered", {".txnindex"});
}

TEST_F(KafkaTransactions, OfACleanStopWithADamagedIndexAreIndexedAnew) {
  take("clean");
  const auto path = world.partition_path("transactions") + "/00000000000000000115.txnindex";
  const auto good = file_bytes(path);
  for (std::size_t bytes : {good.size() - 1, std::size_t{1}}) {
    write_file(path, BytesView(good).first(bytes));
    start();
    EXPECT_EQ(log->recovery().segments_scanned, 1U);
    expect_as("clean");
    EXPECT_EQ(file_bytes(path), good);
    log.reset();
    ASSERT_TRUE(world.stop());
  }
}

}  // namespace
}  // namespace millrace::log::test

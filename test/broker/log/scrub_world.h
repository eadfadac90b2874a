// A log with something of everything, in several segments: every codec, transactions that commit and abort, leader epochs; and
// what a scrub of its closed segments finds.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "broker/log/damage.h"
#include "broker/log/segment_scrub.h"
#include "test/broker/log/log_world.h"

namespace millrace::log::test {

inline LogConfig small_segments() {
  LogConfig config;
  config.segment_bytes = 500;
  config.index_interval_bytes = 150;
  config.segment_index_bytes = 4096;
  return config;
}

// The cleaner's passes over the log, until nothing is dirty.
inline void compact(LogWorld& world) {
  world.manager->start(world.shard, world.shard.pool());
  world.shard.run();
  bool stopped = false;
  world.manager->stop_cleaner([&] { stopped = true; });
  world.shard.run();
  EXPECT_TRUE(stopped);
}

class ScrubWorld {
 public:
  static constexpr LeaderEpoch last_epoch{5};

  explicit ScrubWorld(LogConfig config = small_segments()) : world(config) {}

  void write_everything() {
    constexpr std::array codecs{protocol::Codec::none, protocol::Codec::gzip, protocol::Codec::snappy,
                                protocol::Codec::lz4, protocol::Codec::zstd};
    for (std::int32_t epoch : {0, 2, last_epoch.value()}) {
      world.leader_epoch = LeaderEpoch(epoch);
      ASSERT_TRUE(world.log()->start_leader_epoch(world.leader_epoch));
      for (auto codec : codecs)
        ASSERT_TRUE(world.append({.values = {text(), std::string(60, 'v')}, .codec = codec, .timestamp = time()}));
      write_transaction(ProducerId(4000 + epoch), true);
      write_interleaved(ProducerId(5000 + epoch), ProducerId(6000 + epoch));
    }
    world.log()->publish_high_watermark(world.log()->log_end_offset());
  }
  void write_transaction(ProducerId producer, bool commit) {
    transactional(producer);
    ASSERT_TRUE(world.append(marker_batch(producer, ProducerEpoch(0), commit, 1), AppendOrigin::coordinator));
  }
  // Both aborted; the second one begins before the first one ends.
  void write_interleaved(ProducerId first, ProducerId second) {
    transactional(first);
    transactional(second);
    ASSERT_TRUE(world.append(marker_batch(first, ProducerEpoch(0), false, 1), AppendOrigin::coordinator));
    ASSERT_TRUE(world.append(marker_batch(second, ProducerEpoch(0), false, 1), AppendOrigin::coordinator));
  }

  // What a scrub finds now, and has told the log.
  std::vector<ScrubFinding> scrub(const std::string& topic = "events") { return scrub_all(*world.log(topic)); }
  static std::vector<ScrubFinding> scrub_all(PartitionLog& log) {
    std::vector<ScrubFinding> found;
    for (Offset from = log.log_start_offset();;) {
      auto segment = log.segment_to_scrub(from);
      if (!segment) return found;
      from = segment->end;
      SegmentScrub scrub(std::move(*segment));
      auto more = Result<bool>(true);
      while (more && *more) more = scrub.step(1);
      EXPECT_TRUE(more.has_value()) << more.error().message;
      EXPECT_TRUE(log.scrubbed(scrub.segment(), scrub.findings()));
      for (const auto& finding : scrub.findings()) found.push_back(finding);
    }
  }
  // Stops, flips bits of a byte of a file of the partition, and starts again.
  void flip(const std::string& name, std::size_t at, std::uint8_t bits = 1) {
    ASSERT_TRUE(world.stop());
    const auto path = world.partition_path() + "/" + name;
    auto bytes = file_bytes(path);
    ASSERT_LT(at, bytes.size());
    bytes[at] ^= bits;
    write_file(path, bytes);
    ASSERT_TRUE(world.start());
    ASSERT_TRUE(world.manager->unusable().empty()) << world.manager->unusable().front().second;
  }
  // Of the batches of a segment, where each begins.
  std::vector<std::size_t> positions(const std::string& name) {
    std::vector<std::size_t> found;
    const auto bytes = file_bytes(world.partition_path() + "/" + name);
    for (std::size_t at = 0; at < bytes.size();
         at += protocol::parse_batch_prefix(BytesView(bytes).subspan(at))->size_bytes())
      found.push_back(at);
    return found;
  }
  [[nodiscard]] const DamageReports& reports() const { return world.manager->damage(); }

  LogWorld world;

 private:
  std::string text() { return "value " + std::to_string(++written_); }
  TimestampMs time() const { return TimestampMs(1'700'000'000'000 + written_ * 100); }
  void transactional(ProducerId producer) {
    ASSERT_TRUE(world.append({.values = {text()},
                              .timestamp = time(),
                              .producer_id = producer,
                              .producer_epoch = ProducerEpoch(0),
                              .base_sequence = Sequence(0),
                              .transactional = true}));
  }

  std::int64_t written_ = 0;
};

}  // namespace millrace::log::test

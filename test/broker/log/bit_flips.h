// Log directories as trees of bytes, started with a flipped bit: what is said, and what the logs then answer.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "broker/log/log_directory.h"
#include "broker/protocol/legacy_message.h"
#include "test/broker/log/memory_file_system.h"
#include "test/broker/log/scrub_world.h"

namespace millrace::log::test {

using Tree = std::map<std::string, Bytes>;  // by the path in the log directory

// Standard error, where log lines go, while this lives.
class LogLines {
 public:
  LogLines() : file_(std::tmpfile()), saved_(::dup(STDERR_FILENO)) { ::dup2(::fileno(file_), STDERR_FILENO); }
  ~LogLines() {
    ::dup2(saved_, STDERR_FILENO);
    ::close(saved_);
    std::fclose(file_);
  }
  LogLines(const LogLines&) = delete;
  LogLines& operator=(const LogLines&) = delete;

  // The warnings and errors since this was asked last.
  std::string take_complaints() {
    std::string text;
    std::array<char, 65536> buffer;
    for (ssize_t got = 0; (got = ::pread(::fileno(file_), buffer.data(), buffer.size(), position_)) > 0;
         position_ += got)
      text.append(buffer.data(), static_cast<std::size_t>(got));
    std::string complaints;
    for (std::size_t at = 0; at < text.size();) {
      const auto end = std::min(text.find('\n', at), text.size());
      const auto line = text.substr(at, end - at);
      if (line.find("] warning ") != std::string::npos || line.find("] error ") != std::string::npos)
        complaints += line + "\n";
      at = end + 1;
    }
    return complaints;
  }

 private:
  std::FILE* file_;
  const int saved_;
  off_t position_ = 0;
};

inline Tree read_tree(const std::string& directory) {
  Tree tree;
  const auto entries = posix_file_system().list(directory).value();
  for (const auto& entry : entries) {
    if (entry.is_directory) {
      for (const auto& name : names_in(directory + "/" + entry.name))
        tree[entry.name + "/" + name] = file_bytes(directory + "/" + entry.name + "/" + name);
    } else if (entry.name != ".lock") {
      tree[entry.name] = file_bytes(directory + "/" + entry.name);
    }
  }
  return tree;
}

inline void write_tree(const Tree& tree, const std::string& directory, MemoryFileSystem& files) {
  (void)files.create_directories(directory);
  for (const auto& [path, bytes] : tree) {
    const auto file = directory + "/" + path;
    (void)files.create_directories(file.substr(0, file.rfind('/')));
    files.files[file] = std::make_shared<Bytes>(bytes);
  }
}

// Messages of magic 0 and 1, plain and compressed, in three segments.
inline void write_old_segments(const std::string& directory) {
  std::int64_t offset = 0;
  for (int segment = 0; segment < 3; ++segment) {
    Bytes bytes;
    const auto base = offset;
    for (int number = 0; number < 6; ++number) {
      const auto magic = static_cast<std::int8_t>(number % 2);
      const auto value = "value " + std::to_string(offset);
      const auto time = magic == 0 ? TimestampMs::none() : TimestampMs(1'700'000'000'000 + offset);
      protocol::append_legacy_message(
          bytes, {Offset(offset++), magic, {}, time, as_bytes("key " + std::to_string(number)), as_bytes(value)});
    }
    Bytes inside;
    for (int number = 0; number < 3; ++number)
      protocol::append_legacy_message(
          inside,
          {Offset(number), 1, {}, TimestampMs(1'700'000'000'000 + offset), as_bytes("key"), as_bytes("inside")});
    protocol::BatchAttributes attributes;
    attributes.set_codec(protocol::Codec::gzip);
    const auto packed = protocol::compress(protocol::Codec::gzip, inside).value();
    offset += 3;
    protocol::append_legacy_message(bytes, {Offset(offset - 1), 1, attributes, TimestampMs(1'700'000'000'000 + offset),
                                            std::nullopt, BytesView(packed)});
    write_file(directory + "/" + segment_file_name(Offset(base), log_suffix), bytes);
  }
}

// The tree that a clean stop leaves: with batches of magic 2, or with what brokers before Kafka 0.11 wrote.
inline Tree tree_to_damage(bool old_formats) {
  ScrubWorld scrubbed;
  auto& world = scrubbed.world;
  if (old_formats) {
    EXPECT_TRUE(posix_file_system().create_directories(world.partition_path()));
    write_old_segments(world.partition_path());
    EXPECT_TRUE(world.start());
    world.log()->publish_high_watermark(world.log()->log_end_offset());
  } else {
    EXPECT_TRUE(world.start());
    scrubbed.write_everything();
    EXPECT_TRUE(world.log()->advance_log_start_offset(Offset(1)));
  }
  world.log()->flush([](const Status&) {});
  world.shard.run();
  EXPECT_TRUE(world.stop());
  return read_tree(world.data_path());
}

// ---- what a log answers

struct Answers {
  std::vector<std::string> rows;
  bool has_bad_checksum = false;  // a reader sees it
  std::set<std::string>
      good_records;  // of batches and messages whose checksums are right: as bytes behind the leader epoch

  friend bool operator==(const Answers& left, const Answers& right) { return left.rows == right.rows; }
};

// A flip may have moved the log's end beyond all bounds.
inline Offset end_to_ask(const PartitionLog& log) {
  constexpr std::int64_t most_offsets = 200;
  return std::min(log.log_end_offset(), log.log_start_offset() + most_offsets);
}

// At every offset, so that one batch that leads astray hides no other.
inline void answer_batches(LogWorld& world, Answers& answers) {
  const auto log = world.log();
  const auto end = end_to_ask(*log);
  for (Offset offset = log->log_start_offset(); offset < end; offset = offset + 1) {
    auto data = world.read(offset, 1);
    const auto row = "at " + std::to_string(offset.value());
    if (!data || data->records.length_bytes == 0) {
      answers.rows.push_back(row + " nothing");
      continue;
    }
    const auto bytes = world.bytes_of(*data);
    const std::string text(bytes.begin(), bytes.end());
    if (check_any_batch(bytes)) {
      answers.good_records.insert(text.substr(std::min<std::size_t>(text.size(), protocol::batch_magic_position)));
    } else {
      answers.has_bad_checksum = true;
    }
    answers.rows.push_back(row + " " + std::to_string(std::hash<std::string>()(text)));
  }
}

inline Answers answers_to(LogWorld& world) {
  Answers answers;
  const auto log = world.log();
  answers.rows.push_back("from " + std::to_string(log->log_start_offset().value()) + " to " +
                         std::to_string(log->log_end_offset().value()) + " high watermark " +
                         std::to_string(log->checkpointed_high_watermark().value()));
  answer_batches(world, answers);
  for (std::int64_t later : {0, 300, 700, 1'500, 2'500}) {
    const auto found = world.find_offset(TimestampMs(1'700'000'000'000 + later));
    answers.rows.push_back("time " + std::to_string(later) + ": " + std::to_string(found ? found->offset.value() : -9));
  }
  const auto latest = world.find_offset(OffsetSpec::max_timestamp);
  answers.rows.push_back("latest: " + std::to_string(latest ? latest->offset.value() : -9));
  for (std::int32_t epoch = 0; epoch < 7; ++epoch) {
    const auto of_epoch = log->end_offset_for_epoch(LeaderEpoch(epoch));
    answers.rows.push_back("epoch " + std::to_string(epoch) + ": " + std::to_string(of_epoch.leader_epoch.value()) +
                           " to " + std::to_string(of_epoch.end_offset.value()));
  }
  for (const auto& producer : log->producers()) {
    answers.rows.push_back(
        "producer " + std::to_string(producer.id.value()) + " " + std::to_string(producer.epoch.value()) + " " +
        std::to_string(producer.last_sequence().value()) + " " + std::to_string(producer.last_offset().value()));
  }
  const auto end = end_to_ask(*log);
  for (Offset offset = log->log_start_offset(); offset < end; offset = offset + 5) {
    std::optional<ReadOutcome> outcome;
    log->read({offset, log->log_end_offset(), 1, true, true}, [&](ReadOutcome got) { outcome = std::move(got); });
    world.shard.run();
    std::string row = "aborted from " + std::to_string(offset.value()) + ":";
    if (!outcome || !*outcome) {
      answers.rows.push_back(row + " nothing");
      continue;
    }
    for (const auto& one : (**outcome).aborted)
      row += " " + std::to_string(one.producer.value()) + "@" + std::to_string(one.first_offset.value());
    answers.rows.push_back(row);
  }
  return answers;
}

// ---- which byte is what

// "file: bytes", as docs/log-format.md has them.
inline std::string field_of(const Tree& tree, const std::string& path, std::size_t at) {
  const auto name = path.substr(path.rfind('/') + 1);
  const auto in = [&](std::size_t within, std::initializer_list<std::pair<std::size_t, const char*>> fields) {
    std::string found;
    for (const auto& [begin, field] : fields) {
      if (within >= begin) found = field;
    }
    return found;
  };
  const auto dot = name.rfind('.');
  const auto suffix = dot == std::string::npos ? "" : name.substr(dot);
  bool closed = false;
  for (const auto& [other, bytes] : tree)
    closed = closed || (other.ends_with(".log") && suffix != ".snapshot" &&
                        other.substr(other.rfind('/') + 1) > name.substr(0, 20) + ".log");
  const auto of_segment = "`" + suffix + "`" + (closed ? "" : " of the active segment") + " | ";
  if (suffix == ".log") {
    const auto& bytes = tree.at(path);
    std::size_t begin = 0;
    auto prefix = protocol::parse_batch_prefix(bytes).value();
    while (begin + prefix.size_bytes() <= at) {
      begin += prefix.size_bytes();
      prefix = protocol::parse_batch_prefix(BytesView(bytes).subspan(begin)).value();
    }
    if (prefix.magic < 2)
      return of_segment +
             in(at - begin, {{0, "offset, magic 0 and 1"}, {8, "length"}, {12, "CRC, and what it covers"}});
    return of_segment + in(at - begin, {{0, "base offset"},
                                        {8, "length"},
                                        {12, "leader epoch"},
                                        {16, "magic"},
                                        {17, "CRC, and what it covers"}});
  }
  if (suffix == ".index") return of_segment + in(at % 8, {{0, "offset"}, {4, "position"}});
  if (suffix == ".timeindex") return of_segment + in(at % 12, {{0, "timestamp"}, {8, "offset"}});
  if (suffix == ".txnindex")
    return of_segment + in(at % 34, {{0, "version"},
                                     {2, "producer id"},
                                     {10, "first offset"},
                                     {18, "last offset"},
                                     {26, "last stable offset"}});
  if (suffix == ".snapshot") return "`.snapshot` | all";
  return "`" + name + "` | all";
}

}  // namespace millrace::log::test

// docs/log-format.md shows the files of one small log byte by byte. They are what the code writes, or this fails and says what is.
//
// In the document a section "#### `greetings-0/NAME`" is followed by a table whose rows begin "| POSITION | `HEX BYTES` |"; for a text
// file a block of lines instead, and the title says when the last one has no line break.
#include <gtest/gtest.h>

#include <algorithm>
#include <iomanip>
#include <map>
#include <sstream>

#include "broker/log/checkpoint_file.h"
#include "broker/log/journal_format.h"
#include "broker/protocol/compression.h"
#include "broker/protocol/legacy_message.h"
#include "broker/protocol/record_batch_builder.h"
#include "test/broker/base/temporary_directory.h"
#include "test/broker/log/log_world.h"
#include "test/broker/protocol/golden_file.h"
#include "test/support/source_tree.h"

namespace millrace::log::test {
namespace {

constexpr std::string_view example_topic = "greetings";

std::string hex(BytesView bytes) {
  std::ostringstream text;
  for (auto byte : bytes) text << std::hex << std::setw(2) << std::setfill('0') << int{byte} << ' ';
  return text.str();
}

// What the journal has of the first append of the example, as its writer encodes it.
void add_journal(const Bytes& segment, std::map<std::string, Bytes>& files) {
  const Uuid journal{{9, 8, 7}};
  auto header =
      encode_journal_header({journal, {"1gdzRcRMRMyxOSdkj0JfkA", BrokerId(7), "/var/lib/millrace/log"}, 64U << 20, 1});
  ASSERT_TRUE(header);
  const auto zeros = std::find_if(header->rbegin(), header->rend(), [](auto byte) { return byte != 0; });
  header->erase(zeros.base(), header->end());
  files.emplace("log.journal/00.journal", std::move(*header));
  const auto batch = protocol::parse_batch(segment).value().bytes;
  const JournalRecord record{JournalRecordKind::batches,
                             {std::string(example_topic), PartitionIndex(0)},
                             TopicId{{1, 2, 3, 4}},
                             Offset(0),
                             Offset(0),
                             Offset(2),
                             LeaderEpoch(3),
                             batch};
  Bytes group(journal_group_header_bytes + journal_record_bytes(example_topic.size(), batch.size()));
  encode_journal_record(MutableBytes(group).subspan(journal_group_header_bytes), record, 1);
  encode_journal_group(group, {journal, 1, 1, 1, group.size()});
  files.emplace("log.journal/00.journal, from byte 4096 on", std::move(group));
}

// What the document's example says: an idempotent producer's batch, a transaction that is aborted, a clean stop.
std::map<std::string, Bytes> example_files() {
  LogConfig config;
  config.index_interval_bytes = 100;
  LogWorld world(config);
  EXPECT_TRUE(world.start());
  world.leader_epoch = LeaderEpoch(3);
  auto append = [&](Bytes batch, AppendOrigin origin) {
    auto appended = world.append(std::move(batch), origin, std::string(example_topic));
    EXPECT_TRUE(appended) << appended.error().message;
  };
  append(make_batch({.values = {"hello", "world"},
                     .producer_id = ProducerId(4000),
                     .producer_epoch = ProducerEpoch(0),
                     .base_sequence = Sequence(0)}),
         AppendOrigin::client);
  append(make_batch({.values = {"lost"},
                     .timestamp = TimestampMs(1'700'000'000'005),
                     .producer_id = ProducerId(4001),
                     .producer_epoch = ProducerEpoch(0),
                     .base_sequence = Sequence(0),
                     .transactional = true}),
         AppendOrigin::client);
  append(marker_batch(ProducerId(4001), ProducerEpoch(0), false, 1), AppendOrigin::coordinator);
  EXPECT_TRUE(world.stop());
  std::map<std::string, Bytes> files;
  const auto partition = world.partition_path(std::string(example_topic));
  for (const auto& name : names_in(partition)) files.emplace("greetings-0/" + name, file_bytes(partition + "/" + name));
  for (const auto& name : names_in(world.data_path())) {
    if (!name.starts_with("greetings") && name != ".lock")
      files.emplace(name, file_bytes(world.data_path() + "/" + name));
  }
  add_journal(files.at("greetings-0/00000000000000000000.log"), files);
  return files;
}

Bytes old_message(std::int8_t magic, Offset offset, std::string_view key, std::string_view value) {
  Bytes bytes;
  protocol::append_legacy_message(bytes,
                                  {offset, magic, {}, TimestampMs(1'700'000'000'000), as_bytes(key), as_bytes(value)});
  return bytes;
}

// Two messages inside one; the codec is snappy.
Bytes wrapping_message() {
  auto inside = old_message(1, Offset(0), "key", "hello");
  const auto second = old_message(1, Offset(1), "key", "world");
  inside.insert(inside.end(), second.begin(), second.end());
  const auto packed = protocol::compress(protocol::Codec::snappy, inside, std::nullopt).value();
  protocol::BatchAttributes attributes;
  attributes.set_codec(protocol::Codec::snappy);
  Bytes bytes;
  protocol::append_legacy_message(
      bytes, {Offset(8), 1, attributes, TimestampMs(1'700'000'000'000), std::nullopt, BytesView(packed)});
  return bytes;
}

Bytes batch_with_headers() {
  protocol::RecordBatchBuilder builder({});
  const std::vector<protocol::RecordHeader> headers{{"a", as_bytes("1")}, {"b", std::nullopt}};
  builder.append(TimestampMs(1'700'000'000'000), as_bytes("key"), std::nullopt, headers);
  return builder.build().value();
}

// What no producer sends: the last batch of a producer, all of whose records compaction has removed.
Bytes emptied_batch() {
  for (const auto& line : protocol::test::golden_lines("batches.txt")) {
    constexpr std::string_view name = "batch emptied-by-compaction ";
    if (line.starts_with(name)) return protocol::test::from_hex(line.substr(name.size()));
  }
  return {};
}

Bytes cleaner_checkpoint() {
  TemporaryDirectory directory;
  const auto path = directory.path() + "/" + std::string(cleaner_checkpoint_name);
  const PartitionOffsets offsets{{{std::string(example_topic), PartitionIndex(0)}, Offset(4)}};
  EXPECT_TRUE(write_offset_checkpoint(posix_file_system(), path, offsets));
  return file_bytes(path);
}

std::map<std::string, Bytes> example_parts() {
  return {{"a message of magic 0", old_message(0, Offset(5), "key", "hello")},
          {"a message of magic 1", old_message(1, Offset(6), "key", "hello")},
          {"a compressed message of magic 1", wrapping_message()},
          {"a batch with headers", batch_with_headers()},
          {"a batch that compaction has emptied", emptied_batch()},
          {std::string(cleaner_checkpoint_name), cleaner_checkpoint()}};
}

struct Document {
  std::map<std::string, Bytes> files;
  std::string fault;
};

Document read_document() {
  Document document;
  std::istringstream lines(posix_file_system().read_text(source_path("docs/log-format.md"), 1'000'000).value());
  Bytes* file = nullptr;
  bool in_block = false;
  bool last_line_is_open = false;
  for (std::string line; std::getline(lines, line);) {
    if (!in_block && line.starts_with("#")) {
      const auto first = line.find('`');
      const bool is_file = line.starts_with("#### `");
      last_line_is_open = line.ends_with("(no line break at the end)");
      file = is_file ? &document.files[line.substr(first + 1, line.rfind('`') - first - 1)] : nullptr;
    } else if (file != nullptr && line.starts_with("```")) {
      in_block = !in_block;
      if (!in_block && last_line_is_open) file->pop_back();
    } else if (file != nullptr && in_block) {
      file->insert(file->end(), line.begin(), line.end());
      file->push_back('\n');
    } else if (file != nullptr && line.starts_with("| ") && line.find("| `") != std::string::npos) {
      std::istringstream cells(line.substr(2));
      std::size_t position = 0;
      if (!(cells >> position) || position != file->size()) {
        document.fault += "the row is not at byte " + std::to_string(file->size()) + ": " + line + "\n";
      }
      const auto begin = line.find('`') + 1;
      std::istringstream bytes(line.substr(begin, line.find('`', begin) - begin));
      for (std::string byte; bytes >> byte;) file->push_back(static_cast<std::uint8_t>(std::stoul(byte, nullptr, 16)));
    }
  }
  return document;
}

TEST(LogFormatDocument, ShowsTheBytesThatAreWritten) {
  const auto document = read_document();
  EXPECT_EQ(document.fault, "");
  auto examples = example_files();
  examples.merge(example_parts());
  for (const auto& [name, bytes] : examples) {
    const auto at = document.files.find(name);
    if (at == document.files.end()) {
      ADD_FAILURE() << name << " is not in docs/log-format.md: " << hex(bytes) << "\n" << as_text(bytes);
    } else {
      EXPECT_EQ(hex(at->second), hex(bytes)) << name << "\n" << as_text(bytes);
    }
  }
}

}  // namespace
}  // namespace millrace::log::test

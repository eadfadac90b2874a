// docs/log-format.md shows the files of one small log byte by byte. They are what the code writes, or this fails and says what is.
//
// In the document a section "#### `greetings-0/NAME`" is followed by a table whose rows begin "| POSITION | `HEX BYTES` |"; for a text
// file a block of lines instead, and the title says when the last one has no line break.
#include <gtest/gtest.h>

#include <iomanip>
#include <map>
#include <sstream>

#include "test/broker/log/log_world.h"

namespace millrace::log::test {
namespace {

constexpr std::string_view example_topic = "greetings";

std::string hex(BytesView bytes) {
  std::ostringstream text;
  for (auto byte : bytes) text << std::hex << std::setw(2) << std::setfill('0') << int{byte} << ' ';
  return text.str();
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
  return files;
}

struct Document {
  std::map<std::string, Bytes> files;
  std::string fault;
};

Document read_document() {
  Document document;
  std::istringstream lines(
      posix_file_system().read_text(std::string(MILLRACE_SOURCE_DIR) + "/docs/log-format.md", 1'000'000).value());
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
  for (const auto& [name, bytes] : example_files()) {
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

#include "broker/log/journal_format.h"

#include <gtest/gtest.h>

#include "test/broker/log/log_world.h"

namespace millrace::log::test {
namespace {

const Uuid journal{{9, 8, 7}};

JournalRecord record_of(const std::string& topic, BytesView batches) {
  return {JournalRecordKind::batches,
          {topic, PartitionIndex(3)},
          TopicId{{1, 2}},
          Offset(30),
          Offset(40),
          Offset(42),
          LeaderEpoch(5),
          batches};
}

// A group of two records, whole blocks.
Bytes group_of(const std::vector<JournalRecord>& records, JournalSequence sequence, JournalSequence needed_from) {
  std::uint64_t size = journal_group_header_bytes;
  for (const auto& record : records) size += journal_record_bytes(record.partition.topic.size(), record.batches.size());
  Bytes bytes(journal_blocks(size));
  auto rest = MutableBytes(bytes).subspan(journal_group_header_bytes);
  for (const auto& record : records) {
    encode_journal_record(rest, record, sequence);
    rest = rest.subspan(journal_record_bytes(record.partition.topic.size(), record.batches.size()));
  }
  encode_journal_group(bytes, {journal, sequence, needed_from, static_cast<std::int32_t>(records.size()), size});
  return bytes;
}

// What a replay would take from these bytes.
std::optional<std::vector<JournalRecord>> read_group(BytesView bytes) {
  const auto group = parse_journal_group(bytes, journal);
  if (!group || group->bytes > bytes.size()) return std::nullopt;
  return parse_journal_records(*group, bytes.first(group->bytes));
}

struct JournalGroups : testing::Test {
  Bytes first = make_batch({.values = {"a", "b"}, .base_offset = Offset(40), .leader_epoch = LeaderEpoch(5)});
  Bytes second = make_batch({.values = {"c"}, .base_offset = Offset(7)});
  Bytes bytes = group_of({record_of("events", first), record_of("orders", second)}, 12, 10);
  std::uint64_t size = parse_journal_group(bytes, journal)->bytes;
};

TEST_F(JournalGroups, AreReadAsTheyWereWritten) {
  const auto group = parse_journal_group(bytes, journal);
  ASSERT_TRUE(group);
  EXPECT_EQ(group->sequence, 12);
  EXPECT_EQ(group->needed_from, 10);
  EXPECT_EQ(bytes.size() % journal_block_bytes, 0U);
  const auto records = read_group(bytes);
  ASSERT_TRUE(records);
  ASSERT_EQ(records->size(), 2U);
  const auto& record = records->front();
  EXPECT_EQ(record.kind, JournalRecordKind::batches);
  EXPECT_EQ(record.partition, (TopicPartition{"events", PartitionIndex(3)}));
  EXPECT_EQ(record.topic_id, (TopicId{{1, 2}}));
  EXPECT_EQ(record.since, Offset(30));
  EXPECT_EQ(record.from, Offset(40));
  EXPECT_EQ(record.end, Offset(42));
  EXPECT_EQ(record.leader_epoch, LeaderEpoch(5));
  EXPECT_EQ(Bytes(record.batches.begin(), record.batches.end()), first);
  EXPECT_EQ(records->back().partition.topic, "orders");
  EXPECT_EQ(Bytes(records->back().batches.begin(), records->back().batches.end()), second);
}

TEST_F(JournalGroups, AreNotTakenWithAnyBitOfThemFlipped) {
  for (std::uint64_t at = 0; at < size; ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      auto flipped = bytes;
      flipped[at] = static_cast<std::uint8_t>(flipped[at] ^ (1 << bit));
      ASSERT_FALSE(read_group(flipped)) << "byte " << at << ", bit " << bit;
    }
  }
}

TEST_F(JournalGroups, AreNotTakenWhenTheirEndIsMissingOrIsWhatWasThereBefore) {
  for (std::uint64_t kept = 0; kept < size; ++kept) {
    ASSERT_FALSE(read_group(BytesView(bytes).first(kept))) << kept;
    auto torn = bytes;
    std::fill(torn.begin() + static_cast<std::ptrdiff_t>(kept), torn.end(), std::uint8_t{0xa5});
    ASSERT_FALSE(read_group(torn)) << kept;
  }
}

TEST_F(JournalGroups, OfAnotherJournalAreNone) { EXPECT_FALSE(parse_journal_group(bytes, Uuid{{1}})); }

TEST_F(JournalGroups, AreNotTakenWithARecordOfAnotherGroup) {
  const auto older = group_of({record_of("events", first), record_of("orders", second)}, 11, 10);
  auto mixed = bytes;
  std::copy(older.begin() + journal_group_header_bytes, older.end(), mixed.begin() + journal_group_header_bytes);
  EXPECT_FALSE(read_group(mixed));
}

TEST(JournalHeaders, AreReadAsTheyWereWrittenAndNotWithABitFlipped) {
  const JournalHeader header{journal, {"1gdzRcRMRMyxOSdkj0JfkA", BrokerId(7), "/data/log"}, 1 << 20, 77};
  const auto block = encode_journal_header(header).value();
  ASSERT_EQ(block.size(), journal_block_bytes);
  const auto read = parse_journal_header(block).value();
  EXPECT_EQ(read.journal, header.journal);
  EXPECT_EQ(read.owner, header.owner);
  EXPECT_EQ(read.file_bytes, header.file_bytes);
  EXPECT_EQ(read.needed_from, 77);
  for (std::size_t at = 0; at < block.size(); ++at) {
    auto flipped = block;
    flipped[at] ^= 0x10;
    ASSERT_EQ(parse_journal_header(flipped).error().kind, ErrorKind::corrupt) << at;
  }
}

TEST(JournalHeaders, OfALogDirectoryWithTooLongANameAreRefused) {
  const JournalHeader header{journal, {"cluster", BrokerId(7), std::string(5000, 'x')}, 1 << 20, 1};
  EXPECT_EQ(encode_journal_header(header).error().kind, ErrorKind::invalid_argument);
}

std::vector<JournalSequence> sequences(const JournalJudgement& judgement) {
  std::vector<JournalSequence> found;
  for (const auto& group : judgement.needed) found.push_back(group.sequence);
  return found;
}

TEST(JournalJudgements, TakeTheGroupsThatAreNeededInTheirOrder) {
  const auto judgement = judge_journal({{8, 5, 0, 0}, {9, 5, 0, 0}, {6, 5, 1, 0}, {7, 5, 1, 0}, {5, 1, 1, 0}}, 1);
  EXPECT_EQ(sequences(judgement), (std::vector<JournalSequence>{5, 6, 7, 8, 9}));
  EXPECT_EQ(judgement.next_sequence, 10);
  EXPECT_EQ(judgement.damage, "");
}

TEST(JournalJudgements, PassOverWhatIsLeftFromBefore) {
  // 3 and 4 stand where the file has not come to yet; 2 was overwritten.
  const auto judgement = judge_journal({{6, 5, 0, 0}, {5, 5, 0, 0}, {3, 1, 0, 0}, {4, 1, 0, 0}, {1, 1, 1, 0}}, 5);
  EXPECT_EQ(sequences(judgement), (std::vector<JournalSequence>{5, 6}));
  EXPECT_EQ(judgement.damage, "");
}

TEST(JournalJudgements, NeedNothingOfAJournalThatWasEmptied) {
  const auto judgement = judge_journal({{6, 1, 0, 0}, {7, 1, 0, 0}}, 8);
  EXPECT_TRUE(judgement.needed.empty());
  EXPECT_EQ(judgement.next_sequence, 8);
  EXPECT_EQ(judge_journal({}, 1).next_sequence, 1);
}

TEST(JournalJudgements, NameAGroupThatIsMissingBeforeAWholeOne) {
  EXPECT_EQ(judge_journal({{5, 5, 0, 0}, {7, 5, 0, 0}}, 5).damage,
            "group 6 is missing or damaged, and group 7 behind it is whole");
  EXPECT_EQ(judge_journal({{6, 1, 0, 0}}, 5).damage, "group 5 is missing or damaged, and group 6 behind it is whole");
}

}  // namespace
}  // namespace millrace::log::test

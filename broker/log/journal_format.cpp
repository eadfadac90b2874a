#include "broker/log/journal_format.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "broker/base/crc32c.h"

namespace millrace::log {
namespace {

constexpr std::string_view header_magic = "MRJF";
constexpr std::string_view group_magic = "MRJG";
constexpr std::string_view record_magic = "MRJR";
constexpr std::size_t crc_position = 4;
constexpr std::size_t covered_from = 8;

class Writer {
 public:
  explicit Writer(MutableBytes into) : into_(into) {}

  template <class Number>
  void number(Number value) {
    store_big_endian(into_.data() + at_, value);
    at_ += sizeof value;
  }
  void bytes(BytesView from) {
    if (!from.empty()) std::memcpy(into_.data() + at_, from.data(), from.size());
    at_ += from.size();
  }
  void string(std::string_view text) {
    number(static_cast<std::int16_t>(text.size()));
    bytes(as_bytes(text));
  }

 private:
  MutableBytes into_;
  std::size_t at_ = 0;
};

// Reads behind the end give zeros, and ok() is false from then on.
class Reader {
 public:
  explicit Reader(BytesView from) : from_(from) {}

  template <class Number>
  Number number() {
    const auto raw = bytes(sizeof(Number));
    return raw.size() == sizeof(Number) ? load_big_endian<Number>(raw.data()) : Number{};
  }
  BytesView bytes(std::size_t count) {
    if (!ok_ || from_.size() < count) {
      ok_ = false;
      return {};
    }
    const auto taken = from_.first(count);
    from_ = from_.subspan(count);
    return taken;
  }
  std::string string() {
    const auto size = number<std::int16_t>();
    if (size < 0) ok_ = false;
    return std::string(as_text(bytes(size < 0 ? 0 : static_cast<std::size_t>(size))));
  }
  Uuid uuid() {
    Uuid id;
    const auto raw = bytes(id.bytes.size());
    if (ok_) std::ranges::copy(raw, id.bytes.begin());
    return id;
  }
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  BytesView from_;
  bool ok_ = true;
};

void sign(MutableBytes bytes) { store_big_endian(bytes.data() + crc_position, crc32c(bytes.subspan(covered_from))); }

bool is_signed(BytesView bytes, std::string_view magic) {
  return as_text(bytes.first(magic.size())) == magic &&
         load_big_endian<std::uint32_t>(bytes.data() + crc_position) == crc32c(bytes.subspan(covered_from));
}

}  // namespace

Result<std::vector<std::uint8_t>> encode_journal_header(const JournalHeader& header) {
  constexpr std::size_t fixed_bytes = 50;
  const auto& owner = header.owner;
  if (fixed_bytes + owner.cluster_id.size() + owner.log_directory.size() > journal_block_bytes)
    return fail(ErrorKind::invalid_argument, "the name of the log directory is too long for a journal's header");
  std::vector<std::uint8_t> block(journal_block_bytes);
  Writer write(block);
  write.bytes(as_bytes(header_magic));
  write.number(std::uint32_t{0});
  write.number(journal_version);
  write.bytes(header.journal.bytes);
  write.number(header.needed_from);
  write.number(static_cast<std::int64_t>(header.file_bytes));
  write.number(owner.broker_id.value());
  write.string(owner.cluster_id);
  write.string(owner.log_directory);
  sign(block);
  return block;
}

Result<JournalHeader> parse_journal_header(BytesView block) {
  if (block.size() != journal_block_bytes || !is_signed(block, header_magic))
    return fail(ErrorKind::corrupt, "this is no header of a journal");
  Reader read(block.subspan(covered_from));
  if (const auto version = read.number<std::int16_t>(); version != journal_version) {
    return fail(ErrorKind::unsupported,
                "the journal has version " + std::to_string(version) + "; known is " + std::to_string(journal_version));
  }
  JournalHeader header;
  header.journal = read.uuid();
  header.needed_from = read.number<JournalSequence>();
  header.file_bytes = static_cast<std::uint64_t>(read.number<std::int64_t>());
  header.owner.broker_id = BrokerId(read.number<std::int32_t>());
  header.owner.cluster_id = read.string();
  header.owner.log_directory = read.string();
  if (!read.ok()) return fail(ErrorKind::corrupt, "this is no header of a journal");
  return header;
}

void encode_journal_group(MutableBytes into, const JournalGroup& group) {
  Writer write(into);
  write.bytes(as_bytes(group_magic));
  write.number(std::uint32_t{0});
  write.bytes(group.journal.bytes);
  write.number(group.sequence);
  write.number(group.needed_from);
  write.number(group.records);
  write.number(static_cast<std::int64_t>(group.bytes));
  sign(into.first(journal_group_header_bytes));
}

std::optional<JournalGroup> parse_journal_group(BytesView bytes, const Uuid& journal) {
  if (bytes.size() < journal_group_header_bytes) return std::nullopt;
  const auto header = bytes.first(journal_group_header_bytes);
  if (!is_signed(header, group_magic)) return std::nullopt;
  Reader read(header.subspan(covered_from));
  JournalGroup group;
  group.journal = read.uuid();
  group.sequence = read.number<JournalSequence>();
  group.needed_from = read.number<JournalSequence>();
  group.records = read.number<std::int32_t>();
  const auto size = read.number<std::int64_t>();
  if (group.journal != journal || group.records < 0 || size < std::int64_t{journal_group_header_bytes})
    return std::nullopt;
  group.bytes = static_cast<std::uint64_t>(size);
  return group;
}

void encode_journal_record(MutableBytes into, const JournalRecord& record, JournalSequence sequence) {
  const auto whole = into.first(journal_record_bytes(record.partition.topic.size(), record.batches.size()));
  Writer write(whole);
  write.bytes(as_bytes(record_magic));
  write.number(std::uint32_t{0});
  write.number(sequence);
  write.number(static_cast<std::int8_t>(record.kind));
  write.number(static_cast<std::int32_t>(record.batches.size()));
  write.bytes(record.topic_id.bytes);
  write.number(record.partition.partition.value());
  write.number(record.since.value());
  write.number(record.from.value());
  write.number(record.end.value());
  write.number(record.leader_epoch.value());
  write.string(record.partition.topic);
  write.bytes(record.batches);
  sign(whole);
}

std::optional<std::vector<JournalRecord>> parse_journal_records(const JournalGroup& group, BytesView bytes) {
  if (bytes.size() != group.bytes) return std::nullopt;
  std::vector<JournalRecord> records;
  auto rest = bytes.subspan(journal_group_header_bytes);
  for (std::int32_t number = 0; number < group.records; ++number) {
    if (rest.size() < journal_record_header_bytes) return std::nullopt;
    const auto topic_bytes = load_big_endian<std::int16_t>(rest.data() + 69);
    const auto batches_bytes = load_big_endian<std::int32_t>(rest.data() + 17);
    if (topic_bytes < 0 || batches_bytes < 0) return std::nullopt;
    const auto size =
        journal_record_bytes(static_cast<std::size_t>(topic_bytes), static_cast<std::size_t>(batches_bytes));
    if (rest.size() < size) return std::nullopt;
    const auto whole = rest.first(size);
    rest = rest.subspan(size);
    if (!is_signed(whole, record_magic)) return std::nullopt;
    Reader read(whole.subspan(covered_from));
    JournalRecord record;
    if (read.number<JournalSequence>() != group.sequence) return std::nullopt;
    record.kind = static_cast<JournalRecordKind>(read.number<std::int8_t>());
    read.number<std::int32_t>();
    record.topic_id = read.uuid();
    record.partition.partition = PartitionIndex(read.number<std::int32_t>());
    record.since = Offset(read.number<std::int64_t>());
    record.from = Offset(read.number<std::int64_t>());
    record.end = Offset(read.number<std::int64_t>());
    record.leader_epoch = LeaderEpoch(read.number<std::int32_t>());
    record.partition.topic = read.string();
    record.batches = read.bytes(static_cast<std::size_t>(batches_bytes));
    const bool known = record.kind == JournalRecordKind::batches || record.kind == JournalRecordKind::cut;
    if (!read.ok() || !known) return std::nullopt;
    records.push_back(std::move(record));
  }
  if (!rest.empty()) return std::nullopt;
  return records;
}

JournalJudgement judge_journal(std::vector<FoundGroup> found, JournalSequence needed_from) {
  std::ranges::sort(found, {}, &FoundGroup::sequence);
  JournalJudgement judgement;
  for (const auto& group : found) needed_from = std::max(needed_from, group.needed_from);
  auto expected = needed_from;
  for (const auto& group : found) {
    if (group.sequence < needed_from) continue;
    if (group.sequence != expected && judgement.damage.empty()) {
      judgement.damage = "group " + std::to_string(expected) + " is missing or damaged, and group " +
                         std::to_string(group.sequence) + " behind it is whole";
    }
    expected = group.sequence + 1;
    judgement.needed.push_back(group);
  }
  judgement.next_sequence = expected;
  return judgement;
}

}  // namespace millrace::log

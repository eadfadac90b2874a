#include "broker/coordinator/group_load.h"

namespace millrace::coordinator {
namespace {

constexpr std::int16_t commit_marker_type = 1;

// What an end-of-transaction marker's key says: a version and a type (org.apache.kafka.common.record.ControlRecordType).
std::int16_t marker_type(const protocol::Record& record) {
  if (!record.key || record.key->size() < 4) return -1;
  return load_big_endian<std::int16_t>(record.key->data() + 2);
}

void put_if_newer(OffsetTable::PartitionMap<OffsetTable::Entry>& offsets, const TopicPartition& partition,
                  OffsetTable::Entry entry) {
  const auto [known, is_new] = offsets.try_emplace(partition, OffsetTable::Entry{entry.record_offset, {}});
  if (is_new || known->second.record_offset < entry.record_offset) known->second = std::move(entry);
}

}  // namespace

Status GroupLoad::read(const protocol::BatchHeader& header, BytesView plain_records) {
  protocol::RecordReader reader(header, plain_records);
  std::optional<Offset> batch_offset;  // the first record's: compaction takes records from the front of a batch, too
  while (reader.next()) {
    const auto& record = reader.record();
    if (header.attributes.is_control()) {
      read_marker(header, record);
      break;
    }
    if (!batch_offset) batch_offset = record.offset(header);
    read_record(header, record, *batch_offset);
  }
  return reader.status();
}

void GroupLoad::read_marker(const protocol::BatchHeader& header, const protocol::Record& record) {
  auto pending = pending_.extract(header.producer_id);
  if (!pending || marker_type(record) != commit_marker_type) return;
  for (auto& [group, offsets] : pending.mapped()) {
    for (auto& [partition, entry] : offsets) put_if_newer(offsets_[group], partition, std::move(entry));
  }
}

void GroupLoad::read_record(const protocol::BatchHeader& header, const protocol::Record& record, Offset batch_offset) {
  if (!record.key) return note_unreadable(record.offset(header), {ErrorKind::corrupt, "the record has no key"});
  auto key = decode_consumer_offsets_key(*record.key);
  if (!key) return note_unreadable(record.offset(header), key.error());
  if (const auto* offset = std::get_if<OffsetCommitKey>(&*key)) {
    read_offset(header, record, batch_offset, *offset);
  } else if (const auto* group = std::get_if<GroupMetadataKey>(&*key)) {
    if (auto value = record.value ? decode_group_value(*record.value) : Result<GroupMetadataValue>(); !value)
      return note_unreadable(record.offset(header), value.error());
    read_group(record, *group);
  } else if (ConsumerGroupLoad::takes(*key)) {
    read_consumer_group(header, record, *key);
  } else {
    ++loaded_.unknown_keys;
  }
}

void GroupLoad::read_offset(const protocol::BatchHeader& header, const protocol::Record& record, Offset batch_offset,
                            const OffsetCommitKey& key) {
  auto& groups = header.attributes.is_transactional() ? pending_[header.producer_id] : offsets_;
  const TopicPartition partition{std::string(key.topic), key.partition};
  if (!record.value) {
    if (const auto group = groups.find(key.group); group != groups.end()) group->second.erase(partition);
    return;
  }
  auto value = decode_offset_value(*record.value);
  if (!value) return note_unreadable(record.offset(header), value.error());
  groups.try_emplace(std::string(key.group))
      .first->second.insert_or_assign(
          partition, OffsetTable::Entry{batch_offset,
                                        {value->offset, value->leader_epoch, std::string(value->metadata),
                                         value->commit_timestamp, value->expire_timestamp}});
}

void GroupLoad::read_group(const protocol::Record& record, const GroupMetadataKey& key) {
  if (record.value) {
    consumer_groups_.forget(key.group);
    groups_.insert_or_assign(std::string(key.group),
                             std::vector<std::uint8_t>(record.value->begin(), record.value->end()));
  } else if (const auto group = groups_.find(key.group); group != groups_.end()) {
    groups_.erase(group);
  }
}

void GroupLoad::read_consumer_group(const protocol::BatchHeader& header, const protocol::Record& record,
                                    const ConsumerOffsetsKey& key) {
  if (auto read = consumer_groups_.read(key, record.value); !read)
    return note_unreadable(record.offset(header), read.error());
  if (!record.value) return;
  const auto classic = groups_.find(ConsumerGroupLoad::group_of(key));
  if (classic != groups_.end()) groups_.erase(classic);
}

void GroupLoad::note_unreadable(Offset offset, const Error& error) {
  if (loaded_.unreadable_records++ == 0)
    loaded_.first_unreadable = "offset " + std::to_string(offset.value()) + ": " + error.message;
}

LoadedGroups GroupLoad::finish() && {
  for (auto& [id, value] : groups_) loaded_.groups[id].value = std::move(value);
  for (auto& [id, offsets] : offsets_) {
    if (offsets.empty()) continue;
    OffsetTable& table = loaded_.groups[id].offsets;
    for (auto& [partition, entry] : offsets) table.put(partition, std::move(entry));
  }
  for (auto& [producer, groups] : pending_) {
    for (auto& [id, offsets] : groups) {
      if (offsets.empty()) continue;
      OffsetTable& table = loaded_.groups[id].offsets;
      for (auto& [partition, entry] : offsets) table.put(producer, partition, std::move(entry));
    }
  }
  loaded_.consumer_groups = std::move(consumer_groups_).finish();
  return std::move(loaded_);
}

}  // namespace millrace::coordinator

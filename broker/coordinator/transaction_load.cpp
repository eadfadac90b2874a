#include "broker/coordinator/transaction_load.h"

#include <string>
#include <utility>

#include "broker/coordinator/transaction_records.h"
#include "broker/protocol/record.h"

namespace millrace::coordinator {

Status TransactionLoad::read(const protocol::BatchHeader& header, BytesView plain_records) {
  if (header.attributes.is_control()) return {};
  protocol::RecordReader reader(header, plain_records);
  while (reader.next()) {
    const auto& record = reader.record();
    auto taken = record.key ? read_record(*record.key, record.value) : fail(ErrorKind::corrupt, "it has no key");
    if (!taken) {
      return fail(taken.error().kind, "the record at offset " + std::to_string(record.offset(header).value()) + ": " +
                                          taken.error().message);
    }
  }
  return reader.status();
}

Status TransactionLoad::read_record(BytesView key, std::optional<BytesView> value) {
  auto transactional_id = transactional_id_of(key);
  if (!transactional_id) return tl::unexpected(std::move(transactional_id.error()));
  if (!*transactional_id) return {};
  const std::string name(**transactional_id);
  if (!value) {
    entries_.erase(name);
    return {};
  }
  auto metadata = transaction_metadata_of(*value);
  if (!metadata) return fail(metadata.error().kind, "transactional id " + name + ": " + metadata.error().message);
  entries_.insert_or_assign(name, TransactionEntry(std::move(*metadata)));
  return {};
}

}  // namespace millrace::coordinator

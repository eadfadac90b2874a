// Rows of requests that wait (Kafka 3.9: KafkaConfig.configDef).
#include "broker/server/configuration/broker_config_rows.h"
#include "broker/server/configuration/config_row_builder.h"

namespace millrace::server {
namespace {

constexpr ConfigRow rows[] = {
    int32_row("producer.purgatory.purge.interval.requests", "1000",
              "Finished produce requests that may pile up in the waiting list. Ours holds none.")
        .not_applicable(),
    int32_row("fetch.purgatory.purge.interval.requests", "1000",
              "Finished fetch requests that may pile up in the waiting list. Ours holds none.")
        .not_applicable(),
    int32_row("delete.records.purgatory.purge.interval.requests", "1",
              "Finished DeleteRecords requests that may pile up in the waiting list. Ours holds none.")
        .not_applicable(),
};

}  // namespace

std::span<const ConfigRow> purgatory_config_rows() { return rows; }

}  // namespace millrace::server

// What single rows cannot say of a broker's configuration: keys that limit each other, and values whose meaning we do not
// have (Kafka: KafkaConfig.validateValues).
#pragma once

#include "broker/base/config_table.h"
#include "broker/base/result.h"

namespace millrace::server {

// Kafka's conditions between keys.
Status check_together(const ConfigValues& values);

// Refuses what would be a lie to accept: a Java class, KRaft, an authorizer that does not guard yet.
Status refuse_unsupported(const ConfigValues& values);

}  // namespace millrace::server

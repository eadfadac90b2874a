// A transaction that was aborted, as a transaction index and an answer to a fetch name it (Kafka: AbortedTxn).
#pragma once

#include "broker/base/types.h"

namespace millrace::log {

struct AbortedTransaction {
  ProducerId producer;
  Offset first_offset;
  Offset last_offset;         // the marker's
  Offset last_stable_offset;  // everything below was decided once the marker was there

  friend bool operator==(const AbortedTransaction&, const AbortedTransaction&) = default;
};

}  // namespace millrace::log

// What the logs of a simulated machine are after its power went at this moment: recovered on a disk of their own, held
// against what their ledgers promise, against a rebuild from nothing but their records, and against a second recovery.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "test/sim/log_ledger.h"
#include "test/sim/power_loss.h"
#include "test/sim/simulated_disk.h"
#include "test/sim/simulated_logs.h"

namespace millrace::sim {

using Ledgers = std::vector<std::unique_ptr<LogLedger>>;

struct Crash {
  PowerLoss loss;
  std::uint64_t seed = 0;  // of what is lost, and of the recoveries
};

// What is wrong then; empty: nothing. The disk stays as it is.
std::string check_crash(const SimulatedDisk& disk, const Crash& crash, const SimulatedLogs::Settings& settings,
                        const Ledgers& ledgers);
// The same of a machine whose process was killed.
std::string check_kill(const SimulatedDisk& disk, std::uint64_t seed, const SimulatedLogs::Settings& settings,
                       const Ledgers& ledgers);

}  // namespace millrace::sim

// Values of the log cleaner's rows as the log layer takes them (Kafka: CleanerConfig). Any thread.
#pragma once

#include "broker/base/config_table.h"
#include "broker/log/log_options.h"

namespace millrace::server {

log::CleanerOptions cleaner_options(const ConfigValues& values);
log::ScrubOptions scrub_options(const ConfigValues& values);

}  // namespace millrace::server

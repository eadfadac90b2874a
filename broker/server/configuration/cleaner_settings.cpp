#include "broker/server/configuration/cleaner_settings.h"

#include <algorithm>

namespace millrace::server {

log::CleanerOptions cleaner_options(const ConfigValues& values) {
  log::CleanerOptions options;
  options.threads = static_cast<std::size_t>(values.integer("log.cleaner.threads"));
  options.backoff_ms = values.integer("log.cleaner.backoff.ms");
  options.dedupe_buffer_bytes =
      static_cast<std::uint64_t>(std::max<std::int64_t>(values.integer("log.cleaner.dedupe.buffer.size"), 0));
  options.load_factor = values.number("log.cleaner.io.buffer.load.factor");
  options.io_buffer_bytes = static_cast<std::uint64_t>(values.integer("log.cleaner.io.buffer.size"));
  options.io_max_bytes_per_second = values.number("log.cleaner.io.max.bytes.per.second");
  return options;
}

log::ScrubOptions scrub_options(const ConfigValues& values) {
  log::ScrubOptions options;
  options.bytes_per_second = static_cast<std::uint64_t>(values.integer("millrace.log.scrub.bytes.per.second"));
  options.interval_ms = values.integer("millrace.log.scrub.interval.ms");
  return options;
}

}  // namespace millrace::server

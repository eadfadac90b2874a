// The journals of a broker's log directories at its start and at its stop.
#include <memory>
#include <string>
#include <utility>

#include "broker/log/journal.h"
#include "broker/log/journal_metrics.h"
#include "broker/log/journal_volume.h"
#include "broker/log/log_manager_state.h"

namespace millrace::log {

std::string LogManager::State::journal_path(std::size_t number) const {
  const auto& options = environment->options;
  if (number < options.journal.directories.size()) return options.journal.directories[number];
  auto path = options.directories[number];
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path + ".journal";
}

void LogManager::State::make_journals() {
  const auto& options = environment->options.journal;
  for (const auto& directory : directories) {
    const auto number = directory->number();
    auto health = environment->health;
    Journal::Host host{&environment->files,
                       &environment->pool,
                       &environment->clock,
                       &environment->random,
                       [health, number] { return health->is_online(number); },
                       [health, number](const Error& why) { health->take_offline(number, why); }};
    environment->journals.push_back(std::make_shared<Journal>(
        std::move(host), JournalSettings{journal_path(number), options.files, options.file_bytes}));
  }
}

JournalOwner LogManager::State::journal_owner(const ManagedDirectory& directory) const {
  return {identity.cluster_id, identity.broker_id, directory.path()};
}

// Where somebody else has stopped cleanly since, the log directory has gone on without what the journal has.
Result<std::unique_ptr<JournalReplay>> LogManager::State::read_journal(const ManagedDirectory& directory) {
  auto replay = JournalReplay::read(environment->files, journal_path(directory.number()), journal_owner(directory));
  if (!replay || !directory.clean_shutdown() || (*replay)->empty()) return replay;
  auto place = (*replay)->set_aside();
  if (!place) return tl::unexpected(place.error());
  manager_logger.error(
      "the log directory " + directory.path() +
      " was used and stopped cleanly without its journal, whose records are not replayed; they are kept in " + *place);
  return JournalReplay::read(environment->files, journal_path(directory.number()), journal_owner(directory));
}

Result<LogManager::State::Replays> LogManager::State::read_journals() {
  Replays replays(directories.size());
  const auto& options = environment->options.journal;
  for (const auto& directory : directories) {
    if (!is_online(*directory)) continue;
    const auto number = directory->number();
    if (options.files > 0 && number >= options.directories.size()) {
      if (auto warning = warning_of_other_volume(directory->path(), journal_path(number)))
        manager_logger.warning(*warning);
    }
    auto replay = read_journal(*directory);
    if (replay) {
      replays[directory->number()] = std::move(*replay);
    } else if (replay.error().kind == ErrorKind::conflict) {
      return tl::unexpected(replay.error());
    } else {
      environment->health->take_offline(directory->number(), replay.error());
    }
  }
  if (all_offline()) return tl::unexpected(all_offline_error());
  return replays;
}

// What a log that cannot be used would have needed is kept for who mends it.
Status LogManager::State::finish_replay(const ManagedDirectory& directory, JournalReplay& replay,
                                        const Strays& strays) {
  std::string unused;
  const auto strays_here = strays.find(&directory);
  if (strays_here != strays.end()) {
    for (const auto& stray : strays_here->second) {
      if (!replay.has_of(stray.partition, stray.topic_id)) continue;
      unused += (unused.empty() ? "" : ", ") + partition_directory_name(stray.partition) + ", a stray";
    }
  }
  {
    std::lock_guard lock(mutex);
    for (const auto& partition : replay.partitions()) {
      const auto at = entries.find(partition);
      const auto name = partition_directory_name(partition);
      if (at == entries.end()) {
        manager_logger.info("the journal of " + directory.path() + " has records of " + name +
                            ", which is not there any more");
      } else if (at->second.log == nullptr) {
        unused += (unused.empty() ? "" : ", ") + name;
      }
    }
  }
  if (unused.empty()) return replay.empty_files();
  auto place = replay.set_aside();
  if (!place) return tl::unexpected(place.error());
  manager_logger.error("the journal of " + directory.path() + " has records of logs that cannot be used (" + unused +
                       "); it is kept in " + *place);
  return {};
}

Status LogManager::State::begin_journals(Replays& replays, const Strays& strays) {
  for (const auto& directory : directories) {
    auto& replay = replays[directory->number()];
    if (replay == nullptr || !is_online(*directory)) continue;
    if (const auto refused = replay->refused(); !refused.empty()) {
      environment->health->take_offline(directory->number(), {ErrorKind::corrupt, refused});
      continue;
    }
    if (!replay->empty()) {
      if (auto finished = finish_replay(*directory, *replay, strays); !finished) {
        environment->health->take_offline(directory->number(), finished.error());
        continue;
      }
    }
    environment->journals[directory->number()]->begin(journal_owner(*directory), replay->next_sequence());
  }
  if (all_offline()) return tl::unexpected(all_offline_error());
  return {};
}

Status LogManager::State::empty_journal(const ManagedDirectory& directory) {
  return environment->journals[directory.number()]->empty();
}

}  // namespace millrace::log

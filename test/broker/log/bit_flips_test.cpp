// A bit of some file is not what was written: in each kind of file and in each field of it, before a start after an unclean stop,
// a start after a clean one, compaction, a follower's append and a scrub. What a checksum covers is never taken for sound by any of
// them but the clean start, which looks at nothing, and whose reader sees it; whatever else changes what the log answers is said,
// or stands in the table of docs/log-format.md.
//
// MILLRACE_BIT_FLIPS=bytes flips every bit that no checksum covers and a bit of every byte that one does, =all every bit; both
// expect every row of the table to be needed. Otherwise it is a sample.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iostream>

#include "broker/log/segment_check.h"
#include "test/broker/log/bit_flips.h"
#include "test/broker/log/cleaned_world.h"
#include "test/support/source_tree.h"

namespace millrace::log::test {
namespace {

enum class When : std::uint8_t { unclean_start, clean_start, compaction, follower, scrub };
constexpr std::array all_times{When::unclean_start, When::clean_start, When::compaction, When::follower, When::scrub};

std::string name_of(When when) {
  constexpr std::array names{"unclean start", "clean start", "compaction", "follower", "scrub"};
  return names[static_cast<std::size_t>(when)];
}

struct Outcome {
  bool told = false;
  Answers answers;
};

class Flipping {
 public:
  explicit Flipping(bool old_formats) : tree_(tree_to_damage(old_formats)) {
    for (auto when : all_times) {
      if (when == When::follower && old_formats) continue;
      sound_[when] = run(when, tree_);
      EXPECT_FALSE(sound_[when].told) << name_of(when) << ": " << complaints_;
      EXPECT_FALSE(sound_[when].answers.has_bad_checksum) << name_of(when);
    }
    written_ = sound_.at(When::clean_start).answers.good_records;
  }

  [[nodiscard]] const Tree& tree() const { return tree_; }
  [[nodiscard]] bool applies(When when, const std::string& path) const {
    if (!sound_.contains(when)) return false;
    if (when == When::follower) return path.ends_with(".log");
    return true;
  }

  // Whether the flip changes an answer and nobody says a word.
  bool is_silent(When when, const std::string& path, std::size_t at, std::uint8_t bit) {
    auto tree = tree_;
    tree.at(path)[at] ^= static_cast<std::uint8_t>(1U << bit);
    const auto outcome = run(when, tree);
    const auto field = field_of(tree_, path, at);
    const auto& sound = sound_.at(when).answers;
    if (field.find("CRC, and what it covers") != std::string::npos)
      expect_not_taken_for_sound(when, field, outcome, sound);
    if (path.ends_with(".log")) expect_others_to_be_there(when, path, outcome, sound);
    return !outcome.told && !outcome.answers.has_bad_checksum && outcome.answers != sound;
  }
  [[nodiscard]] const std::string& complaints() const { return complaints_; }

 private:
  Outcome run(When when, Tree tree);
  void run_log(When when, LogWorld& world, Outcome& outcome);
  void follow(const Tree& tree, LogWorld& world, Outcome& outcome);
  void expect_not_taken_for_sound(When when, const std::string& field, const Outcome& outcome,
                                  const Answers& sound) const;
  void expect_others_to_be_there(When when, const std::string& path, const Outcome& outcome,
                                 const Answers& sound) const;

  LogLines lines_;
  Tree tree_;
  std::string complaints_;
  std::set<std::string> written_;  // the batches of the sound directory
  std::map<When, Outcome> sound_;
};

Outcome Flipping::run(When when, Tree tree) {
  Outcome outcome;
  auto config = small_segments();
  config.compacted = when == When::compaction;
  MemoryFileSystem files;
  LogWorld world(config, files);
  if (when == When::unclean_start) {
    tree.erase(".kafka_cleanshutdown");
    // Nothing is known to be on the disk, unless this is the file that is damaged.
    if (tree.at("recovery-point-offset-checkpoint") == tree_.at("recovery-point-offset-checkpoint"))
      tree.at("recovery-point-offset-checkpoint") = Bytes{'0', '\n', '0', '\n'};
  }
  if (when == When::follower) {
    EXPECT_TRUE(world.start());
    follow(tree, world, outcome);
    outcome.answers = answers_to(world);
  } else {
    write_tree(tree, world.data_path(), files);
    if (auto started = world.start(); !started) {
      outcome.told = true;
    } else {
      run_log(when, world, outcome);
    }
  }
  const auto& reports = world.manager->damage();
  for (auto by : {FoundBy::recovery, FoundBy::scrub, FoundBy::compaction, FoundBy::replica, FoundBy::fetch})
    outcome.told = outcome.told || reports.batches(by) + reports.index_entries(by) > 0;
  complaints_ = lines_.take_complaints();
  outcome.told = outcome.told || !complaints_.empty();
  world.kill();
  return outcome;
}

void Flipping::run_log(When when, LogWorld& world, Outcome& outcome) {
  if (!world.manager->unusable().empty()) {
    outcome.told = true;
    return;
  }
  // A topic whose id is another one is not served.
  bool is_the_topics = true;
  world.manager->get_or_create({"events", PartitionIndex(0)}, world.topic_id, world.config,
                               [&](const auto& log) { is_the_topics = log.has_value(); });
  world.shard.run();
  if (!is_the_topics) {
    outcome.told = true;
    return;
  }
  if (when == When::compaction) compact(world);
  if (when == When::scrub) {
    ScrubWorld::scrub_all(*world.log());
  }
  outcome.answers = answers_to(world);
}

// As a fetcher does: from the log's end on, until there is no more or nothing goes on.
void Flipping::follow(const Tree& tree, LogWorld& world, Outcome& outcome) {
  world.leader_epoch = ScrubWorld::last_epoch;
  for (const auto& [path, bytes] : tree) {
    if (!path.ends_with(".log")) continue;
    // Where the leader would begin, which has its own index and answers with what it has.
    for (std::size_t at = 0; at < bytes.size();) {
      auto rest = Bytes(bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes.end());
      const auto appended = world.append(rest, AppendOrigin::replica);
      if (!appended) {
        outcome.told = true;
        return;
      }
      if (appended->size_bytes == 0) {
        outcome.answers.rows.emplace_back("nothing goes on");
        return;
      }
      at += static_cast<std::size_t>(appended->size_bytes);
    }
  }
}

// A batch whose checksum is right has bytes that were written; of the others at least one who reads hears of it.
void Flipping::expect_not_taken_for_sound(When when, const std::string& field, const Outcome& outcome,
                                          const Answers& sound) const {
  const bool is_active = field.find("active") != std::string::npos;
  const bool looks = when == When::unclean_start || when == When::follower ||
                     (!is_active && (when == When::compaction || when == When::scrub));
  if (looks) EXPECT_TRUE(outcome.told) << name_of(when) << " " << field;
  for (const auto& record : outcome.answers.good_records)
    EXPECT_TRUE(sound.good_records.contains(record) || written_.contains(record))
        << name_of(when) << " has a batch that was never written, " << field;
}

// Of the other segments nothing is lost, but for those behind it after an unclean stop.
void Flipping::expect_others_to_be_there(When when, const std::string& path, const Outcome& outcome,
                                         const Answers& sound) const {
  if (when != When::clean_start && when != When::scrub) return;
  if (outcome.answers.rows.empty()) return;  // the log is not served
  for (const auto& [other, bytes] : tree_) {
    if (!other.ends_with(".log") || other == path) continue;
    for (std::size_t at = 0; at < bytes.size();) {
      const auto size = protocol::parse_batch_prefix(BytesView(bytes).subspan(at))->size_bytes();
      const std::string record(bytes.begin() + static_cast<std::ptrdiff_t>(at) + 16,
                               bytes.begin() + static_cast<std::ptrdiff_t>(at + size));
      if (sound.good_records.contains(record))
        EXPECT_TRUE(outcome.answers.good_records.contains(record))
            << name_of(when) << ": a batch of " << other << " is lost with a bit of " << path;
      at += size;
    }
  }
}

// ---- the table of the document

std::set<std::string> documented() {
  std::ifstream document(source_path("docs/log-format.md"));
  std::set<std::string> rows;
  bool here = false;
  for (std::string line; std::getline(document, line);) {
    if (line.starts_with("## ")) here = line == "## Bits that flip";
    if (!here || !line.starts_with("| `")) continue;
    // | file | bytes | not found by | why |
    std::vector<std::string> cells;
    for (std::size_t at = 2; at < line.size();) {
      const auto end = line.find(" | ", at);
      cells.push_back(line.substr(at, end - at));
      if (end == std::string::npos) break;
      at = end + 3;
    }
    if (cells.size() < 3) continue;
    for (std::size_t at = 0; at < cells[2].size();) {
      const auto end = std::min(cells[2].find(", ", at), cells[2].size());
      rows.insert(cells[0] + " | " + cells[1] + " | " + cells[2].substr(at, end - at));
      at = end + 2;
    }
  }
  return rows;
}

struct Flip {
  std::string path;
  std::size_t at;
  std::uint8_t bit;
};

// What MILLRACE_BIT_FLIPS says. `bytes`: every bit, but of what a checksum covers one of each byte.
enum class Extent : std::uint8_t { sample, bytes, all };

Extent extent() {
  const char* wanted = std::getenv("MILLRACE_BIT_FLIPS");
  if (wanted == nullptr) return Extent::sample;
  return std::string_view(wanted) == "all" ? Extent::all : Extent::bytes;
}

std::vector<Flip> flips_of(const Tree& tree) {
  constexpr std::size_t sample_of_field = 12;
  std::map<std::string, std::vector<Flip>> by_field;
  for (const auto& [path, bytes] : tree) {
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      const auto field = field_of(tree, path, at);
      const bool covered = field.find("covers") != std::string::npos || field.starts_with("`.snapshot`");
      for (std::uint8_t bit = 0; bit < 8; ++bit) {
        if (extent() == Extent::bytes && covered && at % 8 != bit) continue;
        by_field[field].push_back({path, at, bit});
      }
    }
  }
  std::vector<Flip> chosen;
  SeededRandom random(11);
  for (const auto& [field, flips] : by_field) {
    if (extent() != Extent::sample) {
      chosen.insert(chosen.end(), flips.begin(), flips.end());
      continue;
    }
    for (std::size_t number = 0; number < std::min(sample_of_field, flips.size()); ++number)
      chosen.push_back(flips[static_cast<std::size_t>(random.below(flips.size()))]);
  }
  return chosen;
}

// Each kind of file, field and time that is silent, with an example.
void flip_all(bool old_formats, std::map<std::string, std::string>& silent, std::size_t& runs) {
  Flipping flipping(old_formats);
  for (const auto& [path, at, bit] : flips_of(flipping.tree())) {
    const auto where = path + " byte " + std::to_string(at) + " bit " + std::to_string(bit);
    for (auto when : all_times) {
      if (!flipping.applies(when, path)) continue;
      ++runs;
      if (flipping.is_silent(when, path, at, bit))
        silent.emplace(field_of(flipping.tree(), path, at) + " | " + name_of(when), where);
    }
    if (testing::Test::HasFailure()) FAIL() << where << "\n" << flipping.complaints();
  }
}

TEST(BitFlips, AreSaidOrStandInTheDocument) {
  const auto known = documented();
  std::map<std::string, std::string> silent;
  std::size_t runs = 0;
  for (const bool old_formats : {false, true}) {
    flip_all(old_formats, silent, runs);
    if (HasFailure()) return;
  }
  for (const auto& [row, example] : silent)
    EXPECT_TRUE(known.contains(row)) << "not in the document: " << row << ", as " << example;
  if (HasFailure()) return;
  for (const auto& row : known) {
    if (extent() != Extent::sample) EXPECT_TRUE(silent.contains(row)) << "in the document, and never seen: " << row;
  }
  std::cout << runs << " starts, compactions, appends and scrubs with a flipped bit, " << silent.size()
            << " kinds of them silent\n";
}

}  // namespace
}  // namespace millrace::log::test

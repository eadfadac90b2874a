// What the embedded store promises beyond the contract: what was answered survives, damage and misuse are named.
#include "broker/metadata/embedded_store.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <thread>

#include "test/broker/metadata/embedded_fixture.h"

namespace millrace::metadata::test {
namespace {

using testing::HasSubstr;
using testing::UnorderedElementsAre;

class EmbeddedStoreTest : public EmbeddedFixture {
 protected:
  void run_sql(const std::string& sql) {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(this->database().c_str(), &database), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(database);
    sqlite3_close(database);
  }
};

TEST_F(EmbeddedStoreTest, KeepsZnodesAndTheirStatsOverARestart) {
  open();
  auto client = connect();
  ASSERT_TRUE(client->create("/a", "x"));
  ASSERT_TRUE(client->create("/a/b", std::string("\0binary", 7)));
  ASSERT_TRUE(client->create("/a/gone"));
  ASSERT_TRUE(client->remove("/a/gone"));
  ASSERT_TRUE(client->set("/a", "y"));
  ASSERT_TRUE(client->create("/a/s-", "", CreateMode::persistent_sequential));
  auto a = client->get("/a");
  auto b = client->get("/a/b");
  client.reset();
  close();

  open();
  client = connect();
  EXPECT_EQ(client->get("/a")->data, "y");
  EXPECT_EQ(client->get("/a")->stat, a->stat);
  EXPECT_EQ(client->get("/a/b")->data, std::string("\0binary", 7));
  EXPECT_EQ(client->get("/a/b")->stat, b->stat);
  EXPECT_THAT(client->children("/a")->names, UnorderedElementsAre("b", "s-0000000002"));
  auto next = client->create("/a/s-", "", CreateMode::persistent_sequential);
  EXPECT_EQ(next->path, "/a/s-0000000003");
  EXPECT_GT(next->stat.czxid, a->stat.pzxid) << "the zxid went back";
}

TEST_F(EmbeddedStoreTest, RemovesTheEphemeralZnodesOfTheProcessBefore) {
  open();
  auto client = connect();
  ASSERT_TRUE(client->create("/brokers"));
  auto first = client->create("/brokers/1", "", CreateMode::ephemeral);
  // The process ends without a word: the directory is copied as it stands.
  auto copy = directory() + "-copy";
  std::filesystem::copy(directory(), copy);
  client.reset();
  close();
  std::filesystem::remove_all(directory());
  std::filesystem::rename(copy, directory());

  open();
  client = connect();
  EXPECT_FALSE(client->exists("/brokers/1")->has_value());
  auto parent = client->get("/brokers")->stat;
  EXPECT_EQ(parent.num_children, 0);
  EXPECT_EQ(parent.cversion, 2);
  EXPECT_GT(parent.pzxid, first->stat.czxid);
  auto second = client->create("/brokers/1", "", CreateMode::ephemeral);
  EXPECT_GT(second->stat.czxid, first->stat.czxid) << "an epoch was used twice";
}

TEST_F(EmbeddedStoreTest, RefusesADirectoryThatIsInUse) {
  open();
  auto second = try_open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::conflict);
  EXPECT_THAT(second.error().message, HasSubstr("in use by another"));
  close();
  EXPECT_TRUE(try_open());
}

TEST_F(EmbeddedStoreTest, NamesAFileThatIsNoDatabase) {
  std::filesystem::create_directories(directory());
  std::ofstream(database()) << std::string(10'000, 'x');
  auto opened = try_open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::corrupt);
  EXPECT_THAT(opened.error().message, HasSubstr(database()));
  EXPECT_THAT(opened.error().message, HasSubstr("move it away"));
}

TEST_F(EmbeddedStoreTest, NamesAnotherProgramsDatabase) {
  std::filesystem::create_directories(directory());
  run_sql("CREATE TABLE recipes (name TEXT)");
  auto opened = try_open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::corrupt);
  EXPECT_THAT(opened.error().message, HasSubstr("not Millrace's"));
}

TEST_F(EmbeddedStoreTest, RefusesASchemaThatANewerBrokerWrote) {
  open();
  close();
  run_sql("PRAGMA user_version=2");
  auto opened = try_open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::unsupported);
  EXPECT_THAT(opened.error().message, HasSubstr("schema version 2"));
  EXPECT_THAT(opened.error().message, HasSubstr("reads version 1"));
}

TEST_F(EmbeddedStoreTest, RefusesADatabaseWithDamagedPages) {
  open();
  auto client = connect();
  for (int index = 0; index < 300; ++index)
    ASSERT_TRUE(client->create("/n" + std::to_string(index), std::string(500, 'd')));
  client.reset();
  close();
  auto size = std::filesystem::file_size(database());
  ASSERT_GT(size, 40'000U);
  std::fstream file(database(), std::ios::in | std::ios::out | std::ios::binary);
  for (std::uintmax_t at = 8192; at < size; at += 4096) {
    file.seekp(static_cast<std::streamoff>(at));
    file << std::string(64, '\xff');
  }
  file.close();
  auto opened = try_open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::corrupt);
}

TEST_F(EmbeddedStoreTest, RefusesAZnodeWithoutItsParent) {
  open();
  close();
  run_sql("INSERT INTO znode VALUES ('/a/b', x'', 1, 1, 1, 0, 0, 0, 0, 0)");
  auto opened = try_open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::corrupt);
  EXPECT_THAT(opened.error().message, HasSubstr("/a/b"));
}

TEST_F(EmbeddedStoreTest, NamesADirectoryThatCannotBeMade) {
  auto opened = EmbeddedStore::open({.directory = "/proc/millrace"}, clock(), random());
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("/proc/millrace"));
}

TEST_F(EmbeddedStoreTest, SharesOneSyncAmongOperationsThatAreQueuedTogether) {
  open();
  auto client = connect();
  auto started = SystemClock().now();
  int answers = 0;
  constexpr int count = 20'000;
  for (int index = 0; index < count; ++index) {
    client->store().create("/n" + std::to_string(index), "data", CreateMode::persistent,
                           [&](const Result<Created>& created) {
                             EXPECT_TRUE(created);
                             ++answers;
                           });
  }
  ASSERT_TRUE(wait_until(shard(), [&] { return answers == count; }));
  auto seconds = std::chrono::duration<double>(SystemClock().now() - started).count();
  // One sync each would take 20,000 of them.
  EXPECT_LT(seconds, 20.0);
  RecordProperty("creates_per_second", static_cast<int>(count / seconds));
}

TEST_F(EmbeddedStoreTest, BoundsTheOperationsInFlightOfAClient) {
  auto opened = EmbeddedStore::open({.directory = directory(), .operations_in_flight_max = 10}, clock(), random());
  ASSERT_TRUE(opened);
  auto client = std::make_unique<StoreClient>(shard(), (*opened)->connect(shard()));
  ASSERT_TRUE(client->open());
  int done = 0;
  int refused = 0;
  for (int index = 0; index < 15; ++index) {
    client->store().exists("/", Watch::no, [&](const Result<std::optional<Stat>>& stat) {
      stat ? ++done : ++refused;
      if (!stat) EXPECT_EQ(stat.error().kind, ErrorKind::resource_exhausted);
    });
  }
  ASSERT_TRUE(wait_until(shard(), [&] { return done + refused == 15; }));
  EXPECT_EQ(done, 10);
  EXPECT_TRUE(client->exists("/"));
}

TEST_F(EmbeddedStoreTest, FailsCallsAfterItHasStopped) {
  open();
  auto client = connect();
  close();
  EXPECT_EQ(kind_of(client->create("/late")), ErrorKind::unavailable);
  EXPECT_EQ(kind_of(client->close()), ErrorKind::unavailable);
}

TEST_F(EmbeddedStoreTest, HandsASessionWithItsEphemeralZnodesToWhoKnowsItsPassword) {
  open();
  auto old = connect();
  ASSERT_TRUE(old->create("/e", "", CreateMode::ephemeral));
  ASSERT_TRUE(old->get("/e", Watch::yes));
  auto identity = old->store().session();
  auto fresh = std::make_unique<StoreClient>(shard(), embedded().connect(shard()));
  ASSERT_TRUE(fresh->open(identity));
  EXPECT_EQ(fresh->store().session(), identity);
  EXPECT_TRUE(old->hears("expired"));
  EXPECT_EQ(kind_of(old->get("/e")), ErrorKind::session_expired);
  EXPECT_EQ(fresh->get("/e")->stat.ephemeral_owner, identity->id);
  ASSERT_TRUE(fresh->close());
  ASSERT_TRUE(fresh->open());
  EXPECT_FALSE(fresh->exists("/e")->has_value());
}

// The disk refuses: whoever asked is told, nothing of it is seen, and what was answered before stays.
TEST_F(EmbeddedStoreTest, UndoesWhatTheDiskRefusesAndGoesOnReading) {
  open();
  auto client = connect();
  ASSERT_TRUE(client->create("/a", "before"));
  auto* old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old_limit{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old_limit), 0);
  rlimit limit = old_limit;
  limit.rlim_cur = std::filesystem::file_size(database() + "-wal");
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  std::optional<ErrorKind> set_failure;
  std::string read_between;
  std::optional<ErrorKind> create_failure;
  client->store().set("/a", std::string(100'000, 'x'), any_version,
                      [&](const Result<Stat>& stat) { set_failure = kind_of(stat); });
  client->store().get("/a", Watch::yes,
                      [&](Result<Znode> znode) { read_between = znode ? znode->data : znode.error().message; });
  bool answered = false;
  client->store().create("/b", "", CreateMode::persistent, [&](const Result<Created>& created) {
    create_failure = kind_of(created);
    answered = true;
  });
  bool in_time = wait_until(shard(), [&] { return answered; });
  setrlimit(RLIMIT_FSIZE, &old_limit);
  std::signal(SIGXFSZ, old_handler);
  ASSERT_TRUE(in_time);
  EXPECT_TRUE(set_failure == ErrorKind::io || set_failure == ErrorKind::no_space);
  EXPECT_EQ(create_failure, set_failure);
  EXPECT_EQ(read_between, "before");
  EXPECT_EQ(client->get("/a")->data, "before");
  EXPECT_FALSE(client->exists("/b")->has_value());
  EXPECT_TRUE(client->heard().empty()) << "a watch fired for what did not happen";
  client.reset();
  close();
  open();
  client = connect();
  EXPECT_EQ(client->get("/a")->data, "before");
  EXPECT_TRUE(client->set("/a", "after"));
}

// --- kill -9 ---------------------------------------------------------------------------------------------------------

// What the child tells through the pipe, each line after its answer: "create 17", "pair 17", "counter 17".
[[noreturn]] void write_until_killed(const std::string& directory, int pipe_write, int round) {
  SystemClock clock;
  SystemRandom random;
  ManualShard shard;
  auto opened = EmbeddedStore::open({.directory = directory}, clock, random);
  if (!opened) _exit(2);
  auto store = (*opened)->connect(shard);
  store->open_session(std::nullopt);
  auto say = [&](const std::string& line) {
    std::string out = line + "\n";
    if (write(pipe_write, out.data(), out.size()) < 0) _exit(3);
  };
  auto prefix = std::to_string(round) + "-";
  for (int number = 0;; ++number) {
    int open_answers = 4;
    auto name = prefix + std::to_string(number);
    store->create("/one-" + name, std::string(static_cast<std::size_t>(number % 50), 'd'), CreateMode::persistent,
                  [&, name](const Result<Created>& created) {
                    if (created) say("create " + name);
                    --open_answers;
                  });
    store->multi(
        {CreateOperation{"/left-" + name, "l", CreateMode::persistent},
         CreateOperation{"/right-" + name, "r", CreateMode::persistent}, SetOperation{"/pairs", name, any_version}},
        [&, name](const Result<MultiResult>& result) {
          if (result && result->applied()) say("pair " + name);
          --open_answers;
        });
    store->set("/counter", name, any_version, [&](const Result<Stat>& stat) {
      if (stat) say("counter " + std::to_string(stat->version.value()));
      --open_answers;
    });
    store->create("/ephemeral-" + name, "", CreateMode::ephemeral, [&](const Result<Created>&) { --open_answers; });
    // Two rounds on their way at a time, so that groups hold several operations.
    shard.run_until([&] { return open_answers <= number % 3; });
    while (open_answers != 0) shard.run();
  }
}

TEST_F(EmbeddedStoreTest, KeepsWhatWasAnsweredAndNoHalfOfAMultiWhenTheProcessIsKilledAtAnyInstant) {
  open();
  {
    auto client = connect();
    ASSERT_TRUE(client->create("/counter"));
    ASSERT_TRUE(client->create("/pairs"));
  }
  close();
  SeededRandom random(testing::UnitTest::GetInstance()->random_seed() == 0
                          ? 20'240'607U
                          : static_cast<std::uint64_t>(testing::UnitTest::GetInstance()->random_seed()));
  std::set<std::string> created;
  std::set<std::string> pairs;
  std::int32_t counter = 0;
  std::size_t lines = 0;
  constexpr int rounds = 25;
  for (int round = 0; round < rounds; ++round) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    auto child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      write_until_killed(directory(), ends[1], round);
    }
    ::close(ends[1]);
    // From before the first write to some dozens of them, however fast disk and machine are, and a moment more.
    std::string said;
    auto read_some = [&] {
      char buffer[65'536];
      auto got = read(ends[0], buffer, sizeof buffer);
      if (got > 0) said.append(buffer, static_cast<std::size_t>(got));
      return got > 0;
    };
    const auto enough = static_cast<std::ptrdiff_t>(random.below(40));
    while (std::ranges::count(said, '\n') < enough && read_some()) {
    }
    std::this_thread::sleep_for(std::chrono::microseconds(random.below(5'000)));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << status;
    while (read_some()) {
    }
    ::close(ends[0]);
    for (std::size_t at = 0; at < said.size(); ++lines) {
      auto end = said.find('\n', at);
      if (end == std::string::npos) break;
      auto line = said.substr(at, end - at);
      auto what = line.substr(line.find(' ') + 1);
      if (line.starts_with("create ")) created.insert(what);
      if (line.starts_with("pair ")) pairs.insert(what);
      if (line.starts_with("counter ")) counter = std::max(counter, static_cast<std::int32_t>(std::stol(what)));
      at = end + 1;
    }

    open();
    auto client = connect();
    auto children = client->children("/");
    ASSERT_TRUE(children);
    std::set<std::string> names(children->names.begin(), children->names.end());
    for (const auto& name : created) ASSERT_TRUE(names.contains("one-" + name)) << name << " was answered and is lost";
    for (const auto& name : pairs) ASSERT_TRUE(names.contains("left-" + name)) << name << " was answered and is lost";
    for (const auto& name : names) {
      if (name.starts_with("left-"))
        ASSERT_TRUE(names.contains("right-" + name.substr(5))) << "half of a multi: " << name;
      if (name.starts_with("right-"))
        ASSERT_TRUE(names.contains("left-" + name.substr(6))) << "half of a multi: " << name;
      ASSERT_FALSE(name.starts_with("ephemeral-")) << name << " outlived its process";
    }
    ASSERT_GE(client->get("/counter")->stat.version.value(), counter);
    client.reset();
    close();
  }
  EXPECT_GT(lines, 100U) << "too little was written for the test to mean anything";
}

}  // namespace
}  // namespace millrace::metadata::test

// What every metadata store promises (broker/metadata/metadata_store.h). A store's own test file includes this and says how it is
// made:  INSTANTIATE_TEST_SUITE_P(Embedded, MetadataStoreContract, testing::Values(StoreFactory{"embedded", make_embedded}));
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "test/broker/metadata/store_client.h"

namespace millrace::metadata::test {

// One empty store, and as many clients of it as a test wants. Paths of a shared store stay below root().
class StoreUnderTest {
 public:
  StoreUnderTest() = default;
  StoreUnderTest(const StoreUnderTest&) = delete;
  StoreUnderTest& operator=(const StoreUnderTest&) = delete;
  virtual ~StoreUnderTest() = default;

  virtual std::unique_ptr<MetadataStore> connect(Shard& shard) = 0;
  // Ends the client's session as the store would that heard nothing of it for too long.
  virtual void expire(MetadataStore& client) = 0;
};

struct StoreFactory {
  std::string name;
  std::function<std::unique_ptr<StoreUnderTest>()> make;

  friend std::ostream& operator<<(std::ostream& out, const StoreFactory& factory) { return out << factory.name; }
};

class MetadataStoreContract : public testing::TestWithParam<StoreFactory> {
 protected:
  void SetUp() override {
    store_ = GetParam().make();
    client_ = connect();
    ASSERT_TRUE(client_->open());
    client_->take_heard();
  }
  void TearDown() override {
    client_.reset();
    shard_.run();
    store_.reset();
  }

  std::unique_ptr<StoreClient> connect() { return std::make_unique<StoreClient>(shard_, store_->connect(shard_)); }
  std::unique_ptr<StoreClient> connected() {
    auto client = connect();
    EXPECT_TRUE(client->open());
    client->take_heard();
    return client;
  }
  StoreClient& client() { return *client_; }
  StoreUnderTest& store() { return *store_; }
  ManualShard& shard() { return shard_; }

 private:
  ManualShard shard_;
  std::unique_ptr<StoreUnderTest> store_;
  std::unique_ptr<StoreClient> client_;
};

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// --- one znode -------------------------------------------------------------------------------------------------------

TEST_P(MetadataStoreContract, ReadsBackWhatWasCreatedWithItsWholeStat) {
  auto created = client().create("/a", "data");
  ASSERT_TRUE(created) << created.error().message;
  EXPECT_EQ(created->path, "/a");
  auto znode = client().get("/a");
  ASSERT_TRUE(znode);
  EXPECT_EQ(znode->data, "data");
  const Stat& stat = znode->stat;
  EXPECT_EQ(stat, created->stat);
  EXPECT_GT(stat.czxid.value(), 0);
  EXPECT_EQ(stat.mzxid, stat.czxid);
  EXPECT_EQ(stat.pzxid, stat.czxid);
  EXPECT_GT(stat.ctime.value(), 1'600'000'000'000);
  EXPECT_EQ(stat.mtime, stat.ctime);
  EXPECT_EQ(stat.version, ZnodeVersion(0));
  EXPECT_EQ(stat.cversion, 0);
  EXPECT_EQ(stat.aversion, 0);
  EXPECT_EQ(stat.ephemeral_owner, no_session);
  EXPECT_EQ(stat.data_length_bytes, 4);
  EXPECT_EQ(stat.num_children, 0);
}

TEST_P(MetadataStoreContract, KeepsAnyBytesAsData) {
  std::string data;
  for (int byte = 0; byte < 256; ++byte) data.push_back(static_cast<char>(byte));
  ASSERT_TRUE(client().create("/bytes", data));
  EXPECT_EQ(client().get("/bytes")->data, data);
  ASSERT_TRUE(client().set("/bytes", ""));
  EXPECT_EQ(client().get("/bytes")->data, "");
}

TEST_P(MetadataStoreContract, CountsVersionsWithEachSetAndKeepsTheCreation) {
  auto created = client().create("/a", "0");
  auto first = client().set("/a", "one");
  auto second = client().set("/a", "two");
  ASSERT_TRUE(second);
  EXPECT_EQ(first->version, ZnodeVersion(1));
  EXPECT_EQ(second->version, ZnodeVersion(2));
  EXPECT_EQ(second->czxid, created->stat.czxid);
  EXPECT_EQ(second->pzxid, created->stat.pzxid);
  EXPECT_EQ(second->ctime, created->stat.ctime);
  EXPECT_GT(second->mzxid, first->mzxid);
  EXPECT_GE(second->mtime, second->ctime);
  EXPECT_EQ(second->data_length_bytes, 3);
  EXPECT_EQ(client().get("/a")->stat, *second);
}

TEST_P(MetadataStoreContract, SetsOnlyTheVersionThatWasExpected) {
  ASSERT_TRUE(client().create("/a", "0"));
  EXPECT_EQ(kind_of(client().set("/a", "x", ZnodeVersion(1))), ErrorKind::version_mismatch);
  EXPECT_TRUE(client().set("/a", "1", ZnodeVersion(0)));
  EXPECT_EQ(kind_of(client().set("/a", "x", ZnodeVersion(0))), ErrorKind::version_mismatch);
  EXPECT_TRUE(client().set("/a", "2", ZnodeVersion(1)));
  EXPECT_EQ(client().get("/a")->data, "2");
}

TEST_P(MetadataStoreContract, RemovesOnlyTheVersionThatWasExpected) {
  ASSERT_TRUE(client().create("/a"));
  EXPECT_EQ(kind_of(client().remove("/a", ZnodeVersion(3))), ErrorKind::version_mismatch);
  EXPECT_TRUE(client().remove("/a", ZnodeVersion(0)));
  EXPECT_EQ(kind_of(client().remove("/a")), ErrorKind::not_found);
  EXPECT_EQ(client().exists("/a")->has_value(), false);
}

TEST_P(MetadataStoreContract, SaysNotFoundForWhatIsNotThere) {
  EXPECT_EQ(kind_of(client().get("/none")), ErrorKind::not_found);
  EXPECT_EQ(kind_of(client().set("/none", "")), ErrorKind::not_found);
  EXPECT_EQ(kind_of(client().remove("/none")), ErrorKind::not_found);
  EXPECT_EQ(kind_of(client().children("/none")), ErrorKind::not_found);
  EXPECT_EQ(kind_of(client().create("/none/child")), ErrorKind::not_found);
  auto stat = client().exists("/none");
  ASSERT_TRUE(stat);
  EXPECT_FALSE(stat->has_value());
}

TEST_P(MetadataStoreContract, CreatesAPathOnce) {
  ASSERT_TRUE(client().create("/a", "first"));
  EXPECT_EQ(kind_of(client().create("/a", "second")), ErrorKind::already_exists);
  EXPECT_EQ(kind_of(client().create("/", "")), ErrorKind::already_exists);
  EXPECT_EQ(client().get("/a")->data, "first");
}

TEST_P(MetadataStoreContract, KeepsAParentWhileItHasChildren) {
  ASSERT_TRUE(client().create("/a"));
  ASSERT_TRUE(client().create("/a/b"));
  EXPECT_EQ(kind_of(client().remove("/a")), ErrorKind::not_empty);
  EXPECT_EQ(kind_of(client().remove("/a", ZnodeVersion(9))), ErrorKind::version_mismatch);
  EXPECT_TRUE(client().remove("/a/b"));
  EXPECT_TRUE(client().remove("/a"));
}

TEST_P(MetadataStoreContract, RefusesWhatIsNotAPathAndSaysWhich) {
  for (std::string path : {"", "a", "a/b", "/a/", "//", "/a//b", "/.", "/..", "/a/./b", "/a/../b", "/a/..", "/a\x01",
                           "/\x7f", "/\xc2\x85", "/\xff", "/\xee\x80\x80", "/\xf0\x9f\x98\x80"}) {
    EXPECT_EQ(kind_of(client().create(path)), ErrorKind::invalid_argument) << path;
    EXPECT_EQ(kind_of(client().get(path)), ErrorKind::invalid_argument) << path;
    EXPECT_EQ(kind_of(client().set(path, "")), ErrorKind::invalid_argument) << path;
    EXPECT_EQ(kind_of(client().remove(path)), ErrorKind::invalid_argument) << path;
    EXPECT_EQ(kind_of(client().exists(path)), ErrorKind::invalid_argument) << path;
    EXPECT_EQ(kind_of(client().children(path)), ErrorKind::invalid_argument) << path;
  }
  EXPECT_EQ(kind_of(client().remove("/")), ErrorKind::invalid_argument);
  for (std::string path : {"/.a", "/a.", "/...", "/a b", "/<default>", "/\xc3\xa9", "/-"}) {
    EXPECT_TRUE(client().create(path)) << path;
  }
}

TEST_P(MetadataStoreContract, RefusesRequestsThatAreTooLargeAndTakesTheLargestAllowed) {
  std::string most(request_bytes_max - 2, 'x');
  ASSERT_TRUE(client().create("/a", most));
  EXPECT_EQ(client().get("/a")->stat.data_length_bytes, static_cast<std::int32_t>(most.size()));
  most.push_back('x');
  EXPECT_EQ(kind_of(client().set("/a", most)), ErrorKind::invalid_argument);
  EXPECT_EQ(kind_of(client().multi({CheckOperation{"/a", any_version}, SetOperation{"/a", most, any_version}})),
            ErrorKind::invalid_argument);
}

// --- children --------------------------------------------------------------------------------------------------------

TEST_P(MetadataStoreContract, ListsTheChildrenAndNotTheirChildren) {
  ASSERT_TRUE(client().create("/a"));
  EXPECT_THAT(client().children("/a")->names, IsEmpty());
  // Names around '/' in the order of bytes: none may hide another.
  for (std::string path :
       {"/a/c", "/a/c/deep", "/a/c/deep/er", "/a/c-x", "/a/c.x", "/a/c0", "/a/cc", "/a/b", "/a-b", "/a0", "/ab"}) {
    ASSERT_TRUE(client().create(path)) << path;
  }
  auto children = client().children("/a");
  ASSERT_TRUE(children);
  EXPECT_THAT(children->names, UnorderedElementsAre("b", "c", "c-x", "c.x", "c0", "cc"));
  EXPECT_EQ(children->stat.num_children, 6);
  EXPECT_THAT(client().children("/a/c")->names, ElementsAre("deep"));
}

TEST_P(MetadataStoreContract, CountsCreationsAndDeletionsOfChildrenInTheParentsStat) {
  auto parent = client().create("/a", "x");
  auto b = client().create("/a/b");
  auto c = client().create("/a/c");
  ASSERT_TRUE(c);
  auto stat = client().get("/a")->stat;
  EXPECT_EQ(stat.cversion, 2);
  EXPECT_EQ(stat.num_children, 2);
  EXPECT_EQ(stat.pzxid, c->stat.czxid);
  ASSERT_TRUE(client().remove("/a/b"));
  stat = client().get("/a")->stat;
  EXPECT_EQ(stat.cversion, 3);
  EXPECT_EQ(stat.num_children, 1);
  EXPECT_GT(stat.pzxid, c->stat.czxid);
  EXPECT_EQ(stat.mzxid, parent->stat.mzxid);
  EXPECT_EQ(stat.version, ZnodeVersion(0));
  ASSERT_TRUE(client().set("/a/c", "y"));
  EXPECT_EQ(client().get("/a")->stat, stat);
}

TEST_P(MetadataStoreContract, NumbersSequentialChildrenByAllThatWereEverCreated) {
  ASSERT_TRUE(client().create("/s"));
  auto sequential = CreateMode::persistent_sequential;
  EXPECT_EQ(client().create("/s/n-", "", sequential)->path, "/s/n-0000000000");
  EXPECT_EQ(client().create("/s/n-", "", sequential)->path, "/s/n-0000000001");
  ASSERT_TRUE(client().remove("/s/n-0000000000"));
  EXPECT_EQ(client().create("/s/n-", "", sequential)->path, "/s/n-0000000002");
  EXPECT_EQ(client().create("/s/", "", sequential)->path, "/s/0000000003");
  ASSERT_TRUE(client().create("/s/plain"));
  EXPECT_EQ(client().create("/s/e-", "", CreateMode::ephemeral_sequential)->path, "/s/e-0000000005");
  auto stat = client().get("/s")->stat;
  EXPECT_EQ(stat.cversion, 7);
  EXPECT_EQ(stat.num_children, 5);
}

// --- multi -----------------------------------------------------------------------------------------------------------

TEST_P(MetadataStoreContract, AppliesAMultiWholeUnderOneZxidEachOperationSeeingTheOnesBefore) {
  auto result =
      client().multi({CreateOperation{"/m", "a", CreateMode::persistent},
                      CreateOperation{"/m/c", "b", CreateMode::persistent_sequential},
                      SetOperation{"/m", "c", ZnodeVersion(0)}, CheckOperation{"/m", ZnodeVersion(1)},
                      CreateOperation{"/gone", "", CreateMode::persistent}, RemoveOperation{"/gone", ZnodeVersion(0)}});
  ASSERT_TRUE(result) << result.error().message;
  ASSERT_TRUE(result->applied()) << result->failure->error.message;
  ASSERT_EQ(result->results.size(), 6U);
  EXPECT_EQ(std::get<Created>(result->results[0]).path, "/m");
  EXPECT_EQ(std::get<Created>(result->results[1]).path, "/m/c0000000000");
  EXPECT_EQ(std::get<Stat>(result->results[2]).version, ZnodeVersion(1));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(result->results[3]));
  auto parent = client().get("/m")->stat;
  auto child = client().get("/m/c0000000000")->stat;
  EXPECT_EQ(parent.czxid, child.czxid);
  EXPECT_EQ(parent.mzxid, parent.czxid);
  EXPECT_EQ(parent.pzxid, parent.czxid);
  EXPECT_EQ(std::get<Created>(result->results[0]).stat.czxid, parent.czxid);
  EXPECT_FALSE(client().exists("/gone")->has_value());
}

TEST_P(MetadataStoreContract, AppliesNothingOfAMultiThatFailsAndNamesTheFirstFailure) {
  auto before = client().create("/m", "a")->stat;
  auto result =
      client().multi({SetOperation{"/m", "b", ZnodeVersion(0)}, CreateOperation{"/m/c", "", CreateMode::persistent},
                      CheckOperation{"/none", any_version}, RemoveOperation{"/also-none", any_version}});
  ASSERT_TRUE(result) << result.error().message;
  ASSERT_FALSE(result->applied());
  EXPECT_EQ(result->failure->operation, 2U);
  EXPECT_EQ(result->failure->error.kind, ErrorKind::not_found);
  EXPECT_THAT(result->results, IsEmpty());
  auto after = client().get("/m");
  EXPECT_EQ(after->data, "a");
  EXPECT_EQ(after->stat, before);
  EXPECT_FALSE(client().exists("/m/c")->has_value());
}

TEST_P(MetadataStoreContract, NamesEachKindOfFailureInAMulti) {
  ASSERT_TRUE(client().create("/m"));
  ASSERT_TRUE(client().create("/m/c"));
  ASSERT_TRUE(client().create("/e", "", CreateMode::ephemeral));
  auto failure = [&](Operation operation) {
    auto result = client().multi({CheckOperation{"/m", ZnodeVersion(0)}, std::move(operation)});
    EXPECT_TRUE(result && !result->applied());
    EXPECT_EQ(result->failure->operation, 1U);
    return result->failure->error.kind;
  };
  EXPECT_EQ(failure(CreateOperation{"/m", "", CreateMode::persistent}), ErrorKind::already_exists);
  EXPECT_EQ(failure(CreateOperation{"/x/y", "", CreateMode::persistent}), ErrorKind::not_found);
  EXPECT_EQ(failure(CreateOperation{"/e/c", "", CreateMode::persistent}), ErrorKind::unsupported);
  EXPECT_EQ(failure(SetOperation{"/m", "", ZnodeVersion(7)}), ErrorKind::version_mismatch);
  EXPECT_EQ(failure(CheckOperation{"/m", ZnodeVersion(7)}), ErrorKind::version_mismatch);
  EXPECT_EQ(failure(RemoveOperation{"/m", any_version}), ErrorKind::not_empty);
}

TEST_P(MetadataStoreContract, TakesAMultiOfChecksAndAnEmptyOne) {
  ASSERT_TRUE(client().create("/m"));
  auto checks = client().multi({CheckOperation{"/m", any_version}, CheckOperation{"/m", ZnodeVersion(0)}});
  ASSERT_TRUE(checks);
  EXPECT_TRUE(checks->applied());
  auto empty = client().multi({});
  ASSERT_TRUE(empty);
  EXPECT_TRUE(empty->applied());
}

// --- order -----------------------------------------------------------------------------------------------------------

TEST_P(MetadataStoreContract, AnswersInTheOrderOfTheCallsAndReadsItsOwnWrites) {
  ASSERT_TRUE(client().create("/counter", "-1"));
  std::vector<std::string> read;
  std::size_t answers = 0;
  constexpr int rounds = 500;
  std::vector<int> order;
  for (int round = 0; round < rounds; ++round) {
    client().store().set("/counter", std::to_string(round), ZnodeVersion(round), [&, round](Result<Stat> stat) {
      EXPECT_TRUE(stat) << stat.error().message;
      order.push_back(round * 2);
      ++answers;
    });
    client().store().get("/counter", Watch::no, [&, round](Result<Znode> znode) {
      EXPECT_EQ(znode->data, std::to_string(round));
      order.push_back(round * 2 + 1);
      ++answers;
    });
  }
  EXPECT_EQ(answers, 0U) << "an answer came from inside the call";
  ASSERT_TRUE(wait_until(shard(), [&] { return answers == rounds * 2; }));
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST_P(MetadataStoreContract, LetsOneOfTwoClientsWinEachVersion) {
  ASSERT_TRUE(client().create("/counter", "0"));
  auto other = connected();
  int wins = 0;
  int losses = 0;
  constexpr int rounds = 50;
  for (int round = 0; round < rounds; ++round) {
    for (auto* one : {&client(), other.get()}) {
      one->store().set("/counter", std::to_string(round), ZnodeVersion(round), [&](Result<Stat> stat) {
        if (stat) {
          ++wins;
        } else {
          EXPECT_EQ(stat.error().kind, ErrorKind::version_mismatch);
          ++losses;
        }
      });
    }
    ASSERT_TRUE(wait_until(shard(), [&] { return wins + losses == (round + 1) * 2; }));
  }
  EXPECT_EQ(wins, rounds);
  EXPECT_EQ(client().get("/counter")->stat.version, ZnodeVersion(rounds));
}

TEST_P(MetadataStoreContract, ShowsAnotherClientsWritesAfterASync) {
  auto other = connected();
  for (int round = 0; round < 20; ++round) {
    auto path = "/written-" + std::to_string(round);
    ASSERT_TRUE(other->create(path));
    ASSERT_TRUE(client().sync("/"));
    EXPECT_TRUE(client().exists(path)->has_value());
  }
}

// --- watches ---------------------------------------------------------------------------------------------------------

TEST_P(MetadataStoreContract, FiresAGetsWatchOnceForTheNextChangeOfData) {
  auto other = connected();
  ASSERT_TRUE(client().create("/a", "0"));
  ASSERT_TRUE(client().get("/a", Watch::yes));
  ASSERT_TRUE(other->set("/a", "1"));
  ASSERT_TRUE(client().hears("data_changed /a"));
  ASSERT_TRUE(other->set("/a", "2"));
  ASSERT_TRUE(client().sync("/a"));
  EXPECT_EQ(client().get("/a", Watch::yes)->data, "2");
  EXPECT_THAT(client().take_heard(), ElementsAre("data_changed /a"));
  ASSERT_TRUE(other->remove("/a"));
  ASSERT_TRUE(client().hears("deleted /a"));
  EXPECT_THAT(client().take_heard(), ElementsAre("deleted /a"));
  EXPECT_THAT(other->heard(), IsEmpty());
}

TEST_P(MetadataStoreContract, FiresAnExistsWatchForACreationAChangeAndADeletion) {
  ASSERT_FALSE(client().exists("/a", Watch::yes)->has_value());
  ASSERT_TRUE(client().create("/a"));
  ASSERT_TRUE(client().exists("/a", Watch::yes)->has_value());
  ASSERT_TRUE(client().set("/a", "x"));
  ASSERT_TRUE(client().exists("/a", Watch::yes)->has_value());
  ASSERT_TRUE(client().remove("/a"));
  ASSERT_TRUE(client().create("/a"));
  EXPECT_THAT(client().take_heard(), ElementsAre("created /a", "data_changed /a", "deleted /a"));
}

TEST_P(MetadataStoreContract, FiresAChildWatchForCreationsAndDeletionsBelowAndForTheParentsOwnEnd) {
  ASSERT_TRUE(client().create("/a"));
  ASSERT_TRUE(client().children("/a", Watch::yes));
  ASSERT_TRUE(client().set("/a", "not of the children's concern"));
  EXPECT_THAT(client().take_heard(), IsEmpty());
  ASSERT_TRUE(client().create("/a/b"));
  EXPECT_THAT(client().take_heard(), ElementsAre("children_changed /a"));
  ASSERT_TRUE(client().children("/a", Watch::yes));
  ASSERT_TRUE(client().set("/a/b", "nor is this"));
  ASSERT_TRUE(client().create("/a/b/c"));
  ASSERT_TRUE(client().remove("/a/b/c"));
  EXPECT_THAT(client().take_heard(), IsEmpty());
  ASSERT_TRUE(client().remove("/a/b"));
  EXPECT_THAT(client().take_heard(), ElementsAre("children_changed /a"));
  ASSERT_TRUE(client().children("/a", Watch::yes));
  ASSERT_TRUE(client().remove("/a"));
  EXPECT_THAT(client().take_heard(), ElementsAre("deleted /a"));
}

TEST_P(MetadataStoreContract, TellsADeletionOnceToWhoWatchesDataAndChildren) {
  ASSERT_TRUE(client().create("/a"));
  ASSERT_TRUE(client().get("/a", Watch::yes));
  ASSERT_TRUE(client().get("/a", Watch::yes));
  ASSERT_TRUE(client().exists("/a", Watch::yes));
  ASSERT_TRUE(client().children("/a", Watch::yes));
  ASSERT_TRUE(client().remove("/a"));
  EXPECT_THAT(client().take_heard(), ElementsAre("deleted /a"));
}

TEST_P(MetadataStoreContract, LeavesNoWatchWhenTheReadFails) {
  ASSERT_FALSE(client().get("/a", Watch::yes));
  ASSERT_FALSE(client().children("/a", Watch::yes));
  ASSERT_TRUE(client().create("/a"));
  ASSERT_TRUE(client().create("/a/b"));
  EXPECT_THAT(client().take_heard(), IsEmpty());
}

TEST_P(MetadataStoreContract, FiresTheWatchesOfAMultiInTheOrderOfItsOperations) {
  ASSERT_TRUE(client().create("/m"));
  ASSERT_TRUE(client().create("/m/c"));
  ASSERT_TRUE(client().exists("/m", Watch::yes));
  ASSERT_TRUE(client().children("/m", Watch::yes));
  ASSERT_TRUE(client().children("/", Watch::yes));
  auto result =
      client().multi({RemoveOperation{"/m/c", any_version}, RemoveOperation{"/m", any_version},
                      CreateOperation{"/m", "", CreateMode::persistent}, SetOperation{"/m", "x", ZnodeVersion(0)}});
  ASSERT_TRUE(result && result->applied());
  EXPECT_THAT(client().take_heard(), ElementsAre("children_changed /m", "deleted /m", "children_changed /"));
}

TEST_P(MetadataStoreContract, FiresNothingForAMultiThatFails) {
  ASSERT_TRUE(client().create("/m"));
  ASSERT_TRUE(client().get("/m", Watch::yes));
  auto result = client().multi({SetOperation{"/m", "x", any_version}, CheckOperation{"/none", any_version}});
  ASSERT_TRUE(result && !result->applied());
  EXPECT_THAT(client().take_heard(), IsEmpty());
  ASSERT_TRUE(client().set("/m", "y"));
  EXPECT_THAT(client().take_heard(), ElementsAre("data_changed /m"));
}

TEST_P(MetadataStoreContract, DeliversAWatchsEventBeforeAnyAnswerThatShowsTheChange) {
  auto other = connected();
  ASSERT_TRUE(client().create("/a", "0"));
  for (int round = 1; round <= 30; ++round) {
    ASSERT_TRUE(client().get("/a", Watch::yes));
    ASSERT_TRUE(client().sync("/a"));
    client().take_heard();
    auto value = std::to_string(round);
    bool written = false;
    other->store().set("/a", value, any_version, [&](const Result<Stat>&) { written = true; });
    // Reads without pause, so that some are on their way while the change happens.
    bool seen = false;
    std::function<void()> read = [&] {
      client().store().get("/a", Watch::no, [&](Result<Znode> znode) {
        client().note("read " + znode->data);
        seen = znode->data == value;
        if (!seen) read();
      });
    };
    read();
    ASSERT_TRUE(wait_until(shard(), [&] { return seen && written; }));
    auto heard = client().take_heard();
    auto event = std::ranges::find(heard, "data_changed /a");
    auto newer = std::ranges::find(heard, "read " + value);
    ASSERT_NE(event, heard.end());
    ASSERT_LT(event - heard.begin(), newer - heard.begin()) << testing::PrintToString(heard);
  }
}

TEST_P(MetadataStoreContract, TellsEveryListenerAndNobodyWhoLeft) {
  struct Listener final : MetadataListener {
    std::vector<std::string> heard;
    void on_session_event(SessionEvent event) override { heard.push_back(to_text(event)); }
    void on_watch_event(const WatchEvent& event) override { heard.push_back(to_text(event)); }
  };
  Listener second;
  client().store().add_listener(second);
  ASSERT_TRUE(client().create("/a"));
  ASSERT_TRUE(client().get("/a", Watch::yes));
  ASSERT_TRUE(client().set("/a", "1"));
  EXPECT_THAT(second.heard, ElementsAre("data_changed /a"));
  client().store().remove_listener(second);
  ASSERT_TRUE(client().get("/a", Watch::yes));
  ASSERT_TRUE(client().set("/a", "2"));
  EXPECT_THAT(second.heard, ElementsAre("data_changed /a"));
  EXPECT_THAT(client().heard(), ElementsAre("data_changed /a", "data_changed /a"));
}

// --- sessions --------------------------------------------------------------------------------------------------------

TEST_P(MetadataStoreContract, DoesNothingBeforeASessionIsOpened) {
  auto other = connect();
  EXPECT_FALSE(other->store().session().has_value());
  EXPECT_EQ(kind_of(other->create("/a")), ErrorKind::unavailable);
  EXPECT_EQ(kind_of(other->get("/")), ErrorKind::unavailable);
  EXPECT_EQ(kind_of(other->close()), ErrorKind::unavailable);
  EXPECT_FALSE(client().exists("/a")->has_value());
}

TEST_P(MetadataStoreContract, TakesOperationsAsSoonAsTheSessionIsAskedFor) {
  auto other = connect();
  other->store().open_session(std::nullopt);
  EXPECT_TRUE(other->create("/early"));
  EXPECT_THAT(other->heard(), ElementsAre("connected"));
  EXPECT_TRUE(other->store().session().has_value());
}

TEST_P(MetadataStoreContract, GivesEachSessionAnIdentityOfItsOwn) {
  auto other = connected();
  ASSERT_TRUE(client().store().session() && other->store().session());
  EXPECT_NE(client().store().session()->id, other->store().session()->id);
  EXPECT_NE(client().store().session()->id, no_session);
}

TEST_P(MetadataStoreContract, NamesTheOwnerOfAnEphemeralZnodeAndGivesItNoChildren) {
  auto created = client().create("/e", "x", CreateMode::ephemeral);
  ASSERT_TRUE(created);
  EXPECT_EQ(created->stat.ephemeral_owner, client().store().session()->id);
  EXPECT_EQ(kind_of(client().create("/e/child")), ErrorKind::unsupported);
  EXPECT_EQ(kind_of(client().create("/e/child", "", CreateMode::ephemeral_sequential)), ErrorKind::unsupported);
  EXPECT_TRUE(client().set("/e", "y"));
  EXPECT_EQ(client().get("/e")->stat.num_children, 0);
}

TEST_P(MetadataStoreContract, RemovesEphemeralZnodesWhenTheirSessionIsClosedAndTellsWhoWatches) {
  auto other = connected();
  ASSERT_TRUE(client().create("/dir"));
  ASSERT_TRUE(other->create("/dir/e", "", CreateMode::ephemeral));
  ASSERT_TRUE(other->create("/dir/p"));
  ASSERT_TRUE(client().sync("/"));
  ASSERT_TRUE(client().exists("/dir/e", Watch::yes)->has_value());
  ASSERT_TRUE(client().children("/dir", Watch::yes));
  ASSERT_TRUE(other->close());
  EXPECT_THAT(other->take_heard(), ElementsAre("closed"));
  EXPECT_FALSE(other->store().session().has_value());
  ASSERT_TRUE(client().hears("children_changed /dir"));
  EXPECT_THAT(client().take_heard(), UnorderedElementsAre("deleted /dir/e", "children_changed /dir"));
  EXPECT_FALSE(client().exists("/dir/e")->has_value());
  EXPECT_TRUE(client().exists("/dir/p")->has_value());
  EXPECT_EQ(kind_of(other->get("/dir")), ErrorKind::unavailable);
  ASSERT_TRUE(other->open());
  EXPECT_TRUE(other->get("/dir"));
}

TEST_P(MetadataStoreContract, ClosesTheSessionOfAClientThatIsDestroyed) {
  auto other = connected();
  ASSERT_TRUE(other->create("/e", "", CreateMode::ephemeral));
  ASSERT_TRUE(client().sync("/"));
  ASSERT_TRUE(client().exists("/e", Watch::yes)->has_value());
  other->destroy();
  EXPECT_TRUE(client().hears("deleted /e"));
  EXPECT_FALSE(client().exists("/e")->has_value());
}

TEST_P(MetadataStoreContract, AnswersEveryOperationOfAClientThatIsDestroyed) {
  auto other = connected();
  int answers = 0;
  constexpr int calls = 200;
  for (int call = 0; call < calls; ++call) {
    other->store().create("/late-" + std::to_string(call), "", CreateMode::persistent,
                          [&, call](Result<Created> created) {
                            EXPECT_TRUE(created || created.error().kind == ErrorKind::unavailable ||
                                        created.error().kind == ErrorKind::connection_loss);
                            EXPECT_EQ(answers++, call);
                          });
  }
  other->destroy();
  EXPECT_TRUE(wait_until(shard(), [&] { return answers == calls; }));
}

TEST_P(MetadataStoreContract, FailsEverythingAfterAnExpiryUntilASessionIsOpened) {
  auto other = connected();
  ASSERT_TRUE(other->create("/e", "", CreateMode::ephemeral));
  ASSERT_TRUE(client().create("/a"));
  ASSERT_TRUE(other->sync("/"));
  ASSERT_TRUE(other->get("/a", Watch::yes));
  auto identity = other->store().session();
  store().expire(other->store());
  ASSERT_TRUE(other->hears("expired"));
  EXPECT_FALSE(other->store().session().has_value());
  EXPECT_EQ(kind_of(other->get("/a")), ErrorKind::session_expired);
  EXPECT_EQ(kind_of(other->create("/b")), ErrorKind::session_expired);
  ASSERT_TRUE(client().sync("/"));
  EXPECT_FALSE(client().exists("/e")->has_value()) << "the ephemeral znode outlived its session";
  EXPECT_FALSE(client().exists("/b")->has_value());
  other->take_heard();
  ASSERT_TRUE(other->open());
  EXPECT_NE(other->store().session()->id, identity->id);
  ASSERT_TRUE(client().set("/a", "changed"));
  ASSERT_TRUE(other->sync("/"));
  EXPECT_EQ(other->get("/a")->data, "changed");
  EXPECT_THAT(other->heard(), ElementsAre("connected")) << "a watch outlived its session";
}

TEST_P(MetadataStoreContract, SaysExpiredWhenTheSessionToTakeOverIsGone) {
  auto other = connected();
  auto identity = other->store().session();
  ASSERT_TRUE(other->close());
  auto third = connect();
  third->store().open_session(identity);
  ASSERT_TRUE(third->hears("expired"));
  EXPECT_EQ(kind_of(third->get("/")), ErrorKind::session_expired);
  ASSERT_TRUE(third->open());
  EXPECT_TRUE(third->get("/"));
}

TEST_P(MetadataStoreContract, DoesNotHandASessionToWhoLacksItsPassword) {
  auto identity = client().store().session();
  ASSERT_TRUE(client().create("/e", "", CreateMode::ephemeral));
  identity->password[0] ^= 1U;
  auto thief = connect();
  thief->store().open_session(identity);
  ASSERT_TRUE(thief->hears("expired"));
  EXPECT_TRUE(client().get("/e"));
}

}  // namespace millrace::metadata::test

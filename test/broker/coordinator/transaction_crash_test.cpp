// A transaction from its producer's first request to its end, with a crash at each of its appends, before or after the
// record is stored: the client asks again, and the outcome is the one that it asked for, everywhere.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "test/broker/coordinator/transaction_world.h"

namespace millrace::coordinator::test {
namespace {

struct CrashedTransaction : TransactionWorld {
  // Everything that is under way, up to the append at which the coordinator crashes.
  void go_on() {
    while (!appends.empty() || !markers.empty()) {
      for (const auto& marker : markers) {
        for (const auto& partition : marker.partitions) ends[partition].insert(marker.committed);
      }
      write_markers();
      if (appends.empty()) continue;
      if (append_count++ != crash_at) {
        append_one();
        continue;
      }
      crashed = true;
      if (stored) log.insert(log.end(), appends[0].records.begin(), appends[0].records.end());
      reload();
    }
  }
  // As a client that comes again until it is heard.
  template <class Request>
  TransactionAnswer insist(Request request) {
    for (int attempt = 0; attempt < 10; ++attempt) {
      const TransactionCall call = request();
      go_on();
      EXPECT_TRUE(error_of(call)) << "a client waits for ever";
      const auto answer = answers[call];
      if (answer.error == ErrorCode::none) return answer;
      if (answer.error != ErrorCode::not_coordinator && answer.error != ErrorCode::concurrent_transactions) {
        ADD_FAILURE() << protocol::to_string(answer.error);
      }
    }
    ADD_FAILURE() << "the client is never heard";
    return {};
  }
  void start_again(int crash, bool is_stored) {
    log.clear();
    reload();
    ends.clear();
    append_count = 0;
    crash_at = crash;
    stored = is_stored;
    crashed = false;
  }

  std::map<TopicPartition, std::set<bool>> ends;
  int append_count = 0;
  int crash_at = 0;
  bool stored = false;
  bool crashed = false;
};

TEST_F(CrashedTransaction, EndsAsItsClientWantsWhereverTheCoordinatorCrashes) {
  for (const bool commit : {true, false}) {
    for (const bool is_stored : {true, false}) {
      int crash = 0;
      for (crashed = true; crashed; ++crash) {
        start_again(crash, is_stored);
        const auto given = insist([&] { return ask_for_id(); });
        const TransactionProducer producer{"t", given.producer_id, given.producer_epoch};
        insist([&] { return add(producer, {orders(0)}); });
        insist([&] { return add(producer, {orders(1), orders(2)}); });
        insist([&] { return end(producer, commit); });
        go_on();
        EXPECT_EQ(state(), commit ? TransactionState::complete_commit : TransactionState::complete_abort);
        for (int partition = 0; partition < 3; ++partition) {
          EXPECT_EQ(ends[orders(partition)], std::set{commit})
              << "crash at append " << crash << ", partition " << partition;
        }
      }
      EXPECT_EQ(crash - 1, 5) << "id, two times partitions, outcome, end";
    }
  }
}

TEST_F(CrashedTransaction, OfAProducerThatIsFencedIsAbortedWhereverTheCoordinatorCrashes) {
  for (const bool is_stored : {true, false}) {
    int crash = 0;
    for (crashed = true; crashed; ++crash) {
      start_again(-1, false);
      const auto old = begin("t", {orders(0), orders(1)});
      append_count = 0;
      crash_at = crash;
      stored = is_stored;
      const auto given = insist([&] { return ask_for_id(); });
      EXPECT_EQ(given.producer_id, old.id);
      EXPECT_GT(given.producer_epoch, old.epoch + 1);
      for (int partition = 0; partition < 2; ++partition) EXPECT_EQ(ends[orders(partition)], std::set{false});
      EXPECT_EQ(error_of(end(old)), ErrorCode::producer_fenced);
    }
    EXPECT_EQ(crash - 1, 3) << "fence, end, new epoch";
  }
}

}  // namespace
}  // namespace millrace::coordinator::test

// What decoding and encoding cost: microseconds of one thread for messages of a hundred partitions, the median of many turns.
//   millrace_codec_bench      prints lines "WHAT<tab>MICROSECONDS"
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "broker/protocol/message.h"
#include "test/broker/protocol/many_partitions.h"

namespace {

using namespace millrace;
using namespace millrace::protocol;

constexpr std::int32_t partitions = 100;
constexpr int turns = 101;
constexpr int rounds_per_turn = 200;

void check(bool holds) {
  if (!holds) std::abort();
}

template <class Work>
double median_us(Work work) {
  std::vector<double> took_us;
  for (int turn = 0; turn < turns; ++turn) {
    const auto begin = std::chrono::steady_clock::now();
    for (int round = 0; round < rounds_per_turn; ++round) work();
    took_us.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count() /
                      rounds_per_turn);
  }
  std::ranges::nth_element(took_us, took_us.begin() + turns / 2);
  return took_us[turns / 2];
}

void measure_produce() {
  const auto batch = small_batch();
  const auto made = produce_to(partitions, batch);
  const auto body = encode(made, newest_produce).value();
  const auto both = median_us([&] {
    const auto request = decode<ProduceRequest>(body, newest_produce);
    check(request.has_value() && encode(*request, newest_produce).value().size() == body.size());
  });
  const auto answered = median_us([&] {
    const auto request = decode<ProduceRequest>(body, newest_produce);
    check(request.has_value() && encode_response_frame(produced(*request), newest_produce, 7).has_value());
  });
  std::printf("Produce request: decode and encode\t%.3f\n", both);
  std::printf("Produce: decode the request, make and encode its response\t%.3f\n", answered);
}

void measure_fetch() {
  const auto batch = std::make_shared<const std::vector<std::uint8_t>>(small_batch());
  const auto body = encode(fetch_from(partitions), newest_fetch_by_name).value();
  const auto answered = median_us([&] {
    const auto request = decode<FetchRequest>(body, newest_fetch_by_name);
    check(request.has_value() && encode_response_frame(fetched(*request, batch), newest_fetch_by_name, 7).has_value());
  });
  std::printf("Fetch: decode the request, make and encode its response\t%.3f\n", answered);
}

}  // namespace

int main() {
  measure_produce();
  measure_fetch();
  return 0;
}

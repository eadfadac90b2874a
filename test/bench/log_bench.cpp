// What the log layer takes beside the page cache: records are appended to one partition and read back through PartitionLog, on a shard of its
// own, and the same bytes are written to and read from plain files, in turns, in one run.
//   millrace_log_bench FOLDER [GIGABYTES [ROUNDS [RECORD_BYTES [BATCH_BYTES]]]]     4, 3, 1024 and 131072 when absent
// Prints lines "WHAT<tab>PLAIN FILES, MB/s<tab>LOG, MB/s<tab>RATIO", one a round, and the medians.
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/file.h"
#include "broker/base/metrics.h"
#include "broker/base/random.h"
#include "broker/log/log_manager.h"
#include "broker/log/log_options.h"
#include "broker/log/partition_log.h"
#include "broker/network/shard_runtime.h"
#include "broker/protocol/record_batch_builder.h"

namespace {

using namespace millrace;
using Bytes = std::vector<std::uint8_t>;

constexpr std::uint64_t segment_bytes = std::uint64_t{1} << 30;
constexpr std::uint64_t read_bytes = std::uint64_t{1} << 20;  // at once, by both

void check(bool holds, const std::string& what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what.c_str());
  std::_Exit(1);  // the shard's thread may be the one that says it
}

double seconds_of(auto work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// A virtual machine gives free memory back to its host, and who uses it next pays for each page again: not one of the two alone.
void own_memory(std::uint64_t bytes) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory != MAP_FAILED) ::munmap(memory, bytes);
}

struct Workload {
  Bytes batch;
  std::int64_t records_per_batch = 0;
  std::uint64_t batches = 0;

  [[nodiscard]] std::uint64_t size_bytes() const { return batches * batch.size(); }
};

Workload make_workload(std::uint64_t bytes, std::size_t record_bytes, std::size_t batch_bytes) {
  SeededRandom random{7};
  protocol::RecordBatchBuilder builder({});
  Bytes value(record_bytes);
  Workload workload;
  for (std::size_t size = 0; size < batch_bytes; size += record_bytes) {
    for (auto& byte : value) byte = static_cast<std::uint8_t>(random.below(256));
    builder.append(TimestampMs(1'700'000'000'000), std::nullopt, BytesView(value));
    ++workload.records_per_batch;
  }
  workload.batch = *builder.build();
  workload.batches = bytes / workload.batch.size();
  return workload;
}

// Files as long as segments may become.
class PlainFiles {
 public:
  PlainFiles(std::string folder, const Workload& workload) : folder_(std::move(folder)), workload_(workload) {
    std::filesystem::create_directories(folder_);
  }
  ~PlainFiles() { std::filesystem::remove_all(folder_); }
  PlainFiles(const PlainFiles&) = delete;
  PlainFiles& operator=(const PlainFiles&) = delete;

  void write() {
    std::uint64_t position = segment_bytes;
    for (std::uint64_t number = 0; number < workload_.batches; ++number) {
      if (position + workload_.batch.size() > segment_bytes) {
        files_.push_back(open());
        position = 0;
      }
      check(files_.back()->write_at(position, BytesView(workload_.batch)).has_value(),
            "a plain file cannot be written");
      position += workload_.batch.size();
    }
  }
  void read() {
    Bytes into(read_bytes);
    std::uint64_t all = 0;
    for (const auto& file : files_) {
      for (std::uint64_t position = 0;;) {
        auto got = file->read_at(position, into);
        check(got.has_value(), "a plain file cannot be read");
        if (*got == 0) break;
        position += *got;
        all += *got;
      }
    }
    check(all == workload_.size_bytes(), "the plain files have another size");
  }

 private:
  std::shared_ptr<File> open() {
    auto file = posix_file_system().open(folder_ + "/" + std::to_string(files_.size()), OpenMode::create_new);
    check(file.has_value(), "a plain file cannot be made");
    return *file;
  }

  const std::string folder_;
  const Workload& workload_;
  std::vector<std::shared_ptr<File>> files_;
};

// One broker's logs with one partition.
class Log {
 public:
  Log(const std::string& folder, const Workload& workload) : folder_(folder), workload_(workload) {
    auto started = network::ShardRuntime::start({.shards = 1}, metrics_);
    check(started.has_value(), "no shard");
    runtime_ = std::move(*started);
    log::LogManagerOptions options;
    options.directories = {folder_};
    options.broker_id = BrokerId(0);
    options.cluster_id = "bench";
    manager_ = std::make_unique<log::LogManager>(options, posix_file_system(), clock_, runtime_->pool(), random_,
                                                 [this](const TopicPartition&) -> Shard& { return shard(); });
    if (auto opened = manager_->open_directories(); !opened) check(false, opened.error().message);
    if (auto loaded = manager_->load([](const std::string&) { return log::LogConfig{}; }); !loaded)
      check(false, loaded.error().message);
    std::promise<Result<std::shared_ptr<log::PartitionLog>>> made;
    shard().post([&] {
      manager_->get_or_create({"bench", PartitionIndex(0)}, TopicId{{1, 2, 3, 4}}, {},
                              [&](auto result) { made.set_value(std::move(result)); });
    });
    auto log = made.get_future().get();
    if (!log) check(false, log.error().message);
    log_ = std::move(*log);
  }
  ~Log() {
    runtime_->stop();
    log_.reset();
    manager_.reset();
    std::filesystem::remove_all(folder_);
  }
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void write() {
    buffer_ = workload_.batch;
    run([this] { append_next(); });
  }
  void read() {
    read_.resize(read_bytes);
    run([this] { read_next(); });
  }

 private:
  Shard& shard() { return runtime_->at(0); }
  template <class Begin>
  void run(Begin begin) {
    done_ = {};
    number_ = 0;
    shard().post(begin);
    done_.get_future().get();
  }

  // As a connection does it: a few in each turn.
  void append_next() {
    if (number_ == workload_.batches) return done_.set_value();
    ++number_;
    std::fill_n(buffer_.begin(), sizeof(std::int64_t),
                std::uint8_t{0});  // the base offset that the last append gave it
    log_->append({buffer_, log::AppendOrigin::client, LeaderEpoch(0), clock_.wall_clock()}, [this](auto outcome) {
      if (!outcome) check(false, outcome.error().message);
      shard().post([this] { append_next(); });
    });
  }

  void read_next() {
    if (number_ == workload_.batches) return done_.set_value();
    const Offset from(static_cast<std::int64_t>(number_) * workload_.records_per_batch);
    log_->read({from, log_->log_end_offset(), read_bytes, true}, [this, from](auto outcome) {
      if (!outcome) check(false, outcome.error().message);
      take(from, outcome->records);
      shard().post([this] { read_next(); });
    });
  }

  // What the connection does with it, by read instead of sendfile, which the floor has no equal of.
  void take(Offset from, const FileSlice& slice) {
    const auto length = std::min<std::uint64_t>(slice.length_bytes, read_.size());
    auto got = slice.file->read_at(slice.position, MutableBytes(read_).first(length));
    check(got.has_value() && *got == length, "a slice cannot be read");
    check(Offset(load_big_endian<std::int64_t>(read_.data())) == from, "a slice begins with another batch");
    const auto whole = length / workload_.batch.size();
    check(whole > 0, "a slice has no whole batch");
    number_ += whole;
  }

  const std::string folder_;
  const Workload& workload_;
  SystemClock clock_;
  SystemRandom random_;
  MetricsRegistry metrics_;
  std::unique_ptr<network::ShardRuntime> runtime_;
  std::unique_ptr<log::LogManager> manager_;
  std::shared_ptr<log::PartitionLog> log_;
  Bytes buffer_;
  Bytes read_;
  std::uint64_t number_ = 0;  // batches that were appended or read
  std::promise<void> done_;
};

struct Figures {
  std::vector<double> plain;
  std::vector<double> log;
  std::vector<double> ratio;

  void add(double plain_seconds, double log_seconds, double megabytes) {
    plain.push_back(megabytes / plain_seconds);
    log.push_back(megabytes / log_seconds);
    ratio.push_back(plain_seconds / log_seconds);
  }
};

void show(const char* what, double plain, double log, double ratio) {
  std::printf("%s\t%.0f\t%.0f\t%.2f\n", what, plain, log, ratio);
  std::fflush(stdout);
}

double median(std::vector<double> of) {
  std::ranges::sort(of);
  return of[of.size() / 2];
}

}  // namespace

int main(int count, char** arguments) {
  const auto number = [&](int at, std::uint64_t otherwise) {
    return count > at ? std::strtoull(arguments[at], nullptr, 10) : otherwise;
  };
  check(count >= 2, "millrace_log_bench FOLDER [GIGABYTES [ROUNDS [RECORD_BYTES [BATCH_BYTES]]]]");
  const std::string folder = arguments[1];
  for (const char* name : {"/plain", "/log"})
    check(!std::filesystem::exists(folder + name),
          folder + name + " is there already: its content would be measured too");
  const auto gigabytes = number(2, 4);
  const auto rounds = number(3, 3);
  const auto record_bytes = number(4, 1024);
  const auto batch_bytes = number(5, 128 * 1024);
  check(gigabytes > 0 && rounds > 0 && record_bytes > 0 && batch_bytes >= record_bytes, "a number is wrong");
  const auto workload = make_workload(gigabytes * 1'000'000'000, record_bytes, batch_bytes);
  const auto megabytes = static_cast<double>(workload.size_bytes()) / 1e6;
  Figures writes;
  Figures reads;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    double plain_write = 0;
    double plain_read = 0;
    {
      PlainFiles files(folder + "/plain", workload);
      own_memory(workload.size_bytes() / 4 * 5);
      plain_write = seconds_of([&] { files.write(); });
      plain_read = seconds_of([&] { files.read(); });
    }
    Log log(folder + "/log", workload);
    own_memory(workload.size_bytes() / 4 * 5);
    writes.add(plain_write, seconds_of([&] { log.write(); }), megabytes);
    reads.add(plain_read, seconds_of([&] { log.read(); }), megabytes);
    show("append", writes.plain.back(), writes.log.back(), writes.ratio.back());
    show("read", reads.plain.back(), reads.log.back(), reads.ratio.back());
  }
  show("append, median", median(writes.plain), median(writes.log), median(writes.ratio));
  show("read, median", median(reads.plain), median(reads.log), median(reads.ratio));
  return 0;
}

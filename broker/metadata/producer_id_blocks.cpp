#include "broker/metadata/producer_id_blocks.h"

#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "broker/base/logging.h"
#include "broker/base/task.h"
#include "broker/metadata/store_retry.h"
#include "broker/metadata/store_tasks.h"
#include "broker/metadata/znodes/producer_id_block.h"
#include "broker/metadata/znodes/znode_paths.h"

namespace millrace::metadata {
namespace {

using znodes::ProducerIdBlock;

constexpr Logger logger{"metadata"};
// So few ids left are the time to claim the next block.
constexpr std::int64_t low_mark = ProducerIdBlock::size / 10;

// The block after the one that stands in the store.
Result<ProducerIdBlock> block_after(const std::string& payload, BrokerId self) {
  std::int64_t first = 0;
  if (!payload.empty()) {
    auto latest = znodes::decode_producer_id_block(payload);
    if (!latest) return latest;
    if (latest->last.value() > std::numeric_limits<std::int64_t>::max() - ProducerIdBlock::size) {
      return fail(ErrorKind::resource_exhausted, "all producer ids of this cluster are given out");
    }
    first = latest->last.value() + 1;
  }
  return ProducerIdBlock{self, ProducerId(first), ProducerId(first + ProducerIdBlock::size - 1)};
}

}  // namespace

class ProducerIdBlocks::State : public std::enable_shared_from_this<State> {
 public:
  State(MetadataStore& store, BrokerId self) : store_(&store), self_(self) {}

  void next(Reply<ProducerId> reply) {
    if (waiting_.empty() && take(reply)) return;
    if (waiting_.size() >= waiting_max) {
      reply(fail(ErrorKind::resource_exhausted, "too many producers wait for an id"));
      return;
    }
    waiting_.push_back(std::move(reply));
    claim();
  }

  void stop() {
    store_ = nullptr;
    for (auto& reply : std::exchange(waiting_, {})) reply(fail(ErrorKind::unavailable, "the broker is stopping"));
  }

 private:
  // Answers from the blocks that are there.
  bool take(Reply<ProducerId>& reply) {
    if (left_ == 0 && !spare_) return false;
    if (left_ == 0) {
      next_ = spare_->first;
      left_ = ProducerIdBlock::size;
      spare_.reset();
    }
    auto id = next_;
    next_ = next_ + 1;
    --left_;
    if (left_ <= low_mark && !spare_) claim();
    reply(id);
    return true;
  }

  void claim() {
    if (std::exchange(claiming_, true)) return;
    spawn(claim_block(*store_, self_, shared_from_this()),
          [state = shared_from_this()](Result<ProducerIdBlock> block) { state->on_claimed(std::move(block)); });
  }

  void on_claimed(Result<ProducerIdBlock> block) {
    claiming_ = false;
    if (store_ == nullptr) return;
    if (!block) {
      if (waiting_.empty()) logger.warning("no block of producer ids could be claimed: " + block.error().message);
      for (auto& reply : std::exchange(waiting_, {})) reply(tl::unexpected(block.error()));
      return;
    }
    spare_ = *block;
    while (!waiting_.empty() && store_ != nullptr) {
      auto reply = std::move(waiting_.front());
      waiting_.pop_front();
      if (take(reply)) continue;
      waiting_.push_front(std::move(reply));
      claim();
      return;
    }
  }

  static Task<Result<ProducerIdBlock>> claim_block(MetadataStore& store, BrokerId self, std::shared_ptr<State> state) {
    const std::string path(znodes::paths::producer_id_block);
    StoreRetry retry(store.shard());
    while (true) {
      auto latest = co_await get(store, path);
      if (state->store_ == nullptr) co_return stopped();
      if (latest) {
        auto block = block_after(latest->data, self);
        if (!block) co_return block;
        auto written = co_await set(store, path, znodes::encode(*block), latest->stat.version);
        if (state->store_ == nullptr) co_return stopped();
        if (written) co_return *block;
        // Another broker was faster: its block is the new latest.
        if (written.error().kind == ErrorKind::version_mismatch) continue;
        latest = tl::unexpected(std::move(written.error()));
      }
      if (!retry.worth_it(latest.error())) co_return tl::unexpected(std::move(latest.error()));
      co_await retry.pause();
      if (state->store_ == nullptr) co_return stopped();
    }
  }

  static tl::unexpected<Error> stopped() { return fail(ErrorKind::unavailable, "the broker is stopping"); }

  MetadataStore* store_;  // null after stop
  const BrokerId self_;
  ProducerId next_;
  std::int64_t left_ = 0;                 // ids from next_ on
  std::optional<ProducerIdBlock> spare_;  // claimed ahead
  bool claiming_ = false;
  std::deque<Reply<ProducerId>> waiting_;
};

ProducerIdBlocks::ProducerIdBlocks(MetadataStore& store, BrokerId self)
    : state_(std::make_shared<State>(store, self)) {}
ProducerIdBlocks::~ProducerIdBlocks() { state_->stop(); }

void ProducerIdBlocks::next(Reply<ProducerId> reply) { state_->next(std::move(reply)); }

}  // namespace millrace::metadata

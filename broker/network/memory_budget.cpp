#include "broker/network/memory_budget.h"

#include <algorithm>

#include "broker/base/check.h"

namespace millrace::network {

MemoryCharge& MemoryCharge::operator=(MemoryCharge&& other) noexcept {
  if (this != &other) {
    give_back();
    budget_ = std::move(other.budget_);
    bytes_ = std::exchange(other.bytes_, 0);
  }
  return *this;
}

void MemoryCharge::give_back() {
  if (bytes_ == 0) return;
  auto budget = std::move(budget_);
  budget->give_back(std::exchange(bytes_, 0));
}

void MemoryCharge::merge(MemoryCharge other) {
  if (other.bytes_ == 0) return;
  MILLRACE_INVARIANT(bytes_ == 0 || budget_ == other.budget_, "charges of two budgets were merged");
  budget_ = std::move(other.budget_);
  bytes_ += std::exchange(other.bytes_, 0);
}

std::shared_ptr<MemoryBudget> MemoryBudget::make(std::uint64_t capacity_bytes) {
  return std::shared_ptr<MemoryBudget>(new MemoryBudget(capacity_bytes));
}

MemoryCharge MemoryBudget::try_take(std::uint64_t bytes) {
  if (waiting_.load(std::memory_order_seq_cst) != 0 || !take(bytes)) return {};
  return {shared_from_this(), bytes};
}

MemoryCharge MemoryBudget::take_beyond(std::uint64_t bytes) {
  const auto limit_bytes = 2 * capacity_bytes_ + (bytes <= small_piece_bytes() ? capacity_bytes_ / 4 : 0);
  auto used = used_bytes_.load(std::memory_order_seq_cst);
  do {
    if (used > limit_bytes || bytes > limit_bytes - used) return {};
  } while (!used_bytes_.compare_exchange_weak(used, used + bytes, std::memory_order_seq_cst));
  return {shared_from_this(), bytes};
}

std::uint64_t MemoryBudget::beyond_bytes() const {
  const auto used = used_bytes();
  const auto large_bytes = 2 * capacity_bytes_ - std::min(2 * capacity_bytes_, used);
  const auto all_bytes = 2 * capacity_bytes_ + capacity_bytes_ / 4;
  return std::max(large_bytes, std::min(small_piece_bytes(), all_bytes - std::min(all_bytes, used)));
}

MemoryBudget::Ticket MemoryBudget::wait(std::uint64_t bytes, Granted granted) {
  return stand_in(start_of_frame_, std::min(bytes, capacity_bytes_), 0, std::move(granted));
}

MemoryBudget::Ticket MemoryBudget::wait_for_rest(std::uint64_t bytes, std::uint64_t rest_bytes, Granted granted) {
  return stand_in(middle_of_frame_, bytes, std::max(bytes, rest_bytes), std::move(granted));
}

void MemoryBudget::cancel(Ticket ticket) {
  Line dropped;  // dies without the lock
  {
    std::scoped_lock lock(mutex_);
    for (auto* line : {&middle_of_frame_, &start_of_frame_}) {
      auto found =
          std::find_if(line->begin(), line->end(), [&](const Waiter& waiter) { return waiter.ticket == ticket; });
      if (found == line->end()) continue;
      dropped.splice(dropped.begin(), *line, found);
      waiting_.fetch_sub(1, std::memory_order_seq_cst);
    }
  }
  // Those behind may need less than the one that left.
  if (!dropped.empty()) grant_what_fits();
}

bool MemoryBudget::take(std::uint64_t bytes) {
  auto used = used_bytes_.load(std::memory_order_seq_cst);
  do {
    if (used > capacity_bytes_ || bytes > capacity_bytes_ - used) return false;
  } while (!used_bytes_.compare_exchange_weak(used, used + bytes, std::memory_order_seq_cst));
  return true;
}

// Sequentially consistent with stand_in: either this sees the waiter, or the waiter sees these bytes.
void MemoryBudget::give_back(std::uint64_t bytes) {
  used_bytes_.fetch_sub(bytes, std::memory_order_seq_cst);
  if (waiting_.load(std::memory_order_seq_cst) != 0) grant_what_fits();
}

MemoryBudget::Ticket MemoryBudget::stand_in(Line& line, std::uint64_t bytes, std::uint64_t rest_bytes,
                                            Granted granted) {
  Ticket ticket = 0;
  {
    std::scoped_lock lock(mutex_);
    ticket = ++last_ticket_;
    line.push_back(Waiter{ticket, bytes, rest_bytes, std::move(granted)});
    waiting_.fetch_add(1, std::memory_order_seq_cst);
  }
  grant_what_fits();
  return ticket;
}

void MemoryBudget::grant_what_fits() {
  for (;;) {
    Line granted;
    std::uint64_t bytes = 0;
    {
      std::scoped_lock lock(mutex_);
      Line* line = nullptr;
      bytes = next_grant(line);
      if (line == nullptr) return;
      granted.splice(granted.begin(), *line, line->begin());
      waiting_.fetch_sub(1, std::memory_order_seq_cst);
    }
    granted.front().granted(MemoryCharge(shared_from_this(), bytes));
  }
}

// Takes bytes for the first who can have them and names their line.
std::uint64_t MemoryBudget::next_grant(Line*& line) {
  if (!middle_of_frame_.empty()) {
    const auto& first = middle_of_frame_.front();
    line = &middle_of_frame_;
    if (take(first.bytes)) return first.bytes;
    auto used = used_bytes_.load(std::memory_order_seq_cst);
    while (used <= capacity_bytes_) {
      if (used_bytes_.compare_exchange_weak(used, used + first.rest_bytes, std::memory_order_seq_cst))
        return first.rest_bytes;
    }
  }
  line = nullptr;
  if (!start_of_frame_.empty() && take(start_of_frame_.front().bytes)) {
    line = &start_of_frame_;
    return start_of_frame_.front().bytes;
  }
  return 0;
}

}  // namespace millrace::network

// Task<T>: a coroutine of one shard. It starts when it is awaited (or spawned), runs on the shard that started it, and
// resumes there: everything that hops to another shard or to the pool comes back before the next line runs.
// A Task must be awaited or spawned; dropping one that was never started is allowed and does nothing.
//
// Lambdas that capture must not be coroutines that outlive the full expression: pass state as parameters instead.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "broker/base/check.h"
#include "broker/base/shard.h"
#include "broker/base/unique_function.h"
#include "broker/base/work_account.h"

namespace millrace {

template <class T>
class Task;

namespace internal {

struct TaskPromiseBase {
  std::coroutine_handle<> continuation;

  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> finished) const noexcept {
      auto next = finished.promise().continuation;
      return next ? next : std::noop_coroutine();
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  // Expected failures are values; what throws here is a bug or memory exhaustion.
  void unhandled_exception() const noexcept { std::terminate(); }
};

template <class T>
struct TaskPromise : TaskPromiseBase {
  std::optional<T> value;

  Task<T> get_return_object();
  template <class U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
};

template <>
struct TaskPromise<void> : TaskPromiseBase {
  Task<void> get_return_object();
  void return_void() const noexcept {}
};

}  // namespace internal

template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = internal::TaskPromise<T>;

  explicit Task(std::coroutine_handle<promise_type> coroutine) : coroutine_(coroutine) {}
  Task(Task&& other) noexcept : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (coroutine_) coroutine_.destroy();
      coroutine_ = std::exchange(other.coroutine_, nullptr);
    }
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() {
    if (coroutine_) coroutine_.destroy();
  }

  auto operator co_await() && noexcept {
    struct Awaiter {
      std::coroutine_handle<promise_type> coroutine;

      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) const noexcept {
        coroutine.promise().continuation = awaiting;
        return coroutine;
      }
      T await_resume() const {
        if constexpr (!std::is_void_v<T>) return std::move(*coroutine.promise().value);
      }
    };
    return Awaiter{coroutine_};
  }

 private:
  std::coroutine_handle<promise_type> coroutine_;
};

namespace internal {

template <class T>
Task<T> TaskPromise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<TaskPromise<T>>::from_promise(*this));
}
inline Task<void> TaskPromise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<TaskPromise<void>>::from_promise(*this));
}

// The root of a spawned task: starts at once and frees itself at its end.
struct Detached {
  struct promise_type {
    Detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};

}  // namespace internal

// Starts `task` on the current shard and lets it run to its end.
inline void spawn(Task<void> task) {
  [](Task<void> owned) -> internal::Detached { co_await std::move(owned); }(std::move(task));
}

// Starts `task`; `then` gets its value on the shard that spawned it.
template <class T, class Then>
void spawn(Task<T> task, Then then) {
  [](Task<T> owned, Then call) -> internal::Detached { call(co_await std::move(owned)); }(std::move(task),
                                                                                          std::move(then));
}

// Turns a callback interface into something to await: `co_await completion<Result<X>>([&](auto done) { store.get(path, std::move(done)); })`.
// `done` must be called exactly once, on the awaiting shard; it may be called before `start` returns. A `done` that is destroyed
// uncalled leaves the coroutine suspended for ever, so interfaces promise to call it.
template <class T, class Start>
class [[nodiscard]] Completion {
 public:
  explicit Completion(Start start) : start_(std::move(start)) {}
  Completion(const Completion&) = delete;
  Completion& operator=(const Completion&) = delete;

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> awaiting) {
    awaiting_ = awaiting;
    start_(UniqueFunction<void(T)>([this](T value) {
      MILLRACE_INVARIANT(!value_.has_value(), "a completion was called twice");
      value_.emplace(std::move(value));
      if (!suspended_) return;
      // Whoever completes it, the coroutine's time is its own account's.
      const WorkScope scope(std::move(account_));
      awaiting_.resume();
    }));
    if (value_.has_value()) return false;  // called already: go on without suspending
    suspended_ = true;
    account_ = WorkScope::current();
    return true;
  }
  T await_resume() { return std::move(*value_); }

 private:
  Start start_;
  std::coroutine_handle<> awaiting_;
  std::optional<T> value_;
  WorkAccountPointer account_;
  bool suspended_ = false;
};

template <class T, class Start>
Completion<T, Start> completion(Start start) {
  return Completion<T, Start>(std::move(start));
}

// Runs `work` on `target` and gives its value back on `home`, the shard of the awaiting coroutine. On the same shard it runs
// at once. `work` is a plain callable, not a coroutine.
template <class Work>
auto run_on(Shard& home, Shard& target, Work work) {
  using T = std::invoke_result_t<Work&>;
  auto start = [&home, &target, work = std::move(work)](UniqueFunction<void(T)> done) mutable {
    if (&home == &target) {
      done(work());
      return;
    }
    target.post([&home, work = std::move(work), done = std::move(done)]() mutable {
      home.post([value = work(), done = std::move(done)]() mutable { done(std::move(value)); });
    });
  };
  return Completion<T, decltype(start)>(std::move(start));
}

// The same on one of the pool's threads, for calls that block.
template <class Work>
auto run_blocking(Shard& home, Work work) {
  using T = std::invoke_result_t<Work&>;
  auto start = [&home, work = std::move(work)](UniqueFunction<void(T)> done) mutable {
    home.pool().submit([&home, work = std::move(work), done = std::move(done)]() mutable {
      home.post([value = work(), done = std::move(done)]() mutable { done(std::move(value)); });
    });
  };
  return Completion<T, decltype(start)>(std::move(start));
}

// The same on one of the workers, for what computes for long. Its time is the awaiting coroutine's.
template <class Work>
auto run_on_worker(Shard& home, Work work) {
  using T = std::invoke_result_t<Work&>;
  auto start = [&home, work = std::move(work)](UniqueFunction<void(T)> done) mutable {
    home.workers().submit(
        [&home, work = std::move(work), done = std::move(done), account = WorkScope::current()]() mutable {
          auto value = [&] {
            const WorkScope scope(std::move(account));
            return work();
          }();
          home.post([value = std::move(value), done = std::move(done)]() mutable { done(std::move(value)); });
        });
  };
  return Completion<T, decltype(start)>(std::move(start));
}

}  // namespace millrace

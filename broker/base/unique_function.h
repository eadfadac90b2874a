// A callable that owns what it captured and can only be moved: std::function cannot hold a buffer's only owner.
// Small captures (up to 48 bytes) are stored in place, so that posting a task seldom allocates.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "broker/base/check.h"

namespace millrace {

template <class Signature>
class UniqueFunction;

template <class R, class... Args>
class UniqueFunction<R(Args...)> {
 public:
  UniqueFunction() = default;
  UniqueFunction(std::nullptr_t) {}  // NOLINT(google-explicit-constructor): reads as a pointer

  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, UniqueFunction> && std::is_invocable_r_v<R, F&, Args...>)
  UniqueFunction(F&& callable) {  // NOLINT(google-explicit-constructor,bugprone-forwarding-reference-overload)
    using Stored = std::remove_cvref_t<F>;
    if constexpr (fits<Stored>) {
      ::new (static_cast<void*>(storage_)) Stored(std::forward<F>(callable));
      operations_ = &in_place<Stored>;
    } else {
      ::new (static_cast<void*>(storage_)) Stored*(new Stored(std::forward<F>(callable)));
      operations_ = &on_heap<Stored>;
    }
  }

  UniqueFunction(UniqueFunction&& other) noexcept { take(other); }
  UniqueFunction& operator=(UniqueFunction&& other) noexcept {
    if (this != &other) {
      reset();
      take(other);
    }
    return *this;
  }
  UniqueFunction(const UniqueFunction&) = delete;
  UniqueFunction& operator=(const UniqueFunction&) = delete;
  ~UniqueFunction() { reset(); }

  explicit operator bool() const { return operations_ != nullptr; }

  // NOLINTNEXTLINE(performance-unnecessary-value-param): Args says itself what is passed by value, and it is moved on.
  R operator()(Args... args) {
    MILLRACE_INVARIANT(operations_ != nullptr, "an empty UniqueFunction was called");
    return operations_->call(storage_, std::forward<Args>(args)...);
  }

 private:
  static constexpr std::size_t capacity_bytes = 48;

  struct Operations {
    R (*call)(void*, Args&&...);
    void (*move)(void* from, void* to) noexcept;
    void (*destroy)(void*) noexcept;
  };

  template <class Stored>
  static constexpr bool fits = sizeof(Stored) <= capacity_bytes && alignof(Stored) <= alignof(std::max_align_t) &&
                               std::is_nothrow_move_constructible_v<Stored>;

  template <class Stored>
  static constexpr Operations in_place{
      [](void* at, Args&&... args) -> R { return (*static_cast<Stored*>(at))(std::forward<Args>(args)...); },
      [](void* from, void* to) noexcept {
        ::new (to) Stored(std::move(*static_cast<Stored*>(from)));
        static_cast<Stored*>(from)->~Stored();
      },
      [](void* at) noexcept { static_cast<Stored*>(at)->~Stored(); }};

  template <class Stored>
  static constexpr Operations on_heap{
      [](void* at, Args&&... args) -> R { return (**static_cast<Stored**>(at))(std::forward<Args>(args)...); },
      [](void* from, void* to) noexcept { ::new (to) Stored*(*static_cast<Stored**>(from)); },
      [](void* at) noexcept { delete *static_cast<Stored**>(at); }};

  void take(UniqueFunction& other) noexcept {
    operations_ = std::exchange(other.operations_, nullptr);
    if (operations_ != nullptr) operations_->move(other.storage_, storage_);
  }
  void reset() noexcept {
    if (operations_ != nullptr) std::exchange(operations_, nullptr)->destroy(storage_);
  }

  alignas(std::max_align_t) std::byte storage_[capacity_bytes];
  const Operations* operations_ = nullptr;
};

}  // namespace millrace

#include "broker/base/unique_function.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>

namespace millrace {
namespace {

TEST(UniqueFunction, OwnsWhatItCapturedWhetherItFitsInPlaceOrNot) {
  auto watched = std::make_shared<int>(5);
  {
    UniqueFunction<int()> small([watched] { return *watched; });
    UniqueFunction<int()> large([watched, filler = std::array<char, 200>{}] { return *watched + filler[0]; });
    auto moved = std::move(small);
    small = std::move(large);
    EXPECT_EQ(moved() + small(), 10);
    EXPECT_EQ(watched.use_count(), 3);
    moved = nullptr;
    EXPECT_FALSE(static_cast<bool>(moved));
    EXPECT_EQ(watched.use_count(), 2);
  }
  EXPECT_EQ(watched.use_count(), 1);
}

TEST(UniqueFunction, HoldsACallableThatCannotBeCopied) {
  UniqueFunction<int(int)> add([owned = std::make_unique<int>(40)](int more) { return *owned + more; });
  EXPECT_EQ(add(2), 42);
}

TEST(UniqueFunctionDeathTest, AbortsWhenAnEmptyOneIsCalled) {
  UniqueFunction<void()> empty;
  EXPECT_DEATH(empty(), "empty UniqueFunction");
}

}  // namespace
}  // namespace millrace

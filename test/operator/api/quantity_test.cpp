#include "operator/api/quantity.h"

#include <gtest/gtest.h>

namespace millrace::api {
namespace {

Quantity quantity(std::string_view text) { return Quantity::parse(text).value(); }

TEST(Quantity, ComparesAmountsAndKeepsTheText) {
  EXPECT_EQ(quantity("1Gi"), quantity("1024Mi"));
  EXPECT_EQ(quantity("1"), quantity("1000m"));
  EXPECT_EQ(quantity("0.1"), quantity("100m"));
  EXPECT_EQ(quantity("5E"), quantity("5e18"));
  EXPECT_EQ(quantity("1e3"), quantity("1k"));
  EXPECT_LT(quantity("1G"), quantity("1Gi"));
  EXPECT_LT(quantity("9999999Ki"), quantity("10Gi"));
  EXPECT_EQ("1024Mi", quantity("1024Mi").text());
}

TEST(Quantity, SaysWhatAQuantityIs) {
  for (const char* wrong : {"", "-1", "5GB", "Gi", "1 Gi", "five", "nan", "inf", "1e", "0x10", "1Gi1"}) {
    auto parsed = Quantity::parse(wrong);
    ASSERT_FALSE(parsed) << wrong;
    EXPECT_NE(std::string::npos, parsed.error().message.find("5Gi")) << parsed.error().message;
  }
}

}  // namespace
}  // namespace millrace::api

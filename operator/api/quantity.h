// Kubernetes' quantities: "5Gi", "250m", "1e3". The text is kept as it was given; amounts are compared.
// Source: k8s.io/apimachinery/pkg/api/resource (the amounts that operators meet fit a double exactly).
#pragma once

#include <string>
#include <string_view>

#include "broker/base/result.h"

namespace millrace::api {

class Quantity {
 public:
  Quantity() = default;
  // The error says what a quantity looks like.
  static Result<Quantity> parse(std::string_view text);

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] double amount() const { return amount_; }

  friend bool operator==(const Quantity& left, const Quantity& right) { return left.amount_ == right.amount_; }
  friend auto operator<=>(const Quantity& left, const Quantity& right) { return left.amount_ <=> right.amount_; }

 private:
  Quantity(std::string text, double amount) : text_(std::move(text)), amount_(amount) {}

  std::string text_ = "0";
  double amount_ = 0;
};

}  // namespace millrace::api

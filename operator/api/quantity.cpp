#include "operator/api/quantity.h"

#include <array>
#include <charconv>
#include <cmath>
#include <optional>

namespace millrace::api {
namespace {

struct Suffix {
  std::string_view text;
  double multiply;
  double divide;  // dividing by 1000 rounds right where multiplying by 0.001 does not
};

constexpr std::array<Suffix, 16> suffixes{{
    {"", 1, 1},
    {"n", 1, 1e9},
    {"u", 1, 1e6},
    {"m", 1, 1e3},
    {"k", 1e3, 1},
    {"M", 1e6, 1},
    {"G", 1e9, 1},
    {"T", 1e12, 1},
    {"P", 1e15, 1},
    {"E", 1e18, 1},
    {"Ki", 1024.0, 1},
    {"Mi", 1048576.0, 1},
    {"Gi", 1073741824.0, 1},
    {"Ti", 1099511627776.0, 1},
    {"Pi", 1125899906842624.0, 1},
    {"Ei", 1152921504606846976.0, 1},
}};

std::optional<double> amount_of(std::string_view text) {
  if (text.empty() || text.front() == '-' || text.front() == 'i' || text.front() == 'n') return std::nullopt;
  if (text.front() == '+') text.remove_prefix(1);
  double number = 0;
  // "1E" is an exa, "1E3" a thousand: from_chars takes the exponent only where digits follow it.
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || !std::isfinite(number)) return std::nullopt;
  std::string_view rest(end, static_cast<std::size_t>(text.data() + text.size() - end));
  for (const auto& suffix : suffixes) {
    if (suffix.text == rest) return number * suffix.multiply / suffix.divide;
  }
  return std::nullopt;
}

}  // namespace

Result<Quantity> Quantity::parse(std::string_view text) {
  auto amount = amount_of(text);
  if (!amount) {
    return fail(
        ErrorKind::invalid_argument,
        "'" + std::string(text) + "' is not a quantity: a number such as 2, 0.5, 250m, 64Mi or 5Gi is expected");
  }
  return Quantity(std::string(text), *amount);
}

}  // namespace millrace::api

#include "operator/resources/pod_resources.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "broker/base/check.h"

namespace millrace::resources {
namespace {

api::Quantity known(std::string_view text) {
  auto quantity = api::Quantity::parse(text);
  MILLRACE_INVARIANT(quantity.has_value(), "a default of the operator is a quantity");
  return *quantity;
}

}  // namespace

nlohmann::json container_resources(const api::PoolSpec& pool) {
  auto cpu_request = pool.requests.cpu.value_or(known("250m"));
  if (!pool.requests.cpu && pool.limits.cpu) cpu_request = std::min(cpu_request, *pool.limits.cpu);
  auto memory_request = pool.requests.memory.value_or(known("256Mi"));
  auto memory_limit = pool.limits.memory.value_or(std::max(known("1Gi"), memory_request));
  if (!pool.requests.memory) memory_request = std::min(memory_request, memory_limit);

  nlohmann::json limits = {{"memory", memory_limit.text()}};
  if (pool.limits.cpu) limits["cpu"] = pool.limits.cpu->text();
  return {{"requests", {{"cpu", cpu_request.text()}, {"memory", memory_request.text()}}},
          {"limits", std::move(limits)}};
}

}  // namespace millrace::resources

#include "broker/metadata/znodes/controller_registration.h"

#include <charconv>
#include <utility>

#include "broker/metadata/znodes/json_object.h"

namespace millrace::metadata::znodes {

std::string encode(const ControllerRegistration& registration) {
  return R"({"version":2,"brokerid":)" + std::to_string(registration.broker.value()) + R"(,"timestamp":")" +
         std::to_string(registration.timestamp.value()) + R"(","kraftControllerEpoch":)" +
         std::to_string(registration.kraft_epoch) + "}";
}

Result<ControllerRegistration> decode_controller_registration(std::string_view payload) {
  auto json = JsonObject::parse(payload, "the controller's registration");
  if (!json) return tl::unexpected(std::move(json.error()));
  auto broker = json->int32("brokerid");
  if (!broker) return tl::unexpected(std::move(broker.error()));
  ControllerRegistration registration;
  registration.broker = BrokerId(*broker);
  if (json->has("timestamp")) {
    auto timestamp = json->integer_text("timestamp");
    if (!timestamp) return tl::unexpected(std::move(timestamp.error()));
    registration.timestamp = TimestampMs(*timestamp);
  }
  if (json->has("kraftControllerEpoch")) {
    auto epoch = json->int32("kraftControllerEpoch");
    if (!epoch) return tl::unexpected(std::move(epoch.error()));
    registration.kraft_epoch = *epoch;
  }
  return registration;
}

std::string encode(ControllerEpoch epoch) { return std::to_string(epoch.value()); }

Result<ControllerEpoch> decode_controller_epoch(std::string_view payload) {
  std::int32_t epoch = 0;
  auto [end, error] = std::from_chars(payload.data(), payload.data() + payload.size(), epoch);
  if (error != std::errc() || end != payload.data() + payload.size() || epoch < 0) {
    return fail(ErrorKind::corrupt, "the controller epoch cannot be read: it is not a number from 0 to 2147483647");
  }
  return ControllerEpoch(epoch);
}

}  // namespace millrace::metadata::znodes

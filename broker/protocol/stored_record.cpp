#include "broker/protocol/stored_record.h"

#include "broker/protocol/stored_record_codec.h"

namespace millrace::protocol {

Result<Version> stored_record_version(BytesView bytes) {
  if (bytes.size() < sizeof(Version)) {
    return fail(ErrorKind::truncated, std::to_string(bytes.size()) + " bytes hold no version");
  }
  return load_big_endian<Version>(bytes.data());
}

Status check_stored_version(std::string_view name, Versions versions, Version version) {
  if (versions.contains(version)) return {};
  return fail(ErrorKind::unsupported, std::string(name) + " has no version " + std::to_string(version) + ", only " +
                                          std::to_string(versions.lowest) + " to " + std::to_string(versions.highest));
}

Error stored_record_error(std::string_view name, Version version, const Error& error) {
  return {error.kind,
          std::string(name) + (version < 0 ? "" : " version " + std::to_string(version)) + ": " + error.message};
}

std::vector<std::uint8_t> stored_record_buffer(Version version, std::size_t size_bytes) {
  std::vector<std::uint8_t> buffer(sizeof(Version) + size_bytes);
  store_big_endian(buffer.data(), version);
  return buffer;
}

}  // namespace millrace::protocol

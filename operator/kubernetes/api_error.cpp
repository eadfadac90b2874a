#include "operator/kubernetes/api_error.h"

#include <nlohmann/json.hpp>

namespace millrace::kubernetes {

namespace {

constexpr std::size_t message_bytes_max = 2048;

std::string text_at(const nlohmann::json& object, const char* key) {
  if (!object.is_object()) return {};
  auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

const nlohmann::json& member(const nlohmann::json& object, const char* key) {
  static const nlohmann::json nothing;
  if (!object.is_object()) return nothing;
  auto found = object.find(key);
  return found == object.end() ? nothing : *found;
}

bool has_cause(const nlohmann::json& status, std::string_view reason) {
  const nlohmann::json& causes = member(member(status, "details"), "causes");
  if (!causes.is_array()) return false;
  for (const nlohmann::json& cause : causes) {
    if (text_at(cause, "reason") == reason) return true;
  }
  return false;
}

ErrorKind conflict_kind(const nlohmann::json& status) {
  if (text_at(status, "reason") == "AlreadyExists") return ErrorKind::already_exists;
  return has_cause(status, "FieldManagerConflict") ? ErrorKind::conflict : ErrorKind::version_mismatch;
}

// A missing object is named in the details; a missing collection is not.
ErrorKind missing_kind(const nlohmann::json& status, const ApiAction& action) {
  bool names_object = !text_at(member(status, "details"), "name").empty();
  if (names_object) return ErrorKind::not_found;
  return action.on_collection || text_at(status, "reason") != "NotFound" ||
                 text_at(member(status, "details"), "kind").empty()
             ? ErrorKind::unsupported
             : ErrorKind::not_found;
}

ErrorKind kind_of(const nlohmann::json& status, int code, const ApiAction& action) {
  bool version_unknown = has_cause(status, "ResourceVersionTooLarge");
  if (code == 410 || version_unknown) return ErrorKind::session_expired;
  switch (code) {
    case 400:
    case 413:
    case 422:
      return ErrorKind::invalid_argument;
    case 403:
      return has_cause(status, "NamespaceTerminating") ? ErrorKind::unavailable : ErrorKind::permission_denied;
    case 401:
      return ErrorKind::permission_denied;
    case 404:
      return missing_kind(status, action);
    case 405:
    case 406:
    case 415:
      return ErrorKind::unsupported;
    case 409:
      return conflict_kind(status);
    case 408:
    case 504:
      return ErrorKind::timed_out;
    case 429:
      return ErrorKind::unavailable;
    default:
      break;
  }
  if (code >= 500) return ErrorKind::unavailable;
  return ErrorKind::corrupt;
}

// What is not UTF-8 becomes U+FFFD.
std::string valid_text(std::string_view text) {
  nlohmann::json words = std::string(text);
  words = nlohmann::json::parse(words.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  return words.get<std::string>();
}

// Half a UTF-8 character would make every JSON text that the message gets into unwritable.
std::size_t character_edge(std::string_view text, std::size_t at) {
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) --at;
  return at;
}

std::string sentence(const ApiAction& action, std::string words, int code) {
  if (words.size() > message_bytes_max) {
    words.resize(character_edge(words, message_bytes_max));
    words += "…";
  }
  std::string message = "cannot " + std::string(action.verb) + " " + action.subject + ": " + words;
  if (code != 0) message += " (" + std::to_string(code) + ")";
  return message;
}

}  // namespace

Error error_of_status(const nlohmann::json& status, int http_status, const ApiAction& action) {
  int code = http_status;
  const nlohmann::json& own = member(status, "code");
  if (own.is_number_integer()) code = own.get<int>();
  std::string words = text_at(status, "message");
  if (words.empty()) words = text_at(status, "reason");
  if (words.empty()) words = "the API server gives no reason";
  return Error{kind_of(status, code, action), sentence(action, std::move(words), code)};
}

Error error_of_answer(int http_status, std::string_view body, const ApiAction& action) {
  nlohmann::json status = nlohmann::json::parse(body, nullptr, false);
  if (status.is_object() && text_at(status, "kind") == "Status") return error_of_status(status, http_status, action);
  // A proxy's page, or the API server's plain text.
  std::string words = valid_text(body.substr(0, body.find('\n')));
  if (words.empty()) words = "an answer without a reason";
  return Error{kind_of(nlohmann::json(), http_status, action), sentence(action, std::move(words), http_status)};
}

Error with_action(Error error, const ApiAction& action) {
  error.message = sentence(action, std::move(error.message), 0);
  return error;
}

}  // namespace millrace::kubernetes

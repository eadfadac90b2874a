#include "broker/metadata/watch_table.h"

#include <algorithm>

namespace millrace::metadata {
namespace {

void take(std::unordered_map<std::string, std::vector<SessionId>>& watches, const std::string& path,
          std::vector<SessionId>& into) {
  auto at = watches.find(path);
  if (at == watches.end()) return;
  for (auto session : at->second) {
    if (std::ranges::find(into, session) == into.end()) into.push_back(session);
  }
  watches.erase(at);
}

}  // namespace

void WatchTable::add(Kind kind, const std::string& path, SessionId session) {
  auto& sessions = (kind == Kind::data ? data_ : children_)[path];
  if (std::ranges::find(sessions, session) == sessions.end()) sessions.push_back(session);
}

std::vector<SessionId> WatchTable::fire(const WatchEvent& change) {
  std::vector<SessionId> sessions;
  if (change.type != WatchEvent::Type::children_changed) take(data_, change.path, sessions);
  if (change.type == WatchEvent::Type::children_changed || change.type == WatchEvent::Type::deleted) {
    take(children_, change.path, sessions);
  }
  return sessions;
}

void WatchTable::remove_session(SessionId session) {
  for (auto* watches : {&data_, &children_}) {
    for (auto at = watches->begin(); at != watches->end();) {
      std::erase(at->second, session);
      at = at->second.empty() ? watches->erase(at) : std::next(at);
    }
  }
}

}  // namespace millrace::metadata

#include "broker/metadata/znode_tree.h"

#include <array>
#include <cstdio>
#include <type_traits>
#include <utility>

#include "broker/base/check.h"
#include "broker/metadata/znode_path.h"

namespace millrace::metadata {
namespace {

Stat visible_stat(const ZnodeTree::Node& node) {
  Stat stat = node.stat;
  stat.cversion = node.children_created * 2 - stat.num_children;
  stat.data_length_bytes = static_cast<std::int32_t>(node.data.size());
  return stat;
}

tl::unexpected<Error> no_znode(std::string_view path) {
  return fail(ErrorKind::not_found, "there is no znode " + std::string(path));
}

Status check_version(std::string_view path, const ZnodeTree::Node& node, ZnodeVersion expected) {
  if (expected == any_version || expected == node.stat.version) return {};
  return fail(ErrorKind::version_mismatch, "znode " + std::string(path) + " has version " +
                                               std::to_string(node.stat.version.value()) + ", not " +
                                               std::to_string(expected.value()));
}

std::string numbered(const std::string& path, std::int32_t number) {
  std::array<char, 16> digits{};
  int length = std::snprintf(digits.data(), digits.size(), "%010d", number);
  return path + std::string(digits.data(), static_cast<std::size_t>(length));
}

// The path that a create asks for, checked. A sequential one may be "/parent/", the name being the number alone.
Status validate_create(const CreateOperation& operation) {
  return validate_path(is_sequential(operation.mode) ? operation.path + "1" : operation.path);
}

}  // namespace

ZnodeTree::ZnodeTree() { nodes_.emplace("/", Node{}); }

Result<const ZnodeTree::Node*> ZnodeTree::find(std::string_view path) const {
  if (auto valid = validate_path(path); !valid) return tl::unexpected(valid.error());
  auto at = nodes_.find(path);
  if (at == nodes_.end()) return no_znode(path);
  return &at->second;
}

Result<Znode> ZnodeTree::get(std::string_view path) const {
  auto node = find(path);
  if (!node) return tl::unexpected(std::move(node.error()));
  return Znode{(*node)->data, visible_stat(**node)};
}

Result<std::optional<Stat>> ZnodeTree::exists(std::string_view path) const {
  auto node = find(path);
  if (node) return visible_stat(**node);
  if (node.error().kind == ErrorKind::not_found) return std::optional<Stat>();
  return tl::unexpected(std::move(node.error()));
}

Result<Children> ZnodeTree::children(std::string_view path) const {
  auto node = find(path);
  if (!node) return tl::unexpected(std::move(node.error()));
  Children children;
  children.stat = visible_stat(**node);
  children.names.reserve(static_cast<std::size_t>((*node)->stat.num_children));
  std::string prefix(path);
  if (prefix.back() != '/') prefix += '/';
  // Descendants are the keys that begin with the prefix. The subtree of a grandchild's parent ("prefix" "name" "/") is one
  // run of them, left behind by looking for the first key after every "prefix" "name" "/…": '0' follows '/'.
  for (auto at = nodes_.upper_bound(prefix); at != nodes_.end() && at->first.starts_with(prefix);) {
    auto slash = at->first.find('/', prefix.size());
    if (slash == std::string::npos) {
      children.names.push_back(at->first.substr(prefix.size()));
      ++at;
    } else {
      at = nodes_.lower_bound(at->first.substr(0, slash) + '0');
    }
  }
  return children;
}

Result<Created> ZnodeTree::create(const CreateOperation& operation, const WriteContext& context, Changes& changes) {
  if (auto valid = validate_create(operation); !valid) return tl::unexpected(std::move(valid.error()));
  if (operation.path == "/" && !is_sequential(operation.mode)) {
    return fail(ErrorKind::already_exists, "the root znode is always there");
  }
  auto slash = operation.path.rfind('/');
  auto parent_name = slash == 0 ? std::string("/") : operation.path.substr(0, slash);
  auto parent = nodes_.find(parent_name);
  if (parent == nodes_.end()) {
    return fail(ErrorKind::not_found, "znode " + operation.path + " cannot be created: its parent is not there");
  }
  auto path =
      is_sequential(operation.mode) ? numbered(operation.path, parent->second.children_created) : operation.path;
  if (nodes_.contains(path)) return fail(ErrorKind::already_exists, "znode " + path + " exists");
  if (parent->second.stat.ephemeral_owner != no_session) {
    return fail(ErrorKind::unsupported,
                "znode " + path + " cannot be created: its parent is ephemeral and so has no children");
  }
  Node& above = touch(parent);
  ++above.children_created;
  ++above.stat.num_children;
  above.stat.pzxid = context.zxid;

  Node node;
  node.data = operation.data;
  node.stat.czxid = node.stat.mzxid = node.stat.pzxid = context.zxid;
  node.stat.ctime = node.stat.mtime = context.time;
  if (is_ephemeral(operation.mode)) node.stat.ephemeral_owner = context.session;
  Created created{path, visible_stat(node)};
  insert(path, std::move(node));
  changes.push_back({WatchEvent::Type::created, std::move(path)});
  changes.push_back({WatchEvent::Type::children_changed, std::move(parent_name)});
  return created;
}

Result<Stat> ZnodeTree::set(const SetOperation& operation, const WriteContext& context, Changes& changes) {
  if (auto valid = validate_path(operation.path); !valid) return tl::unexpected(std::move(valid.error()));
  auto at = nodes_.find(operation.path);
  if (at == nodes_.end()) return no_znode(operation.path);
  if (auto same = check_version(operation.path, at->second, operation.expected); !same) {
    return tl::unexpected(std::move(same.error()));
  }
  Node& node = touch(at);
  node.data = operation.data;
  node.stat.mzxid = context.zxid;
  node.stat.mtime = context.time;
  node.stat.version = node.stat.version + 1;
  changes.push_back({WatchEvent::Type::data_changed, operation.path});
  return visible_stat(node);
}

Status ZnodeTree::remove(const RemoveOperation& operation, const WriteContext& context, Changes& changes) {
  if (auto valid = validate_path(operation.path); !valid) return valid;
  if (operation.path == "/") return fail(ErrorKind::invalid_argument, "the root znode cannot be deleted");
  auto at = nodes_.find(operation.path);
  if (at == nodes_.end()) return no_znode(operation.path);
  if (auto same = check_version(operation.path, at->second, operation.expected); !same) return same;
  if (at->second.stat.num_children != 0) {
    return fail(ErrorKind::not_empty, "znode " + operation.path + " has " +
                                          std::to_string(at->second.stat.num_children) +
                                          " children and cannot be deleted");
  }
  std::string parent_name(parent_path(operation.path));
  auto parent = nodes_.find(parent_name);
  MILLRACE_INVARIANT(parent != nodes_.end(), "a znode without a parent");
  Node& above = touch(parent);
  --above.stat.num_children;
  above.stat.pzxid = context.zxid;
  erase(at);
  changes.push_back({WatchEvent::Type::deleted, operation.path});
  changes.push_back({WatchEvent::Type::children_changed, std::move(parent_name)});
  return {};
}

Status ZnodeTree::check(const CheckOperation& operation) const {
  auto node = find(operation.path);
  if (!node) return tl::unexpected(std::move(node.error()));
  return check_version(operation.path, **node, operation.expected);
}

Result<OperationResult> ZnodeTree::apply(const Operation& operation, const WriteContext& context, Changes& changes) {
  return std::visit(
      [&](const auto& one) -> Result<OperationResult> {
        using Kind = std::remove_cvref_t<decltype(one)>;
        if constexpr (std::is_same_v<Kind, CreateOperation>) {
          return create(one, context, changes).map([](Created created) { return OperationResult(std::move(created)); });
        } else if constexpr (std::is_same_v<Kind, SetOperation>) {
          return set(one, context, changes).map([](Stat stat) { return OperationResult(stat); });
        } else {
          Status status;
          if constexpr (std::is_same_v<Kind, RemoveOperation>) {
            status = remove(one, context, changes);
          } else {
            status = check(one);
          }
          return status.map([] { return OperationResult(); });
        }
      },
      operation);
}

Result<MultiResult> ZnodeTree::multi(const std::vector<Operation>& operations, const WriteContext& context,
                                     Changes& changes) {
  MultiResult result;
  auto start = mark();
  auto changes_before = changes.size();
  for (std::size_t index = 0; index < operations.size(); ++index) {
    auto one = apply(operations[index], context, changes);
    if (!one) {
      undo_to(start);
      changes.resize(changes_before);
      result.results.clear();
      result.failure = MultiResult::Failure{index, std::move(one.error())};
      return result;
    }
    result.results.push_back(std::move(*one));
  }
  return result;
}

void ZnodeTree::end_session(const WriteContext& context, Changes& changes) {
  auto owned = ephemerals_.find(context.session);
  if (owned == ephemerals_.end()) return;
  auto paths = owned->second;  // remove() takes them out of the index one by one
  for (const auto& path : paths) {
    auto removed = remove({path, any_version}, context, changes);
    MILLRACE_INVARIANT(removed.has_value(), "an ephemeral znode could not be removed");
  }
}

std::vector<SessionId> ZnodeTree::sessions() const {
  std::vector<SessionId> owners;
  owners.reserve(ephemerals_.size());
  for (const auto& [owner, paths] : ephemerals_) owners.push_back(owner);
  return owners;
}

void ZnodeTree::undo_to(Mark mark) {
  while (journal_.size() > mark) {
    auto touched = std::move(journal_.back());
    journal_.pop_back();
    if (auto at = nodes_.find(touched.path); at != nodes_.end()) {
      unindex_ephemeral(touched.path, at->second);
      nodes_.erase(at);
    }
    if (!touched.before) continue;
    index_ephemeral(touched.path, *touched.before);
    nodes_.emplace(std::move(touched.path), std::move(*touched.before));
  }
}

void ZnodeTree::for_each_touched(const std::function<void(const std::string&, const Node*)>& visit) const {
  std::set<std::string_view> seen;
  for (const auto& touched : journal_) {
    if (!seen.insert(touched.path).second) continue;
    auto at = nodes_.find(touched.path);
    visit(touched.path, at == nodes_.end() ? nullptr : &at->second);
  }
}

Status ZnodeTree::restore(std::string path, Node node) {
  if (auto valid = validate_path(path); !valid) return fail(ErrorKind::corrupt, valid.error().message);
  if (path != "/") {
    auto parent = nodes_.find(parent_path(path));
    if (parent == nodes_.end()) return fail(ErrorKind::corrupt, "znode " + path + " is there without its parent");
    ++parent->second.stat.num_children;
  }
  node.stat.num_children = 0;
  index_ephemeral(path, node);
  nodes_.insert_or_assign(std::move(path), std::move(node));
  return {};
}

ZnodeTree::Node& ZnodeTree::touch(Nodes::iterator at) {
  journal_.push_back({at->first, at->second});
  return at->second;
}

void ZnodeTree::insert(std::string path, Node node) {
  journal_.push_back({path, std::nullopt});
  index_ephemeral(path, node);
  nodes_.emplace(std::move(path), std::move(node));
}

void ZnodeTree::erase(Nodes::iterator at) {
  unindex_ephemeral(at->first, at->second);
  journal_.push_back({at->first, std::move(at->second)});
  nodes_.erase(at);
}

void ZnodeTree::index_ephemeral(const std::string& path, const Node& node) {
  if (node.stat.ephemeral_owner != no_session) ephemerals_[node.stat.ephemeral_owner].insert(path);
}

void ZnodeTree::unindex_ephemeral(const std::string& path, const Node& node) {
  if (node.stat.ephemeral_owner == no_session) return;
  auto owned = ephemerals_.find(node.stat.ephemeral_owner);
  owned->second.erase(path);
  if (owned->second.empty()) ephemerals_.erase(owned);
}

}  // namespace millrace::metadata

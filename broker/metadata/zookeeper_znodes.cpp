#include "broker/metadata/zookeeper_znodes.h"

// Declares the library's calls that wait for their answer.
#define THREADED
#include <zookeeper/zookeeper.h>

#include <condition_variable>
#include <mutex>
#include <utility>
#include <variant>

#include "broker/base/logging.h"
#include "broker/metadata/znode_path.h"

namespace millrace::metadata {
namespace {

constexpr Logger logger{"zookeeper"};
constexpr int session_timeout_ms = 10'000;
// Of one transaction: far below what ZooKeeper takes at once.
constexpr std::size_t operations_max = 500;
constexpr std::size_t operation_bytes_max = 500'000;
// Of one znode: more than a server with the default bound can send.
constexpr std::size_t znode_bytes_max = 4'000'000;

struct Address {
  std::string hosts;
  std::string chroot;
};

Result<Address> parse_address(std::string_view text) {
  auto refuse = [&](const std::string& why) {
    return fail(ErrorKind::invalid_argument,
                "'" + std::string(text) + "' is no address of a ZooKeeper (" + why + "): host:port,host:port/chroot");
  };
  Address address;
  auto hosts = text.substr(0, text.find('/'));
  if (hosts.size() < text.size()) address.chroot = text.substr(hosts.size());
  while (address.chroot.ends_with('/')) address.chroot.pop_back();
  if (!address.chroot.empty()) {
    if (auto valid = validate_path(address.chroot); !valid) return refuse(valid.error().message);
  }
  while (true) {
    auto host = hosts.substr(0, hosts.find(','));
    if (host.empty()) return refuse("a host is missing");
    const auto colon = host.rfind(':');
    const bool has_port = colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos;
    const auto port = has_port ? host.substr(colon + 1) : std::string_view("2181");
    if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != std::string_view::npos)
      return refuse("'" + std::string(port) + "' is no port");
    address.hosts += (address.hosts.empty() ? "" : ",") + std::string(host) + (has_port ? "" : ":2181");
    if (host.size() == hosts.size()) return address;
    hosts.remove_prefix(host.size() + 1);
  }
}

tl::unexpected<Error> refused(int code, const std::string& what) {
  return fail(code == ZNONODE ? ErrorKind::not_found : ErrorKind::io, what + ": " + zerror(code));
}

void log_line(const char* line) { logger.debug(line); }

}  // namespace

class ZookeeperZnodes::Session {
 public:
  Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() {
    if (handle_ != nullptr) zookeeper_close(handle_);
  }

  Status open(const std::string& hosts, Duration patience) {
    handle_ = zookeeper_init2(hosts.c_str(), &Session::on_event, session_timeout_ms, nullptr, this, 0, &log_line);
    if (handle_ == nullptr) return fail(ErrorKind::invalid_argument, "ZooKeeper at " + hosts + ": " + zerror(errno));
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, patience, [this] { return state_ == ZOO_CONNECTED_STATE; })) return {};
    return fail(ErrorKind::timed_out, "no ZooKeeper answers at " + hosts);
  }
  zhandle_t* handle() { return handle_; }

 private:
  static void on_event(zhandle_t* /*handle*/, int type, int state, const char* /*path*/, void* context) {
    if (type != ZOO_SESSION_EVENT) return;
    auto& self = *static_cast<Session*>(context);
    std::lock_guard lock(self.mutex_);
    self.state_ = state;
    self.changed_.notify_all();
  }

  zhandle_t* handle_ = nullptr;
  std::mutex mutex_;
  std::condition_variable changed_;
  int state_ = 0;
};

Result<std::unique_ptr<ZookeeperZnodes>> ZookeeperZnodes::connect(std::string_view address, Duration patience) {
  auto parsed = parse_address(address);
  if (!parsed) return tl::unexpected(std::move(parsed.error()));
  auto session = std::make_unique<Session>();
  if (auto opened = session->open(parsed->hosts, patience); !opened) return tl::unexpected(std::move(opened.error()));
  return std::unique_ptr<ZookeeperZnodes>(new ZookeeperZnodes(
      std::move(session), "the ZooKeeper at " + parsed->hosts + parsed->chroot, std::move(parsed->chroot)));
}

ZookeeperZnodes::ZookeeperZnodes(std::unique_ptr<Session> session, std::string name, std::string chroot)
    : session_(std::move(session)), name_(std::move(name)), chroot_(std::move(chroot)) {}
ZookeeperZnodes::~ZookeeperZnodes() = default;

Result<ZnodeSnapshot> ZookeeperZnodes::read(const std::vector<std::string>& roots) {
  ZnodeSnapshot snapshot{name_, {}};
  for (const auto& root : roots) {
    if (auto below = read_below(root, snapshot); !below) return tl::unexpected(std::move(below.error()));
  }
  return snapshot;
}

Status ZookeeperZnodes::read_below(const std::string& path, ZnodeSnapshot& into) {
  const auto full = chroot_ + path;
  const auto what = "znode " + full + " of " + name_;
  std::string data(4096, '\0');

  while (true) {
    struct ::Stat found{};
    int size = static_cast<int>(data.size());
    const int code = zoo_get(session_->handle(), full.c_str(), 0, data.data(), &size, &found);
    if (code == ZNONODE) return {};
    if (code != ZOK) return refused(code, what);
    if (static_cast<std::size_t>(found.dataLength) > znode_bytes_max)
      return fail(ErrorKind::resource_exhausted, what + " has " + std::to_string(found.dataLength) + " bytes");
    if (static_cast<std::size_t>(found.dataLength) > data.size()) {
      data.resize(static_cast<std::size_t>(found.dataLength));
      continue;
    }
    data.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    into.znodes[path] = {data, found.version, found.ephemeralOwner != 0};
    if (found.numChildren == 0) return {};
    break;
  }
  String_vector names{};
  const int code = zoo_get_children(session_->handle(), full.c_str(), 0, &names);
  if (code == ZNONODE) return {};
  if (code != ZOK) return refused(code, what);
  std::vector<std::string> children(names.data, names.data + names.count);
  deallocate_String_vector(&names);
  for (const auto& name : children) {
    if (auto below = read_below(child_path(path, name), into); !below) return below;
  }
  return {};
}

Status ZookeeperZnodes::make_chroot() {
  for (std::size_t end = 0; end != std::string::npos && !chroot_.empty();) {
    end = chroot_.find('/', end + 1);
    const auto path = chroot_.substr(0, end);
    const int code =
        zoo_create(session_->handle(), path.c_str(), nullptr, -1, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT, nullptr, 0);
    if (code != ZOK && code != ZNODEEXISTS) return refused(code, "znode " + path + " of " + name_);
  }
  return {};
}

Status ZookeeperZnodes::apply(const std::vector<Operation>& operations) {
  if (auto made = make_chroot(); !made) return made;
  // The library keeps pointers to paths and data until its answer.
  for (std::size_t next = 0; next < operations.size();) {
    std::vector<std::string> operation_paths;
    std::vector<zoo_op_t> batch;
    operation_paths.reserve(operations_max);
    const auto first = next;
    std::size_t bytes = 0;
    for (; next < operations.size() && batch.size() < operations_max && bytes < operation_bytes_max; ++next) {
      auto& operation = batch.emplace_back();
      auto at = [&](const std::string& path) {
        bytes += path.size();
        return operation_paths.emplace_back(chroot_ + path).c_str();
      };
      if (const auto* create = std::get_if<CreateOperation>(&operations[next])) {
        // No data is null, as Kafka writes it.
        const bool is_null = create->data.empty();
        bytes += create->data.size();
        zoo_create_op_init(&operation, at(create->path), is_null ? nullptr : create->data.data(),
                           is_null ? -1 : static_cast<int>(create->data.size()), &ZOO_OPEN_ACL_UNSAFE, 0, nullptr, 0);
      } else if (const auto* set = std::get_if<SetOperation>(&operations[next])) {
        bytes += set->data.size();
        zoo_set_op_init(&operation, at(set->path), set->data.data(), static_cast<int>(set->data.size()),
                        set->expected.value(), nullptr);
      } else if (const auto* remove = std::get_if<RemoveOperation>(&operations[next])) {
        zoo_delete_op_init(&operation, at(remove->path), remove->expected.value());
      } else {
        const auto& check = std::get<CheckOperation>(operations[next]);
        zoo_check_op_init(&operation, at(check.path), check.expected.value());
      }
    }
    std::vector<zoo_op_result_t> results(batch.size());
    const int code = zoo_multi(session_->handle(), static_cast<int>(batch.size()), batch.data(), results.data());
    if (code == ZOK) continue;
    std::size_t failed = 0;
    while (failed + 1 < results.size() && results[failed].err != code) ++failed;
    return refused(code, "writing znode " + operation_paths[failed] + " of " + name_ + " (" + std::to_string(first) +
                             " of " + std::to_string(operations.size()) +
                             " changes are written: the same command again goes on)");
  }
  return {};
}

}  // namespace millrace::metadata

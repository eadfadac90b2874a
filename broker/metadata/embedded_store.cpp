#include "broker/metadata/embedded_store.h"

#include <algorithm>
#include <utility>

#include "broker/base/check.h"
#include "broker/base/durable_directories.h"
#include "broker/base/file.h"
#include "broker/base/logging.h"
#include "broker/metadata/embedded_core.h"

namespace millrace::metadata {
namespace {

using embedded::Effects;
using Context = ZnodeTree::WriteContext;

std::size_t bytes_of(const Operation& operation) {
  return std::visit(
      [](const auto& one) {
        std::size_t bytes = one.path.size();
        if constexpr (requires { one.data; }) bytes += one.data.size();
        return bytes;
      },
      operation);
}

}  // namespace

// A client: turns calls into operations for the store's thread. Everything that it keeps is in ClientState.
class EmbeddedStore::Client final : public MetadataStore {
 public:
  Client(std::shared_ptr<Core> core, const Options& options, Shard& shard)
      : core_(std::move(core)), options_(options), state_(std::make_shared<embedded::ClientState>(shard)) {}
  ~Client() override {
    state_->alive = false;
    state_->listeners.clear();
    core_->submit(embedded::CloseSession{state_, {}});
  }

  Shard& shard() override { return state_->shard; }
  void add_listener(MetadataListener& listener) override { state_->listeners.push_back(&listener); }
  void remove_listener(MetadataListener& listener) override { std::erase(state_->listeners, &listener); }

  void open_session(std::optional<SessionIdentity> take_over) override {
    core_->submit(embedded::OpenSession{state_, take_over});
  }
  void close_session(Reply<void> reply) override { core_->submit(embedded::CloseSession{state_, std::move(reply)}); }
  std::optional<SessionIdentity> session() const override { return state_->identity; }

  void create(std::string path, std::string data, CreateMode mode, Reply<Created> reply) override {
    CreateOperation operation{std::move(path), std::move(data), mode};
    auto bytes = bytes_of(operation);
    submit<Created>(bytes, std::move(reply),
                    [operation = std::move(operation)](ZnodeTree& tree, const Context& context, Effects& effects) {
                      return tree.create(operation, context, effects.changes);
                    });
  }
  void remove(std::string path, ZnodeVersion expected, Reply<void> reply) override {
    RemoveOperation operation{std::move(path), expected};
    auto bytes = bytes_of(operation);
    submit<void>(bytes, std::move(reply),
                 [operation = std::move(operation)](ZnodeTree& tree, const Context& context, Effects& effects) {
                   return tree.remove(operation, context, effects.changes);
                 });
  }
  void set(std::string path, std::string data, ZnodeVersion expected, Reply<Stat> reply) override {
    SetOperation operation{std::move(path), std::move(data), expected};
    auto bytes = bytes_of(operation);
    submit<Stat>(bytes, std::move(reply),
                 [operation = std::move(operation)](ZnodeTree& tree, const Context& context, Effects& effects) {
                   return tree.set(operation, context, effects.changes);
                 });
  }
  void multi(std::vector<Operation> operations, Reply<MultiResult> reply) override {
    std::size_t bytes = 0;
    for (const auto& operation : operations) bytes += bytes_of(operation);
    submit<MultiResult>(
        bytes, std::move(reply),
        [operations = std::move(operations)](ZnodeTree& tree, const Context& context, Effects& effects) {
          return tree.multi(operations, context, effects.changes);
        });
  }

  void get(std::string path, Watch watch, Reply<Znode> reply) override {
    auto bytes = path.size();
    submit<Znode>(bytes, std::move(reply),
                  [path = std::move(path), watch](ZnodeTree& tree, const Context&, Effects& effects) {
                    auto znode = tree.get(path);
                    if (znode && watch == Watch::yes) effects.watch = {WatchTable::Kind::data, path};
                    return znode;
                  });
  }
  void exists(std::string path, Watch watch, Reply<std::optional<Stat>> reply) override {
    auto bytes = path.size();
    submit<std::optional<Stat>>(bytes, std::move(reply),
                                [path = std::move(path), watch](ZnodeTree& tree, const Context&, Effects& effects) {
                                  auto stat = tree.exists(path);
                                  if (stat && watch == Watch::yes) effects.watch = {WatchTable::Kind::data, path};
                                  return stat;
                                });
  }
  void children(std::string path, Watch watch, Reply<Children> reply) override {
    auto bytes = path.size();
    submit<Children>(bytes, std::move(reply),
                     [path = std::move(path), watch](ZnodeTree& tree, const Context&, Effects& effects) {
                       auto children = tree.children(path);
                       if (children && watch == Watch::yes) effects.watch = {WatchTable::Kind::children, path};
                       return children;
                     });
  }
  void sync(std::string path, Reply<void> reply) override {
    auto bytes = path.size();
    submit<void>(bytes, std::move(reply),
                 [path = std::move(path)](ZnodeTree& tree, const Context&, Effects&) -> Status {
                   // One tree serves every client: reads are never behind. What is left is the check of the path.
                   return tree.exists(path).map([](const auto&) {});
                 });
  }

 private:
  static constexpr std::size_t overhead_bytes = 128;  // of an operation in the queue

  template <class T, class Apply>
  void submit(std::size_t request_bytes, Reply<T> reply, Apply apply) {
    auto& state = *state_;
    auto bytes = request_bytes + overhead_bytes;
    if (state.operations_in_flight >= options_.operations_in_flight_max ||
        state.bytes_in_flight + bytes > options_.bytes_in_flight_max) {
      state.shard.post([reply = std::move(reply)]() mutable {
        reply(fail(ErrorKind::resource_exhausted, "too many metadata operations are in flight"));
      });
      return;
    }
    ++state.operations_in_flight;
    state.bytes_in_flight += bytes;
    auto run = [request_bytes, apply = std::move(apply)](ZnodeTree& tree, const Context& context,
                                                         Effects& effects) -> Result<T> {
      if (request_bytes > request_bytes_max) {
        return fail(ErrorKind::invalid_argument, "a metadata operation of " + std::to_string(request_bytes) +
                                                     " bytes; at most " + std::to_string(request_bytes_max) +
                                                     " are allowed");
      }
      return apply(tree, context, effects);
    };
    core_->submit(embedded::OperationPointer(
        std::make_unique<embedded::TypedOperation<T, decltype(run)>>(state_, bytes, std::move(run), std::move(reply))));
  }

  std::shared_ptr<Core> core_;
  const Options options_;
  std::shared_ptr<embedded::ClientState> state_;
};

Result<std::unique_ptr<EmbeddedStore>> EmbeddedStore::open(Options options, const Clock& clock, Random& random) {
  auto& files = posix_file_system();
  if (auto made = make_durable_directories(files, options.directory); !made)
    return tl::unexpected(std::move(made.error()));
  auto lock = files.lock(options.directory + "/lock");
  if (!lock) {
    if (lock.error().kind != ErrorKind::conflict) return tl::unexpected(std::move(lock.error()));
    return fail(ErrorKind::conflict,
                "the metadata directory " + options.directory + " is in use by another broker process");
  }
  auto database = ZnodeDatabase::open(options.directory + "/metadata.db");
  if (!database) return tl::unexpected(std::move(database.error()));
  auto core = std::make_shared<Core>(std::move(*lock), std::move(*database), clock, random);
  if (auto loaded = core->load(); !loaded) return tl::unexpected(std::move(loaded.error()));
  core->start();
  return std::unique_ptr<EmbeddedStore>(new EmbeddedStore(std::move(options), std::move(core)));
}

EmbeddedStore::EmbeddedStore(Options options, std::shared_ptr<Core> core)
    : options_(std::move(options)), core_(std::move(core)) {}

EmbeddedStore::~EmbeddedStore() { core_->stop(); }

std::unique_ptr<MetadataStore> EmbeddedStore::connect(Shard& shard) {
  return std::make_unique<Client>(core_, options_, shard);
}

void EmbeddedStore::expire_session(SessionId session) { core_->submit(embedded::ExpireSession{session}); }

}  // namespace millrace::metadata

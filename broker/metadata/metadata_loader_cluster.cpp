// The cluster's id, its controller and its brokers.
#include "broker/metadata/metadata_loader_state.h"
#include "broker/metadata/znodes/broker_registration.h"
#include "broker/metadata/znodes/cluster_identity.h"
#include "broker/metadata/znodes/controller_registration.h"
#include "broker/metadata/znodes/znode_paths.h"

namespace millrace::metadata {

namespace paths = znodes::paths;

void MetadataLoader::State::read_cluster_id() {
  std::string path(paths::cluster_id);
  store_->get(path, Watch::no, answer<Znode>(&State::read_cluster_id, path, [path](State& state, Znode& znode) {
                auto id = znodes::decode_cluster_id(znode.data);
                if (!id) return loader_logger.error("znode " + path + ": " + id.error().message);
                state.image_.set_cluster_id(std::move(*id));
              }));
}

void MetadataLoader::State::read_controller() {
  std::string path(paths::controller);
  store_->get(path, Watch::yes,
              answer<Znode>(
                  &State::read_controller, path,
                  [path](State& state, Znode& znode) {
                    auto controller = znodes::decode_controller_registration(znode.data);
                    if (!controller) return loader_logger.error("znode " + path + ": " + controller.error().message);
                    state.image_.set_controller(controller->broker);
                  },
                  [path](State& state) {
                    state.image_.set_controller(std::nullopt);
                    state.enqueue([path](State& later) { later.await_creation(path, &State::read_controller); });
                  }));
}

// Leaves a watch for the creation of what was not there, and reads it when it is there by now.
void MetadataLoader::State::await_creation(const std::string& path, const Read& then) {
  store_->exists(path, Watch::yes,
                 answer<std::optional<Stat>>([path, then](State& state) { state.await_creation(path, then); }, path,
                                             [then](State& state, std::optional<Stat>& stat) {
                                               if (stat) state.enqueue(then);
                                             }));
}

void MetadataLoader::State::read_brokers() {
  std::string path(paths::broker_ids);
  store_->children(path, Watch::yes, answer<Children>(&State::read_brokers, path, [](State& state, Children& children) {
                     std::set<BrokerId> there;
                     for (const auto& name : children.names) {
                       if (auto id = parse_number<std::int32_t>(name)) there.insert(BrokerId(*id));
                     }
                     std::vector<BrokerId> gone;
                     for (const auto& [id, broker] : state.image_.draft().brokers()) {
                       if (!there.contains(id)) gone.push_back(id);
                     }
                     for (auto id : gone) state.image_.remove_broker(id);
                     for (auto id : there) {
                       if (!state.brokers_.contains(id)) state.enqueue([id](State& later) { later.read_broker(id); });
                     }
                     state.brokers_ = std::move(there);
                   }));
}

void MetadataLoader::State::read_broker(BrokerId id) {
  auto path = znodes::broker_path(id);
  store_->get(path, Watch::yes,
              answer<Znode>([id](State& state) { state.read_broker(id); }, path,
                            [id, path](State& state, Znode& znode) {
                              auto registration = znodes::decode_broker_registration(znode.data);
                              if (!registration)
                                return loader_logger.error("znode " + path + ": " + registration.error().message);
                              BrokerImage broker{id, BrokerEpoch(znode.stat.czxid.value()),
                                                 std::move(registration->rack), std::move(registration->endpoints)};
                              state.enqueue([broker](State& later) { later.read_broker_mark(broker); });
                            },
                            [id](State& state) {
                              state.brokers_.erase(id);
                              state.image_.remove_broker(id);
                            }));
}

// A broker that registers as Millrace marks itself in the same write; one that the mark is older than is Kafka's, under an id that was ours.
void MetadataLoader::State::read_broker_mark(const BrokerImage& broker) {
  auto path = znodes::broker_mark_path(broker.id);
  auto know = [broker](State& state, bool is_millrace) {
    if (!state.brokers_.contains(broker.id)) return;  // gone meanwhile
    auto known = broker;
    known.is_millrace = is_millrace;
    state.image_.set_broker(std::move(known));
  };
  store_->get(path, Watch::no,
              answer<Znode>([broker](State& state) { state.read_broker_mark(broker); }, path,
                            [know, epoch = broker.epoch](State& state, Znode& mark) {
                              know(state, mark.stat.mzxid.value() >= epoch.value());
                            },
                            [know](State& state) { know(state, false); }));
}

}  // namespace millrace::metadata

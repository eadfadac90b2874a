#include "broker/network/connection_set.h"

#include <algorithm>
#include <string>
#include <utility>

namespace millrace::network {
namespace {

constexpr std::size_t scratch_bytes = 8 * 1024;

Duration sweep_period(const NetworkConfig& config) {
  auto shortest = std::min({config.connections_max_idle, config.first_request_deadline, config.read_progress_window,
                            config.write_progress_window, config.pressure_progress_window});
  return std::clamp<Duration>(shortest / 4, std::chrono::milliseconds(5), std::chrono::seconds(1));
}

}  // namespace

ConnectionSet::ConnectionSet(EventLoop& loop, std::shared_ptr<NetworkContext> context)
    : loop_(loop),
      context_(std::move(context)),
      sweep_period_(sweep_period(context_->config)),
      scratch_(scratch_bytes) {
  MetricLabels labels{{"shard", std::to_string(loop_.id())}};
  open_connections = context_->metrics.gauge("millrace_connections", "Open connections", labels);
  requests = context_->metrics.counter("millrace_network_requests_total", "Requests received", labels);
  received_bytes = context_->metrics.counter("millrace_network_received_bytes_total",
                                             "Bytes received from clients and peers", labels);
  sent_bytes =
      context_->metrics.counter("millrace_network_sent_bytes_total", "Bytes sent to clients and peers", labels);
}

void ConnectionSet::adopt(UniqueFd socket, ConnectionInfo info, Admission admission) {
  if (draining_) {
    socket.reset();
    lose_one();
    return;
  }
  info.shard = &loop_;
  auto connection =
      std::make_shared<Connection>(*this, context_, std::move(socket), std::move(info), std::move(admission));
  connection->last_activity = connection->accepted = loop_.turn_time();
  alive_.emplace(connection.get(), connection);
  open_connections.add(1);
  by_activity_.push_back(*connection);
  newcomers_.push_back(*connection);
  schedule_sweep();
  connection->start();
}

void ConnectionSet::drain(std::shared_ptr<void> gone) {
  draining_ = true;
  std::vector<std::shared_ptr<Connection>> all;
  all.reserve(alive_.size());
  for (auto& [key, connection] : alive_) all.push_back(connection);
  for (auto& connection : all) connection->drain();
  // Those count too that another shard has accepted: their message may come after this one.
  if (connections_.load(std::memory_order_relaxed) > 0) gone_ = std::move(gone);
}

std::size_t ConnectionSet::close_all() {
  std::size_t cut_off = 0;
  std::vector<std::shared_ptr<Connection>> all;
  all.reserve(alive_.size());
  for (auto& [key, connection] : alive_) all.push_back(connection);
  for (auto& connection : all) {
    cut_off += connection->requests_in_work();
    connection->close(CloseReason::shutdown);
  }
  return cut_off;
}

void ConnectionSet::touch(Connection& connection) {
  connection.last_activity = loop_.turn_time();
  connection.activity_hook.unlink();
  by_activity_.push_back(connection);
}

void ConnectionSet::watch(Connection& connection) {
  if (!connection.watch_hook.is_linked()) watched_.push_back(connection);
}

void ConnectionSet::remove(Connection& connection) {
  connection.activity_hook.unlink();
  connection.newcomer_hook.unlink();
  connection.watch_hook.unlink();
  open_connections.add(-1);
  alive_.erase(&connection);
  lose_one();
}

void ConnectionSet::lose_one() {
  if (connections_.fetch_sub(1, std::memory_order_relaxed) == 1) gone_.reset();
}

void ConnectionSet::schedule_sweep() {
  if (sweep_scheduled_ || alive_.empty()) return;
  sweep_scheduled_ = true;
  loop_.after(sweep_period_, [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->sweep();
  });
}

void ConnectionSet::sweep() {
  sweep_scheduled_ = false;
  auto now = loop_.turn_time();
  while (!newcomers_.empty() && now - newcomers_.front().accepted >= context_->config.first_request_deadline) {
    auto& oldest = newcomers_.front();
    if (oldest.waits_for_memory()) {  // for us, that is
      oldest.accepted = now;
      oldest.newcomer_hook.unlink();
      newcomers_.push_back(oldest);
    } else {
      oldest.close(CloseReason::no_first_request);
    }
  }
  while (!by_activity_.empty() && now - by_activity_.front().last_activity >= context_->config.connections_max_idle) {
    auto& longest_silent = by_activity_.front();
    if (longest_silent.is_busy()) {
      touch(longest_silent);
    } else {
      longest_silent.close(CloseReason::idle);
    }
  }
  // Closing one may unlink others.
  decltype(watched_) checked;
  checked.swap(watched_);
  while (!checked.empty()) {
    auto connection = checked.front().shared_from_this();
    connection->watch_hook.unlink();
    if (connection->check_progress(now)) watch(*connection);
  }
  context_->client_memory_used.set(static_cast<double>(context_->client_memory->used_bytes()));
  context_->reserved_memory_used.set(static_cast<double>(context_->reserved_memory->used_bytes()));
  context_->unauthenticated_memory_used.set(static_cast<double>(context_->unauthenticated_memory->used_bytes()));
  schedule_sweep();
}

}  // namespace millrace::network

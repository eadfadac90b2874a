#include "test/broker/coordinator/transaction_simulation.h"

#include <algorithm>
#include <utility>

namespace millrace::coordinator::test {

TransactionSimulation::TransactionSimulation(std::uint64_t seed, MakeDriver make_driver)
    : random_(seed), make_driver_(std::move(make_driver)), clients_(2) {
  start();
}

std::optional<BrokerId> TransactionSimulation::Leaders::leader_of(const TopicPartition& partition) const {
  return world.chance(10) ? BrokerId::none() : BrokerId(partition.partition.value());
}

std::optional<std::string> TransactionSimulation::run(int rounds, int steps) {
  for (int round = 0; round < rounds && !ledger_.complaint(); ++round) {
    chaos_ = true;
    for (std::size_t slot = 0; slot < clients_.size(); ++slot) replace_client(slot);
    for (int done = 0; done < steps && !ledger_.complaint(); ++done) step();
    come_to_rest();
  }
  return ledger_.complaint();
}

void TransactionSimulation::step() {
  const auto dice = random_.below(100);
  if (dice < 1) {
    crash();
  } else if (dice < 2) {
    if (random_.below(2) == 0) replace_client(random_.below(clients_.size()));
  } else if (dice < 10) {
    tick();
  } else if (dice < 40) {
    append_next();
  } else if (dice < 70) {
    deliver_one();
  } else if (dice < 75 && !zombies_.empty()) {
    act(zombies_[random_.below(zombies_.size())]);
  } else {
    act(clients_[random_.below(clients_.size())]);
  }
  if (driver_ == nullptr && random_.below(10) == 0) start();
  if (!slow_network_.empty() && random_.below(100) == 0) {
    send(std::move(slow_network_.front()));
    slow_network_.erase(slow_network_.begin());
  }
}

void TransactionSimulation::tick() {
  now_ = now_ + static_cast<std::int64_t>(random_.below(200));
  if (driver_ == nullptr) return;
  if (driver_->coordinator.wants_retry()) take(driver_->coordinator.retry(now_));
  if (random_.below(4) == 0) take(driver_->abort_timed_out(now_));
  if (random_.below(8) == 0) take(driver_->coordinator.expire(now_));
}

// No transaction may be open when the longest timeout has passed and nothing stands in the way any more.
void TransactionSimulation::come_to_rest() {
  chaos_ = false;
  if (driver_ == nullptr) start();
  clients_.assign(clients_.size(), nullptr);
  zombies_.clear();
  for (auto& delivery : std::exchange(slow_network_, {})) send(std::move(delivery));
  const TimestampMs limit = now_ + timeout_ms + 1;
  for (int pass = 0; pass < 100; ++pass) {
    if (pass == 50) now_ = limit;
    take(driver_->coordinator.retry(now_));
    take(driver_->abort_timed_out(now_));
    while (!appends_.empty() || !network_.empty()) {
      append_next();
      deliver_one();
    }
  }
  ledger_.judge();
  for (const auto& partition : partitions_) ledger_.judge(partition);
  const auto listed = driver_->coordinator.list({}, now_);
  for (const auto& transaction : *listed) {
    if (!is_idle(transaction.state)) ledger_.complain(transaction.transactional_id + " hangs");
  }
}

void TransactionSimulation::deliver_one() {
  if (network_.empty()) return;
  const auto index = random_.below(network_.size());
  auto delivery = std::move(network_[index]);
  network_.erase(network_.begin() + static_cast<std::ptrdiff_t>(index));
  delivery();
}

// Of the appends that are under way the first few are stored, and nobody hears of it.
void TransactionSimulation::crash() {
  if (driver_ == nullptr) return;
  const auto stored = random_.below(appends_.size() + 1);
  for (std::size_t index = 0; index < stored; ++index) store(appends_[index]);
  appends_.clear();
  calls_.clear();
  driver_.reset();
  ++crash_count_;
}

void TransactionSimulation::start() {
  ++term_;
  driver_ = make_driver_(leaders_);
  take(driver_->coordinator.begin_load(LeaderEpoch(term_)));
  TransactionLoad load;
  for (const auto& [key, value] : log_) {
    const auto status = load.read_record(key, value ? std::optional<BytesView>(*value) : std::nullopt);
    if (!status) ledger_.complain(status.error().message);
  }
  take(driver_->finish_load(std::move(load), now_));
}

void TransactionSimulation::take(TransactionActions actions) {
  for (const auto& answer : actions.answers) {
    auto node = calls_.extract(answer.call);
    if (!node.empty()) node.mapped()({answer.error, answer.producer_id, answer.producer_epoch});
  }
  for (const auto& marker : actions.markers) {
    send([this, marker, term = term_] {
      // A marker may be written though its sender hears nothing, or twice. One that comes when a next transaction of the
      // same epoch has begun would end that: Kafka 3.9's protocol leaves this, too, to TCP.
      const bool lost = chance(15);
      if (!lost || chance(50)) deliver_marker(marker, term, !lost);
      if (!lost && chance(10)) deliver_marker(marker, term, false);
      if (lost && driver_ != nullptr && term_ == term) driver_->on_markers_lost(marker.id);
    });
  }
  for (auto& append : actions.appends) {
    appends_.push_back(append);
    if (driver_->believes_at_once(append)) take(driver_->coordinator.on_appended(append.id, ErrorCode::none, now_));
  }
  for (const auto call : actions.producer_ids) {
    next_id_ = next_id_ + 1;
    take(driver_->coordinator.on_producer_id(call, next_id_, now_));
  }
}

void TransactionSimulation::store(const TransactionAppend& append) {
  log_.insert(log_.end(), append.records.begin(), append.records.end());
}

void TransactionSimulation::append_next() {
  if (appends_.empty()) return;
  const TransactionAppend append = std::move(appends_.front());
  appends_.erase(appends_.begin());
  const bool fails = chance(15);
  // The outcome of an append that fails late is not known to who asked for it.
  if (!fails || chance(50)) store(append);
  const ErrorCode error = fails ? ErrorCode::not_enough_replicas_after_append : ErrorCode::none;
  take(driver_->coordinator.on_appended(append.id, error, now_));
}

void TransactionSimulation::deliver_marker(const TransactionMarker& marker, int term, bool answered) {
  std::vector<MarkerOutcome> outcomes;
  for (const auto& partition : marker.partitions) {
    ErrorCode error = ErrorCode::not_leader_or_follower;
    if (!chance(10)) {
      std::vector<std::pair<TransactionNumber, bool>> decided;
      error = partitions_.at(static_cast<std::size_t>(partition.partition.value())).write_marker(marker, decided);
      for (const auto& [number, commit] : decided) ledger_.decided(number, commit);
      if (error == ErrorCode::none && chance(10)) error = ErrorCode::request_timed_out;
    }
    outcomes.push_back({partition, error});
  }
  if (!answered) return;
  send([this, id = marker.id, outcomes, term] {
    if (driver_ == nullptr || term_ != term) return;
    if (chance(10)) return driver_->on_markers_lost(id);
    take(driver_->on_markers_written(id, outcomes, now_));
    if (chance(10)) take(driver_->on_markers_written(id, outcomes, now_));
  });
}

// A new producer of the same transactional id; the old one is dead, or does not know yet that it is replaced.
void TransactionSimulation::replace_client(std::size_t slot) {
  if (clients_[slot] != nullptr && random_.below(2) == 0) zombies_.push_back(clients_[slot]);
  if (zombies_.size() > 4) zombies_.erase(zombies_.begin());
  auto client = std::make_shared<Client>();
  client->number = ++client_count_;
  client->transactional_id = "id" + std::to_string(slot);
  clients_[slot] = std::move(client);
}

void TransactionSimulation::act(const ClientPointer& client) {
  if (client == nullptr || client->want == Want::nothing) return;
  if (client->waits && now_ - client->asked < 400) return;
  // A record whose answer does not come may still come to its partition: its client aborts, and goes on with another
  // epoch (KIP-360).
  if (client->waits && client->want == Want::record) {
    client->want = Want::end;
    client->commit = false;
    client->needs_epoch = true;
  }
  if (client->want == Want::transaction) {
    client->transaction = ledger_.begin();
    client->plan.clear();
    for (auto count = 1 + random_.below(4); count > 0; --count)
      client->plan.push_back(random_.below(partitions_.size()));
    client->commit = random_.below(4) != 0;
    client->want = Want::partition;
  }
  ask(client);
}

void TransactionSimulation::ask(const ClientPointer& client) {
  client->waits = true;
  client->asked = now_;
  Request request{++client->attempt, client->want, 0, client->id, client->epoch, client->transaction};
  if (client->want == Want::partition || client->want == Want::record) request.partition = client->plan.back();
  if (client->want == Want::end && client->commit) ledger_.wants_commit(client->transaction);
  if (chance(5)) return;
  auto& way = chance(10) ? slow_network_ : network_;
  way.emplace_back([this, client, request] { carry_out(client, request); });
}

void TransactionSimulation::carry_out(const ClientPointer& client, const Request& request) {
  if (driver_ == nullptr) return;  // no answer
  // An end that comes late could be taken for that of a later transaction: Kafka 3.9's protocol leaves that to TCP.
  if (request.want == Want::end && request.attempt != client->attempt) return;
  if (request.want == Want::record) return produce(client, request);
  next_call_ = next_call_ + 1;
  const auto call = next_call_;
  calls_[call] = [this, client, attempt = request.attempt](const Answer& answer) {
    if (chance(5)) return;
    send([this, client, attempt, answer] { hear(client, attempt, answer); });
  };
  const TransactionProducer producer{client->transactional_id, request.id, request.epoch};
  switch (request.want) {
    case Want::id:
      return take(driver_->init(call, {client->transactional_id, timeout_ms, request.id, request.epoch}, now_));
    case Want::partition:
      return take(driver_->coordinator.add_partitions(call, producer, {data(request.partition)}, now_));
    case Want::end:
      return take(driver_->end(call, producer, client->commit, now_));
    default:
      calls_.erase(call);
  }
}

void TransactionSimulation::produce(const ClientPointer& client, const Request& request) {
  auto& partition = partitions_.at(request.partition);
  ErrorCode error = ErrorCode::none;
  if (partition.needs_verification(request.id)) {
    error = driver_->verify({client->transactional_id, request.id, request.epoch}, data(request.partition));
  }
  if (error == ErrorCode::none) {
    error = partition.produce(request.id, request.epoch, {client->transactional_id, request.transaction});
  }
  if (error == ErrorCode::none) ledger_.wrote(request.transaction);
  send([this, client, attempt = request.attempt, error] { hear(client, attempt, {error}); });
}

void TransactionSimulation::hear(const ClientPointer& client, int attempt, const Answer& answer) {
  if (attempt != client->attempt || !client->waits) return;
  client->waits = false;
  switch (answer.error) {
    case ErrorCode::none:
      return go_on(*client, answer);
    case ErrorCode::concurrent_transactions:
    case ErrorCode::coordinator_not_available:
    case ErrorCode::coordinator_load_in_progress:
    case ErrorCode::not_coordinator:
      if (client->want == Want::record) client->want = Want::nothing;
      return;  // it asks again
    case ErrorCode::transaction_abortable:
      client->want = Want::end;
      client->commit = false;
      return;
    default:
      client->want = Want::nothing;
  }
}

void TransactionSimulation::go_on(Client& client, const Answer& answer) {
  switch (client.want) {
    case Want::id:
      client.id = answer.id;
      client.epoch = answer.epoch;
      client.needs_epoch = false;
      ledger_.given(answer.id, answer.epoch, client.number);
      client.want = Want::transaction;
      return;
    case Want::partition:
      client.want = Want::record;
      return;
    case Want::record:
      client.plan.pop_back();
      client.want = client.plan.empty() ? Want::end : Want::partition;
      return;
    case Want::end:
      ledger_.answered(client.transaction, client.commit);
      client.want = client.needs_epoch ? Want::id : Want::transaction;
      return;
    case Want::transaction:
    case Want::nothing:
      return;
  }
}

}  // namespace millrace::coordinator::test

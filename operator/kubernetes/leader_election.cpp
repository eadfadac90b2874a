#include "operator/kubernetes/leader_election.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "broker/base/logging.h"
#include "broker/base/random.h"
#include "operator/kubernetes/api.h"
#include "operator/kubernetes/micro_time.h"

namespace millrace::kubernetes {

namespace {

constexpr Logger logger{"election"};
// A candidate's read of the Lease.
constexpr std::chrono::seconds candidate_timeout{5};
// What another's record may ask for; more is taken for a mistake.
constexpr std::chrono::hours foreign_duration_max{1};

std::int64_t whole_seconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

template <class T>
T value_at(const Json& object, const char* key, T otherwise) {
  auto found = object.find(key);
  if (found == object.end()) return otherwise;
  if constexpr (std::is_integral_v<T>) {
    return found->is_number_integer() ? found->template get<T>() : otherwise;
  } else {
    return found->is_string() ? found->template get<T>() : otherwise;
  }
}

}  // namespace

LeaderElection::LeaderElection(KubernetesApi& api, const Clock& clock, Random& random, LeaderElectionOptions options,
                               LeaderElectionCallbacks callbacks)
    : api_(api), clock_(clock), random_(random), options_(std::move(options)), callbacks_(std::move(callbacks)) {}

LeaderElection::~LeaderElection() { stop(); }

Status LeaderElection::check_options() const {
  if (options_.identity.empty() || options_.namespace_name.empty()) {
    return fail(ErrorKind::invalid_argument, "leader election needs an identity and a namespace");
  }
  bool ordered = options_.lease_duration > options_.renew_deadline && options_.renew_deadline > options_.retry_period;
  if (!ordered || options_.retry_period <= Duration::zero() || options_.lease_duration < std::chrono::seconds(1)) {
    return fail(
        ErrorKind::invalid_argument,
        "leader election needs lease duration > renew deadline > retry period > 0, and a lease of at least a second");
  }
  return {};
}

void LeaderElection::start() {
  thread_ = std::thread([this] { run(stop_.get_token()); });
}

void LeaderElection::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    Duration pause = step();
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, pause, [&stop] { return stop.stop_requested(); });
  }
}

void LeaderElection::stop() {
  stop_.request_stop();
  {
    std::lock_guard lock(mutex_);
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  if (end_term()) release();
}

std::optional<Leadership> LeaderElection::leadership() const {
  std::lock_guard lock(leadership_mutex_);
  // The clock is read under the lock: an answer of "over" comes before any extension, so that extend() sees it too.
  if (!leading_ || clock_.now() >= leadership_.until) return std::nullopt;
  return leadership_;
}

Duration LeaderElection::step() {
  MonotonicTime sent_at = clock_.now();
  Status held = acquire_or_renew();
  MonotonicTime now = clock_.now();
  if (held && now < sent_at + options_.renew_deadline) {
    hold_until(sent_at + options_.renew_deadline);
    return options_.retry_period;
  }
  if (leading_) {
    if (held_by_other()) {
      lose("the Lease " + reference().key().text() + " is held by " + record_.holder);
    } else if (now >= leadership_.until) {
      lose("the Lease " + reference().key().text() + " was not renewed in time" +
           (held ? "" : ": " + held.error().message));
    } else {
      if (!held) warn(held.error());
      return std::min<Duration>(options_.retry_period, leadership_.until - now);
    }
  } else if (!held && held.error().kind != ErrorKind::conflict) {
    warn(held.error());
  }
  // Candidates that started together should not stay together.
  auto spread = static_cast<std::uint64_t>(options_.retry_period.count());
  return options_.retry_period + Duration(static_cast<Duration::rep>(random_.below(spread) / 5));
}

// Said once, not at every retry.
void LeaderElection::warn(const Error& error) {
  if (stop_.stop_requested() || error.message == last_warning_) return;
  last_warning_ = error.message;
  logger.warning(error.message);
}

Status LeaderElection::acquire_or_renew() {
  // The holder knows the record and renews in one request, unless somebody touched the Lease.
  if (leading_ && !reread_ && record_.holder == options_.identity) {
    Status renewed = write_holder(false);
    bool touched = !renewed && (renewed.error().kind == ErrorKind::version_mismatch ||
                                renewed.error().kind == ErrorKind::not_found);
    if (!touched) return renewed;
  }
  Status read = read_lease();
  if (!read && read.error().kind == ErrorKind::not_found) return create_lease();
  if (!read) return read;
  if (held_by_other()) {
    MonotonicTime expires = record_.unchanged_since + std::max(options_.lease_duration, record_.duration);
    if (leading_ || clock_.now() < expires) return fail(ErrorKind::conflict, "the Lease is held by " + record_.holder);
  }
  return write_holder(record_.holder != options_.identity);
}

Status LeaderElection::read_lease() {
  Result<Json> lease = api_.get(reference(), CallOptions{call_timeout(), stop_.get_token()});
  if (!lease) return tl::unexpected<Error>(lease.error());
  observe(*lease);
  return {};
}

Status LeaderElection::create_lease() {
  std::string now = micro_time(clock_.wall_clock());
  Json lease{{"spec",
              {{"holderIdentity", options_.identity},
               {"leaseDurationSeconds", whole_seconds(options_.lease_duration)},
               {"acquireTime", now},
               {"renewTime", now},
               {"leaseTransitions", 0}}}};
  Result<Json> created =
      api_.create(reference(), lease, WriteOptions{.timeout = call_timeout(), .stop = stop_.get_token()});
  if (!created) return tl::unexpected<Error>(created.error());
  observe(*created);
  return {};
}

Status LeaderElection::write_holder(bool taking_over) {
  std::string now = micro_time(clock_.wall_clock());
  Json patch{{"metadata", {{"resourceVersion", record_.resource_version}}},
             {"spec",
              {{"holderIdentity", options_.identity},
               {"leaseDurationSeconds", whole_seconds(options_.lease_duration)},
               {"renewTime", now}}}};
  if (taking_over) {
    patch["spec"]["acquireTime"] = now;
    patch["spec"]["leaseTransitions"] = record_.transitions + 1;
  }
  Result<Json> written =
      api_.merge_patch(reference(), patch, WriteOptions{.timeout = call_timeout(), .stop = stop_.get_token()});
  if (!written) {
    reread_ = true;  // somebody else wrote, or the outcome is unknown
    return tl::unexpected<Error>(written.error());
  }
  observe(*written);
  return {};
}

void LeaderElection::observe(const Json& lease) {
  const Json none = Json::object();
  const Json& metadata = lease.contains("metadata") ? lease["metadata"] : none;
  const Json& spec = lease.contains("spec") ? lease["spec"] : none;
  std::string version = value_at<std::string>(metadata, "resourceVersion", {});
  std::string holder = value_at<std::string>(spec, "holderIdentity", {});
  if (version != record_.resource_version || holder != record_.holder) record_.unchanged_since = clock_.now();
  auto seconds = value_at<std::int64_t>(spec, "leaseDurationSeconds", 0);
  record_.duration = std::clamp<Duration>(std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, 3600)),
                                          Duration::zero(), foreign_duration_max);
  record_.transitions = value_at<std::int64_t>(spec, "leaseTransitions", 0);
  record_.resource_version = std::move(version);
  reread_ = false;
  record_.holder = std::move(holder);
  announce(record_.holder);
}

void LeaderElection::announce(const std::string& holder) {
  if (holder == announced_leader_) return;
  announced_leader_ = holder;
  if (!holder.empty() && holder != options_.identity && callbacks_.on_new_leader) callbacks_.on_new_leader(holder);
}

void LeaderElection::hold_until(MonotonicTime until) {
  last_warning_.clear();
  if (extend(until)) return;
  // Whoever asked after the time was over was told so, and let go of its work: this is another term.
  if (leading_) lose("the Lease " + reference().key().text() + " was renewed too late");
  begin_term(until);
  logger.info("leading as " + options_.identity);
  if (callbacks_.on_elected) callbacks_.on_elected();
}

bool LeaderElection::extend(MonotonicTime until) {
  std::lock_guard lock(leadership_mutex_);
  if (!leading_ || clock_.now() >= leadership_.until) return false;
  leadership_.until = until;
  return true;
}

void LeaderElection::begin_term(MonotonicTime until) {
  std::lock_guard lock(leadership_mutex_);
  leading_ = true;
  leadership_ = {leadership_.term + 1, until};
}

bool LeaderElection::end_term() {
  std::lock_guard lock(leadership_mutex_);
  return std::exchange(leading_, false);
}

void LeaderElection::lose(const std::string& why) {
  end_term();
  logger.warning("not leading any more: " + why);
  if (callbacks_.on_lost) callbacks_.on_lost(why);
}

// Best effort: whoever comes next would otherwise wait for the Lease to expire.
void LeaderElection::release() {
  if (record_.holder != options_.identity || reread_) return;
  Json patch{
      {"metadata", {{"resourceVersion", record_.resource_version}}},
      {"spec",
       {{"holderIdentity", nullptr}, {"leaseDurationSeconds", 1}, {"renewTime", micro_time(clock_.wall_clock())}}}};
  Result<Json> released = api_.merge_patch(reference(), patch, WriteOptions{.timeout = std::chrono::seconds(1)});
  if (!released) logger.info("the Lease was not released: " + released.error().message);
}

bool LeaderElection::held_by_other() const { return !record_.holder.empty() && record_.holder != options_.identity; }

// A renewal on a dead connection must leave time for another one on a new connection.
Duration LeaderElection::call_timeout() const {
  if (!leading_) return std::min<Duration>(candidate_timeout, options_.renew_deadline / 2);
  Duration remaining = leadership_.until - clock_.now();
  return std::clamp<Duration>(remaining, std::chrono::milliseconds(1), options_.renew_deadline / 3);
}

ObjectReference LeaderElection::reference() const {
  return ObjectReference{leases, options_.namespace_name, options_.lease_name};
}

}  // namespace millrace::kubernetes

// From a handler to the coordinator of a group and back: on the coordinator's shard, with answers that view nothing of it any more.
//
// A coordinator's answers view its state, which goes on when they return; and they may come while it is in work, when nothing must come
// back to it. So each is encoded where it is given and decoded where the handler runs, in a later turn.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/base/task.h"
#include "broker/coordinator/group_table.h"
#include "broker/protocol/message.h"
#include "broker/server/answer_memory.h"
#include "broker/server/coordinators.h"
#include "broker/server/request_context.h"

namespace millrace::server {

// Where a group's coordinator is, or would be if this broker led its partition.
struct GroupPlace {
  ShardId shard;
  PartitionIndex partition;
};

GroupPlace place_of_group(RequestContext& context, std::string_view group_id);

// A GroupClient whose texts live as long as the context.
coordinator::GroupClient group_client(RequestContext& context);

using EncodedAnswer = Result<std::vector<std::uint8_t>>;

// What was encoded on another shard, kept with the context. Errors: there is no memory for it; it could not be encoded.
template <class Response>
Result<Response> decode_answer(RequestContext& context, EncodedAnswer encoded, protocol::Version version,
                               AnswerMemory& memory) {
  if (!encoded) return tl::unexpected(encoded.error());
  std::size_t arrays_bytes = 0;
  auto bytes = std::make_shared<const std::vector<std::uint8_t>>(std::move(*encoded));
  auto decoded = protocol::decode<Response>(*bytes, version, nullptr, {.used_memory_bytes = &arrays_bytes});
  if (!decoded) return decoded;
  if (auto paid = memory.add(bytes->size() + arrays_bytes); !paid) return tl::unexpected(paid.error());
  context.keep(std::move(bytes));
  return decoded;
}

// To be awaited: what ask(coordinator, time) returns, which views nothing of the coordinator.
template <class Ask>
auto ask_group(RequestContext& context, std::string_view group_id, Ask ask) {
  auto& services = context.services();
  const auto place = place_of_group(context, group_id);
  return run_on(context.shard(), services.shards.at(place.shard), [&services, place, ask = std::move(ask)]() mutable {
    return services.coordinators.groups(place.shard).call(place.partition, ask);
  });
}

// Whether the request's bytes are given back while the answer is waited for: when the coordinator has taken what it needs.
enum class WhileWaiting : std::uint8_t { keep_request, release_request };

// An answer on its way home, on the coordinator's shard. What comes within the call leaves when that is over: it may still read the request.
class AnswerToSend {
 public:
  AnswerToSend(Shard& home, UniqueFunction<void(EncodedAnswer)> done) : home_(home), done_(std::move(done)) {}

  void give(EncodedAnswer answer) {
    if (is_in_call_) {
      early_ = std::move(answer);
    } else {
      send(std::move(answer));
    }
  }
  // The call has returned. `is_home`: on the handler's shard.
  void end_call(bool is_home) {
    is_in_call_ = false;
    if (!early_) return;
    if (is_home) return done_(std::move(*early_));
    send(std::move(*early_));
  }
  [[nodiscard]] bool is_given() const { return early_.has_value(); }

 private:
  void send(EncodedAnswer answer) {
    home_.post([done = std::move(done_), answer = std::move(answer)]() mutable { done(std::move(answer)); });
  }

  Shard& home_;
  UniqueFunction<void(EncodedAnswer)> done_;
  bool is_in_call_ = true;
  std::optional<EncodedAnswer> early_;
};

// start(coordinator, answer, time) asks; the answer is a callable for const Response&, called once, at once or later. With release_request
// nobody views the request when this is over.
template <class Response, class Start>
Task<Result<Response>> answer_of_group(RequestContext& context, std::string_view group_id, WhileWaiting waiting,
                                       Start start) {
  auto& services = context.services();
  auto& home = context.shard();
  const auto place = place_of_group(context, group_id);
  auto& owner = services.shards.at(place.shard);
  auto encoded = co_await completion<EncodedAnswer>([&](UniqueFunction<void(EncodedAnswer)> done) {
    auto ask = [&context, &start, place, waiting, done = std::move(done)]() mutable {
      auto to_send = std::make_shared<AnswerToSend>(context.shard(), std::move(done));
      auto answer = [to_send, version = context.version()](const Response& response) {
        to_send->give(protocol::encode(response, version));
      };
      auto& table = context.services().coordinators.groups(place.shard);
      table.call(place.partition, [&](coordinator::GroupCoordinator& coordinator, coordinator::GroupTime time) {
        start(coordinator, std::move(answer), time);
      });
      if (waiting == WhileWaiting::release_request && !to_send->is_given()) context.release_request();
      to_send->end_call(place.shard == context.shard().id());
    };
    if (&owner == &home) return ask();
    owner.post(std::move(ask));
  });
  AnswerMemory memory(context);
  co_return decode_answer<Response>(context, std::move(encoded), context.version(), memory);
}

}  // namespace millrace::server

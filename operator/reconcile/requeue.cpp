#include "operator/reconcile/requeue.h"

#include <chrono>

#include "operator/kubernetes/work_queue.h"

namespace millrace::reconcile {
namespace {

constexpr auto regular_interval = std::chrono::minutes(10);

}  // namespace

void requeue(kubernetes::WorkQueue& queue, const kubernetes::ObjectKey& key, const ReconcileResult& result) {
  if (result.failed) {
    queue.add_with_backoff(key);
    // Of several times for one key the queue takes the earliest.
    if (result.look_again) queue.add_after(key, *result.look_again);
    return;
  }
  queue.forget(key);
  if (!result.gone) queue.add_after(key, result.look_again.value_or(regular_interval));
}

}  // namespace millrace::reconcile

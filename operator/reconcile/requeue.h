// When a cluster is looked at again, by what the last look came to.
#pragma once

#include "operator/kubernetes/object_reference.h"
#include "operator/reconcile/kafka_cluster_reconciler.h"

namespace millrace::kubernetes {
class WorkQueue;
}

namespace millrace::reconcile {

// After a failure: backing off, and no later than an aspect asked for, because the failure of one keeps no other
// waiting. Else when an aspect asked for it, at the latest after ten minutes. Never again where the cluster is gone.
void requeue(kubernetes::WorkQueue& queue, const kubernetes::ObjectKey& key, const ReconcileResult& result);

}  // namespace millrace::reconcile

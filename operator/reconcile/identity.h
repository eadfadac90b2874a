// IdentityReady: the cluster has its id and every broker has its own, recorded before anything is made with them.
//
//   no record, no claims   a new cluster: a new id, the lowest broker ids
//   no record, claims      the record was lost: it is written again from the claims' labels
//   record, claims         an earlier cluster of this name kept them: its id and brokers are taken up again
//   record or claims that are being removed with an earlier cluster: wait until they are gone
//
// The founding record is created, never applied, so that two operators cannot found twice.
#pragma once

#include "operator/reconcile/cluster_context.h"
#include "operator/reconcile/outcome.h"

namespace millrace::reconcile {

// Sets context.record when the identity is settled.
[[nodiscard]] Outcome reconcile_identity(ClusterContext& context);

// Writes the record as it should be: its members, and as owners this cluster and every claim that there is.
[[nodiscard]] Status write_founding_record(ClusterContext& context, const resources::FoundingRecord& record);

}  // namespace millrace::reconcile

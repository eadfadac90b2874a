// A process that has no file left for a new connection, as far as accept can tell. Lowering RLIMIT_NOFILE itself would take
// the files away from the sanitizers too, which open a pipe to look at memory and report an error when they cannot.
//
// A test that uses this lists failing_accepts.cpp among its sources: it puts its own accept and accept4 in front of the system's.
#pragma once

namespace millrace {

class FailingAccepts {
 public:
  // From now on every accept of the process fails with EMFILE, and connections wait in the system's queue.
  FailingAccepts();
  // Accepts again.
  ~FailingAccepts();
  FailingAccepts(const FailingAccepts&) = delete;
  FailingAccepts& operator=(const FailingAccepts&) = delete;

  // How many have failed since the construction.
  [[nodiscard]] int count() const;
};

}  // namespace millrace

#include "process/watchdog.h"

namespace txindex::process {

Watchdog::Verdict Watchdog::look(std::uint64_t heartbeat, Time now) {
  const Duration away = now - looked_;
  looked_ = now;
  if (heartbeat != heartbeat_) {
    heartbeat_ = heartbeat;
    changed_ = now;
  } else if (away > kObserverAway) {
    changed_ += away;
  }
  const Duration still = now - changed_;
  verdict_ = still >= kKill     ? Verdict::kill
             : still >= kAbort  ? Verdict::abort
             : still >= kSilent ? Verdict::silent
                                : Verdict::alive;
  return verdict_;
}

}  // namespace txindex::process

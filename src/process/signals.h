// Signals as events of a poll loop instead of handlers.
#pragma once

#include <initializer_list>
#include <optional>

#include "txindex/result.h"

#include "process/descriptor.h"

namespace txindex::process {

// Blocks the signals in this thread and returns a descriptor that is readable while one of them is
// pending. Call it before any other thread exists, and keep it for as long as the process lives.
result<Descriptor> watch_signals(std::initializer_list<int> signals);

// The next pending signal; nothing if there is none. Does not wait.
std::optional<int> next_signal(const Descriptor& watched);

// In a child between fork and exec: nothing is blocked and everything has its default effect, but
// for what is said to the supervisor and may reach all processes at once (a terminal's Ctrl-C, an
// operator's signal to the whole unit), which is ignored: what it means to the children is for the
// supervisor to say.
void reset_signals_in_child();

}  // namespace txindex::process

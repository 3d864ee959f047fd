// The supervisor: starts the workers and the admin process, replaces those that die or hang, renews
// them one after the other, and ends them in good order.
//
// One thread and one poll loop over signals, control sockets and the times at which something is
// due. It never touches a producer's bytes, nor the database.
#pragma once

#include "config/command_line.h"
#include "config/config.h"
#include "process/launch.h"

namespace txindex::process {

// Serves until SIGTERM or SIGINT and returns the exit status:
//   0  asked to end, and every worker committed and acknowledged what it had received
//   2  the configuration is wrong, as a child that started with it found out
//   1  everything else: the address is in use, the database is away at the start, a worker did not
//      finish within drain_timeout, no worker can live
// The reason is in the log. Main thread only, with no other thread in the process.
int run_supervisor(const config::Config& config, const Program& program);

// The same, in place of a supervisor that has executed this program (SIGHUP). With
// `arguments.check`: returns 0 if that would work, and has told why not otherwise.
int run_takeover(const config::Config& config, const Program& program,
                 const config::TakeoverArguments& arguments);

}  // namespace txindex::process

// The commands of whoever operates a server: what can be typed.
#include <memory>

#include "tools/command.h"
#include "tools/restart.h"
#include "tools/status.h"
#include "tools/top.h"

namespace txindex::tools {
namespace {

// Adds --admin to a command; the callback of that command parses what it leaves in the string.
std::shared_ptr<std::string> add_admin(CLI::App* command) {
  auto admin = std::make_shared<std::string>("127.0.0.1:9464");
  command->add_option("--admin", *admin, "HOST:PORT of the server's admin port")
      ->envname("TXINDEX_ADMIN")
      ->check(endpoint_problem)
      ->capture_default_str();
  return admin;
}

void add_status(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<StatusOptions>();
  CLI::App* status_app = app.add_subcommand("status", "What a server says of itself, once");
  status_app->footer(R"(
  txindex status
  txindex status --json | jq .totals.counters

Exit status: 0 if the service is serving; 1 if its admin port does not answer; 2 for wrong usage;
3 if it answers but is starting, degraded (workers keep dying, one hangs, or none is connected to
PostgreSQL) or draining, or a worker is not ready.)");
  const auto admin = add_admin(status_app);
  status_app->add_flag("--json", options->json, "What the server says, as it is");
  status_app->callback([=, &chosen] {
    options->admin = *parse_endpoint(*admin);
    chosen = [options] { return status_of(status(*options)); };
  });
}

void add_top(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<TopOptions>();
  auto interval = std::make_shared<double>(1);
  CLI::App* top_app = app.add_subcommand("top", "What a server says of itself, live");
  top_app->footer(R"(
q or Ctrl-C ends it. A server that goes away is waited for; its last figures stay, with the time
since when. Where standard output is no terminal, one plain frame is written (--once).

  /S    committed a second       VERQ  parcels waiting for a verify thread
  CONN  connections open         BATQ  transactions waiting for a writer
  LOOP  event loop's busy share  VER   verify threads' busy share
  P50, P99  from received to acknowledged, in the last second
  DIED  processes of the slot that died; STATE+ is one that is being replaced

Exit status: 0; with --once that of txindex status.)");
  const auto admin = add_admin(top_app);
  top_app->add_option("--interval", *interval, "Seconds between two looks")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  top_app->add_flag("--once", options->once, "One plain frame of all processes");
  top_app->callback([=, &chosen] {
    options->admin = *parse_endpoint(*admin);
    options->interval = from_seconds(*interval);
    chosen = [options] { return status_of(top(*options)); };
  });
}

void add_restart(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<RestartOptions>();
  auto timeout = std::make_shared<double>(600);
  CLI::App* restart_app = app.add_subcommand("restart", "Rolling restart of a server; waits");
  restart_app->footer(R"(
Every worker and the admin process are replaced, one at a time, by processes that run the installed
binary with the configuration as it is now. No connection is refused meanwhile. Run it on the
server's machine, as root or as the server's user.

  txindex restart               new workers
  txindex restart --reexec      and a new supervisor, in the same process

Exit status: 0 if it is done; 1 if it was aborted (the old processes serve on; the message says why)
or the supervisor ended; 2 for wrong usage; 3 if it could not be asked for, so that nothing has
changed: not reached, no permission, not a txindexd; 4 if it has not ended in time.)");
  const auto admin = add_admin(restart_app);
  restart_app->add_option("--timeout", *timeout, "Seconds to wait for its end")
      ->check(CLI::Range(0.001, kMostSeconds))
      ->capture_default_str();
  restart_app->add_flag("--reexec", options->reexec, "The supervisor too (SIGHUP, else SIGUSR2)");
  restart_app->add_flag("-q,--quiet", options->quiet, "Say nothing but why it failed");
  restart_app->callback([=, &chosen] {
    options->admin = *parse_endpoint(*admin);
    options->timeout = from_seconds(*timeout);
    chosen = [options] { return status_of(restart(*options)); };
  });
}

}  // namespace

void add_operator_commands(CLI::App& app, Command& chosen) {
  add_status(app, chosen);
  add_top(app, chosen);
  add_restart(app, chosen);
}

}  // namespace txindex::tools

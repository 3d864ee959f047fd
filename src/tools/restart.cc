#include "tools/restart.h"

#include <signal.h>

#include <algorithm>
#include <cstdio>

#include "tools/admin_client.h"
#include "tools/output.h"
#include "tools/status.h"

namespace txindex::tools {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kPollInterval = 200ms;

// Tells a person how far it is; each thing once.
class Reporter {
 public:
  explicit Reporter(bool quiet) : quiet_(quiet) {}

  void tell(const std::string& line) {
    if (quiet_ || line == last_) return;
    last_ = line;
    std::printf("%7.1f s  %s\n", watch_.seconds(), line.c_str());
    std::fflush(stdout);
  }

 private:
  const bool quiet_;
  const Stopwatch watch_;
  std::string last_;
};

std::string version_text(const ServiceStatus& before, const ServiceStatus& after) {
  return before.version == after.version ? "version " + after.version
                                         : "version " + before.version + " -> " + after.version;
}

// The one that was asked for: the next to begin after `before` was read.
class Roll {
 public:
  Roll(const RestartOptions& options, const ServerProcess& server, const ServiceStatus& before)
      : options_(options),
        server_(server),
        before_(before),
        wanted_(before.roll.started + 1),
        name_("restart " + std::to_string(wanted_)),
        reporter_(options.quiet) {}

  result<void> wait() {
    const auto end = Clock::now() + options_.timeout;
    reporter_.tell(name_ + " asked for, of " + std::to_string(before_.workers_wanted) +
                   " workers and the admin process" + (options_.reexec ? ", re-executing" : ""));
    std::string trouble;
    while (true) {
      const auto now_status = ask(end, trouble);
      if (now_status) {
        if (now_status->roll.ended >= wanted_) return ended(*now_status);
        report(*now_status);
      }
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
      if (left <= 0ms) return timed_out(trouble);
      if (server_.ended_within(std::min<std::chrono::milliseconds>(left, kPollInterval))) {
        return failure(
            "the supervisor (process " + std::to_string(before_.pid) + ") has ended during the " +
            name_ +
            ": nothing serves unless the service manager starts it again; its log says why");
      }
    }
  }

 private:
  // Nothing: it does not answer just now, for the reason in `trouble`.
  std::optional<ServiceStatus> ask(Clock::time_point end, std::string& trouble) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
    const auto body = admin_get(options_.admin, "/status",
                                std::clamp<std::chrono::milliseconds>(left, 100ms, 2s));
    if (!body) {
      trouble = body.error().message;
      return std::nullopt;
    }
    auto parsed = parse_status_of(options_.admin, *body);
    trouble = parsed ? "" : parsed.error().message;
    return parsed ? std::optional(std::move(*parsed)) : std::nullopt;
  }

  void report(const ServiceStatus& now) {
    if (now.roll.started < wanted_) {
      reporter_.tell(now.roll.running
                         ? "waiting for restart " + std::to_string(now.roll.started) + " to end"
                         : "waiting for it to begin");
      return;
    }
    if (!now.roll.running || !now.roll.slot) return;
    reporter_.tell("replacing " + slot_name(now, *now.roll.slot));
  }

  result<void> ended(const ServiceStatus& now) {
    if (now.roll.last_outcome == "done") {
      reporter_.tell(name_ + " is done, " + version_text(before_, now) + ", " +
                     std::to_string(now.workers_ready) + " of " +
                     std::to_string(now.workers_wanted) + " workers ready");
      return {};
    }
    const std::string why =
        now.roll.last_failure.empty() ? "the log says why" : now.roll.last_failure;
    return failure(name_ + " was aborted, the old processes serve on: " + why);
  }

  result<void> timed_out(const std::string& trouble) const {
    const double seconds = std::chrono::duration<double>(options_.timeout).count();
    char text[32];
    std::snprintf(text, sizeof text, "%g s", seconds);
    return Failure{name_ + " was asked for and has not ended in " + text + " (--timeout)" +
                       (trouble.empty() ? "; txindex status shows where it is" : ": " + trouble),
                   kExitTimeout};
  }

  const RestartOptions& options_;
  const ServerProcess& server_;
  const ServiceStatus& before_;
  const std::uint64_t wanted_;
  const std::string name_;
  Reporter reporter_;
};

}  // namespace

result<void> restart(const RestartOptions& options) {
  const auto before = fetch_status(options.admin);
  if (!before) return Failure{before.error().message, kExitNotAsked};
  if (before->state == "draining") {
    return Failure{"txindexd at " + to_string(options.admin) +
                       " is draining: it ends, and takes no restart; start it anew",
                   kExitNotAsked};
  }
  const auto server =
      ServerProcess::open(static_cast<pid_t>(before->pid), to_string(options.admin));
  if (!server) return server.error();
  if (auto ok = server->signal(options.reexec ? SIGHUP : SIGUSR2); !ok) return ok;
  return Roll(options, *server, *before).wait();
}

}  // namespace txindex::tools

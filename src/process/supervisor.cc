#include "process/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "log/log.h"
#include "process/service.h"
#include "process/signals.h"

namespace txindex::process {
namespace {

constexpr std::initializer_list<int> kSignals = {SIGCHLD, SIGTERM, SIGINT,  SIGHUP,
                                                 SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU};

// --- Before the workers ------------------------------------------------------------------------

// Runs the migrations in a child, so that the supervisor never has a database's library in its
// hands. Returns its exit status; nothing if the supervisor was told to end.
std::optional<int> run_migrations(const Program& program, const Descriptor& signals) {
  Launch launch;
  launch.arguments = {"migrate"};
  launch.arguments.insert(launch.arguments.end(), program.arguments.begin(),
                          program.arguments.end());
  const auto pid = start_child(program.path, launch);
  if (!pid) {
    log::critical("migrate: {}", pid.error().message);
    return kExitFailure;
  }
  bool told_to_end = false;
  while (true) {
    int wait_status = 0;
    const pid_t ended = waitpid(*pid, &wait_status, WNOHANG);
    if (ended < 0) {
      log::critical("migrate: waitpid: {}", std::strerror(errno));
      return kExitFailure;
    }
    if (ended == *pid) {
      if (told_to_end) return std::nullopt;
      if (WIFEXITED(wait_status)) return WEXITSTATUS(wait_status);  // it has said why itself
      log::critical("migrate: {}", describe_end(wait_status));
      return kExitFailure;
    }
    pollfd watched{signals.get(), POLLIN, 0};
    poll(&watched, 1, -1);
    while (const auto signal = next_signal(signals)) {
      if (*signal != SIGTERM && *signal != SIGINT) continue;
      // A migration is one transaction: it is undone.
      kill(*pid, told_to_end ? SIGKILL : SIGTERM);
      told_to_end = true;
    }
  }
}

int fail(const Failure& failure) {
  log::critical("{}", failure.message);
  return failure.exit_status;
}

}  // namespace

int run_supervisor(const config::Config& config, const Program& program) {
  ServiceManager manager;
  auto signals = watch_signals(kSignals);
  if (!signals) return fail(signals.error());
  auto kept = manager.take_kept();
  std::vector<int> kept_sockets;
  kept_sockets.reserve(kept.size());
  for (const auto& socket : kept)
    kept_sockets.push_back(socket.descriptor.get());
  // Before the migrations: a second instance must not touch the database of the first.
  auto reservation = Reservation::take(config.listen, kept_sockets);
  if (!reservation) return fail(reservation.error());
  if (auto ok = may_serve(config, reservation->address()); !ok) return fail(ok.error());
  if (config.migrate) {
    const auto status = run_migrations(program, *signals);
    if (!status) return 0;
    if (*status != 0) return *status;
  }
  auto segment = stats::Segment::create();
  if (!segment) return fail(segment.error());
  Service service(
      config, program,
      {*std::move(signals), std::move(manager), *std::move(reservation), *std::move(segment)});
  service.begin(std::move(kept));
  return service.run();
}

int run_takeover(const config::Config& config, const Program& program,
                 const config::TakeoverArguments& arguments) {
  auto state = read_state(arguments.state_fd);
  if (arguments.check) {
    const auto usable = state ? may_serve(config, state->address) : result<void>(state.error());
    if (usable) return 0;
    if (!tell_failure(arguments.control_fd, usable.error())) return fail(usable.error());
    return usable.error().exit_status;
  }
  ServiceManager manager;
  auto signals = watch_signals(kSignals);
  if (!signals) return fail(signals.error());
  if (!state) return fail(state.error());
  ::close(arguments.state_fd);
  for (const int fd : state->descriptors())
    fcntl(fd, F_SETFD, FD_CLOEXEC);
  auto segment = stats::Segment::attach(state->stats_fd);
  const bool same_segment = segment.has_value();
  if (!same_segment) {
    log::warn("{}: counting begins anew", segment.error().message);
    segment = stats::Segment::create();
    if (!segment) return fail(segment.error());
  }
  Service service(config, program,
                  {*std::move(signals), std::move(manager),
                   Reservation::adopt(Descriptor(state->address_fd), Descriptor(state->lock_fd),
                                      state->address),
                   *std::move(segment)});
  service.take_over(*state, same_segment);
  return service.run();
}

}  // namespace txindex::process

// Joins the HTTP server to the supervisor. It ends by draining, as a worker does: when it is told
// to, or the supervisor is no more, it takes no more connections, and leaves when the answers that
// are under way have been given. Its listening socket lives on in the supervisor, and with it those
// who wait for its replacement.
#include "process/admin.h"

#include <netdb.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>

#include "admin/server.h"
#include "log/log.h"
#include "process/descriptor.h"
#include "process/heartbeat.h"
#include "process/sandbox.h"
#include "process/sandbox_trial.h"
#include "process/supervisor_link.h"
#include "stats/block.h"

namespace txindex::process {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr auto kAdminTick = std::chrono::milliseconds(100);
constexpr int kBacklog = 128;
// Above what Server::stop() may take.
constexpr unsigned kDrainMaxSeconds = 5;

// Without SO_REUSEPORT: the port is this service's alone.
result<Descriptor> open_listener(const Endpoint& listen) {
  const std::string where = to_string(listen);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  if (const int problem =
          getaddrinfo(listen.host.c_str(), std::to_string(listen.port).c_str(), &hints, &found);
      problem != 0) {
    return failure(where + ": " + gai_strerror(problem));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
  int first_error = 0;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    Descriptor socket(::socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int on = 1;
    // Without SO_REUSEADDR, connections of the last run that are in TIME_WAIT would be "in use".
    if (socket && setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
        bind(socket.get(), at->ai_addr, at->ai_addrlen) == 0 &&
        ::listen(socket.get(), kBacklog) == 0) {
      return socket;
    }
    if (first_error == 0) first_error = errno;
  }
  if (first_error == EADDRINUSE) {
    return failure(where +
                   " is in use by another process; another address, or off, can be given "
                   "with the setting admin");
  }
  if (first_error == EADDRNOTAVAIL) return failure(where + " is no address of this machine");
  return failure(where + ": " + std::strerror(first_error));
}

class Admin {
 public:
  Admin(const config::Config& config, const AdminEnvironment& environment)
      : config_(config),
        environment_(environment),
        stats_(environment.segment->block(static_cast<std::size_t>(environment.slot),
                                          environment.side)),
        supervisor_(loop_, environment.control_fd, environment.slot, environment.generation) {}
  int run();

 private:
  result<Descriptor> listening_socket();
  result<void> confine() const;
  void drain(const char* why);
  void leave();
  void tick();

  const config::Config& config_;
  const AdminEnvironment environment_;
  stats::Block& stats_;
  Heartbeat heartbeat_{stats_};
  asio::io_context loop_{1};
  SupervisorLink supervisor_;
  asio::signal_set signals_{loop_, SIGTERM};
  asio::steady_timer tick_timer_{loop_};
  std::unique_ptr<admin::Server> server_;
  bool draining_ = false;
  bool left_ = false;
};

int Admin::run() {
  auto listener = listening_socket();
  if (!listener) return supervisor_.failed(listener.error());
  admin::ServerOptions options;
  options.hosts = config_.admin_hosts;
  server_ = std::make_unique<admin::Server>(loop_, listener->release(), *environment_.segment,
                                            std::move(options));
  supervisor_.listen(
      [this](const Received& received) {
        // The rest is said to workers only.
        if (received.message.type == MessageType::drain) drain("DRAIN");
      },
      [this] { drain("the supervisor is gone"); });
  signals_.async_wait([this](const error_code& cancelled, int) {
    if (!cancelled) drain("SIGTERM");
  });
  tick();
  if (const auto confined = confine(); !confined) return supervisor_.failed(confined.error());
  try_what_is_forbidden();
  server_->start();
  stats::set(stats_, stats::Word::listeners, 1);
  supervisor_.ready();
  loop_.run();
  return 0;
}

result<Descriptor> Admin::listening_socket() {
  if (environment_.listen_fd >= 0) return Descriptor(environment_.listen_fd);
  auto listener = open_listener(environment_.listen);
  if (!listener) return listener;
  if (auto told = supervisor_.deposit(listener->get()); !told) return told.error();
  return listener;
}

// The last thing before strangers are let in; there is one thread.
result<void> Admin::confine() const {
  if (!config_.sandbox) return {};
  const Sandbox sandbox{.role = SandboxRole::admin, .readable = {}};
  if (auto confined = confine_files(sandbox); !confined) return confined;
  return confine_calls(sandbox);
}

void Admin::drain(const char* why) {
  if (draining_) return;
  draining_ = true;
  log::debug("draining: {}", why);
  // Should nobody be there to end it, the kernel does.
  ::alarm(kDrainMaxSeconds);
  server_->stop([this] { leave(); });
  stats::set(stats_, stats::Word::listeners, 0);
}

void Admin::leave() {
  left_ = true;
  error_code ignored;
  signals_.cancel(ignored);
  supervisor_.stop();
  tick_timer_.cancel();
}

void Admin::tick() {
  heartbeat_.beat();
  tick_timer_.expires_after(kAdminTick);
  tick_timer_.async_wait([this](const error_code& cancelled) {
    // A tick that was due already when the timer was cancelled says nothing of it.
    if (!cancelled && !left_) tick();
  });
}

}  // namespace

int run_admin(const config::Config& config, const AdminEnvironment& environment) {
  // A terminal's Ctrl-C goes to every process of the group; what to do about it is the supervisor's
  // to say. A peer that is gone is an error code, not a signal.
  ::signal(SIGINT, SIG_IGN);
  ::signal(SIGPIPE, SIG_IGN);
  return Admin(config, environment).run();
}

}  // namespace txindex::process

// A child's end of the control socket (control.h), on its event loop: what a worker or the admin
// process says to the supervisor, and what it is told.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <functional>

#include "txindex/result.h"

#include "process/control.h"

namespace txindex::process {

// Loop thread only.
class SupervisorLink {
 public:
  // Takes the descriptor. Slot and generation are the child's own; its messages say so.
  SupervisorLink(boost::asio::io_context& loop, int control_fd, int slot, std::uint64_t generation)
      : loop_(loop), control_fd_(control_fd), slot_(slot), generation_(generation) {}

  // `on_message` gets what the supervisor says, but not reopen_logs, which is done here; `on_gone`
  // is called once, when there is no supervisor any more. Neither after stop().
  void listen(std::function<void(Received)> on_message, std::function<void()> on_gone);
  void stop();

  // Gives the supervisor a duplicate of the listening socket. To be done before anything else:
  // whatever becomes of this process, who has connected meanwhile waits for its replacement.
  result<void> deposit(int listening_socket);
  void ready();
  // Returns the exit status. Where nobody hears it, it is logged.
  int failed(const Failure& failure);

 private:
  void wait();
  void on_message(Received received);
  result<void> tell(Message message, int fd = -1);

  boost::asio::io_context& loop_;
  const int control_fd_;
  const int slot_;
  const std::uint64_t generation_;
  boost::asio::posix::stream_descriptor control_{loop_};
  std::function<void(Received)> on_message_;
  std::function<void()> on_gone_;
  bool stopped_ = false;
};

}  // namespace txindex::process

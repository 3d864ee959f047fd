#include "process/supervisor_link.h"

#include <unistd.h>

#include <utility>

#include "log/log.h"

namespace txindex::process {

namespace asio = boost::asio;

void SupervisorLink::listen(std::function<void(Received)> on_message,
                            std::function<void()> on_gone) {
  on_message_ = std::move(on_message);
  on_gone_ = std::move(on_gone);
  control_.assign(control_fd_);
  wait();
}

void SupervisorLink::wait() {
  control_.async_wait(asio::posix::stream_descriptor::wait_read,
                      [this](const boost::system::error_code& problem) {
                        if (problem) return;
                        Received received = receive_message(control_fd_);
                        switch (received.status) {
                          case Received::Status::closed:
                            return on_gone_();
                          case Received::Status::invalid:
                            log::error("control: {}", received.problem);
                            break;
                          case Received::Status::message:
                            on_message(std::move(received));
                            break;
                          case Received::Status::nothing:
                            break;
                        }
                        if (!stopped_) wait();
                      });
}

void SupervisorLink::on_message(Received received) {
  if (received.message.type != MessageType::reopen_logs) return on_message_(std::move(received));
  log::reopen(received.descriptor.release(), received.message.text);
}

void SupervisorLink::stop() {
  stopped_ = true;
  control_.release();
}

result<void> SupervisorLink::deposit(int listening_socket) {
  return tell({.type = MessageType::listener}, listening_socket);
}

void SupervisorLink::ready() {
  // A supervisor that is gone is noticed by wait().
  if (tell({.type = MessageType::ready})) log::debug("ready");
}

int SupervisorLink::failed(const Failure& failure) {
  // The supervisor says it, once for all its workers.
  const Message message{
      .type = MessageType::failed, .value = failure.exit_status, .text = failure.message};
  if (!tell(message)) log::critical("{}", failure.message);
  return failure.exit_status;
}

result<void> SupervisorLink::tell(Message message, int fd) {
  message.slot = slot_;
  message.pid = ::getpid();
  message.generation = generation_;
  return send_message(control_fd_, message, fd);
}

}  // namespace txindex::process

// One producer's connection: bytes in, transactions out to the worker, acknowledgements back.
//
//   [handshake ->] opening -> hello -> frames -> ending -> read_out -> closed
//                         \-> lines ----------/
//
// handshake: of TLS, where that is asked for.  opening: the first byte decides the mode.    hello:
// the preface is read, HELLO is due. ending: nothing more is read; every received transaction gets
// its answer first. read_out: our side is shut down; what the peer still sends is thrown away until
// it ends its side, because closing a socket with unread bytes resets it and can cost the peer our
// last answers.
//
// Loop thread only. A connection is owned by Connections and lives until its socket is closed and
// no ticket names it.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <string>

#include "access/guard.h"
#include "flow/chunk.h"
#include "flow/gate.h"
#include "flow/ticket.h"
#include "net/ack_tracker.h"
#include "net/deadlines.h"
#include "net/frame_buffer.h"
#include "net/line_mode.h"
#include "net/receiver.h"
#include "net/stream.h"
#include "stats/block.h"

namespace txindex::net {

class Connections;

class Connection final : public std::enable_shared_from_this<Connection>,
                         public flow::Sink,
                         public flow::Gate::Waiter {
 public:
  Connection(boost::asio::ip::tcp::socket socket, Connections& owner);
  ~Connection();

  void start();
  // Says DRAIN, answers what was received, ends. A peer that has just connected is welcomed first;
  // after kOpeningDrainMilliseconds without a word from it there is nobody to tell.
  void drain();
  // Sends the answers that have become known. The worker calls it once for all the completions of
  // a batch, through Connections::flush().
  void flush();

  // Tells the peer that it is not served, and ends.
  void refuse(wire::ErrorCode code, std::string message);

  // To be called every second. Ends the connection of a peer that is over a deadline (deadlines.h).
  // A producer that waits for answers, and whose PING is not read, could not tell a database that
  // is away from a server that is dead: it hears something now and then. A peer that does not take
  // its last answers is left. One that has sent nothing but PINGs is read again.
  void tend(std::int64_t now_steady_us);

  void complete(const flow::Completion& completion) override;
  void gate_opened() override;

 private:
  enum class State { handshake, opening, hello, frames, lines, ending, read_out, closed };
  enum class Parsed { progress, need_more };

  bool receiving() const;
  bool window_open() const;
  bool wastes_time() const;
  void count_worthless(unsigned& kind);
  void go_on();

  void wait_readable();
  void schedule_pump();
  void pump();
  bool ensure_space();
  bool share_allows(std::size_t bytes) const;
  bool read_once(bool& drained);
  void peer_ended();

  void parse();
  Parsed parse_opening();
  Parsed parse_frame();
  Parsed parse_line();
  void handle_hello(Bytes body);
  void handle_frame(std::uint8_t type, Bytes body);
  void handle_tx(Bytes body);
  flow::Ticket make_ticket(std::uint64_t sequence, std::size_t bytes);
  void handle_line(std::span<std::uint8_t> line);

  bool admitted() const;
  Owed owed() const;
  Owed overdue(std::int64_t now_steady_us);
  void end_overdue(std::int64_t now_steady_us);
  void count_overdue(stats::Word reason, const std::string& message);
  bool answers_untaken();
  void broken(const boost::system::error_code& problem);

  // connection_access.cc
  bool handshake();
  void tls_failed(const std::string& reason);
  void refuse_plain(std::uint8_t first_byte);
  bool admit(std::string_view token);
  bool passes_first_line(std::span<std::uint8_t> line);
  std::int64_t steady_ns() const;
  void charge(std::size_t bytes);
  void slow_down(std::int64_t wait_ns);
  void wait_for_limit(std::int64_t wait_ns);
  void publish_counts();

  void end();
  void give_up(wire::ErrorCode code, std::string message);
  void count_broken(const std::string& message);
  void fail(wire::ErrorCode code, std::string message);
  void append_text(std::string_view text);
  void write_answers();
  bool has_room();
  void send(bool look_again = false);
  void wait_writable();
  void wait_for_kernel();
  void half_close_when_answered();
  void read_out();
  void close();

  Connections& owner_;
  const std::string peer_;
  Stream stream_;
  boost::asio::steady_timer timer_;

  State state_ = State::opening;
  bool line_mode_ = false;
  bool waiting_readable_ = false;
  bool waiting_writable_ = false;
  bool is_writable_ = false;  // as the kernel has just said
  bool waiting_gate_ = false;
  bool woken_in_vain_ = false;  // by the gate, and nothing was read by that
  bool pump_scheduled_ = false;
  bool paused_ = false;  // by its window, by answers that are not read, or by what is worth nothing
  bool parsing_ = false;
  bool marked_ = false;  // Connections will call flush()
  bool peer_ended_ = false;
  bool drain_when_open_ = false;
  bool want_large_chunk_ = false;

  flow::Holding holding_;
  // What its token says, if one was asked for.
  const access::Producer* producer_ = nullptr;
  bool peeked_ = false;           // at the first byte of the handshake
  bool said_first_line_ = false;  // in line mode
  bool limited_ = false;          // the token's rate or volume is used up: not read for a while
  std::optional<boost::asio::steady_timer> limit_timer_;
  std::optional<boost::asio::steady_timer> kernel_timer_;
  std::uint64_t uncounted_received_ = 0;  // not in the token's counts yet
  std::uint64_t uncounted_rejected_ = 0;

  FrameBuffer buffer_;
  ReadTime read_time_{};
  AckTracker acks_;
  LineAnswers answers_;
  std::uint64_t in_flight_ = 0;
  std::size_t in_flight_bytes_ = 0;
  std::size_t share_wanted_ = 0;  // not 0: not read until its fair share allows so many bytes more
  std::uint64_t whole_ = 0;       // frames and lines that were
  // Since it was last tended: PINGs and empty lines; TX that were rejected without further ado.
  unsigned pings_ = 0;
  unsigned rejected_ = 0;

  wire::Buffer out_;
  std::size_t sent_ = 0;
  std::int64_t last_sent_us_ = 0;  // steady clock; or when it began to end
  Deadline input_deadline_;
  Deadline answers_deadline_;
  std::string error_message_;  // not empty: an ERROR is to be said at the end
  wire::ErrorCode error_code_{};
};

}  // namespace txindex::net

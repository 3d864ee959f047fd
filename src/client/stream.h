// What is behind a Client: one stream of transactions over one connection at a time.
//
//   disconnected -> connecting -> [securing ->] greeting -> open -> draining --+
//        ^              |             |            |         |-> finishing ----|
//        +--------------+-------------+------------+---------+-----------------+
//                                                                       failed, from anywhere
//
// disconnected  waits for something to send, and for retry_at_
// connecting    TCP only
// securing      the TLS handshake, if the stream is to use TLS
// greeting      preface and HELLO go out, WELCOME is awaited; no TX is sent
// open          TX go out as far as the window lets them, ACK come in
// draining      the server will close: no TX is begun, ACK come in until it does
// finishing     all is acknowledged and FINISH said; the server will close
// failed        for good; failure_ says why
//
// Time, as everywhere in here, is that of the last turn (now_), read once for each.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "txindex/client.h"
#include "txindex/endpoint.h"

#include "client/frame_reader.h"
#include "client/outbox.h"
#include "client/socket.h"

namespace txindex {

class Client::Stream {
 public:
  Stream(Options options, OnOutcome on_outcome);

  result<void> submit(const wire::TxFrame& tx);
  bool has_room() const;
  result<void> finish();
  result<void> process();

  int fd() const { return socket_.fd(); }
  short events() const;
  int timeout_ms() const;
  const Counters& counters() const { return counters_; }

 private:
  using Clock = std::chrono::steady_clock;
  using TimePoint = Clock::time_point;
  using Duration = Clock::duration;
  enum class State {
    disconnected,
    connecting,
    securing,
    greeting,
    open,
    draining,
    finishing,
    failed
  };

  // stream.cc: the caller's side, and time.
  bool fits(std::uint64_t frame_bytes) const;
  void wait_and_process();
  void turn();
  void notice_absence();
  TimePoint deadline() const;
  void check_deadlines();
  bool established() const;
  Duration silence_limit(Duration preferred) const;

  // connection.cc: one connection, from its first address to its end.
  void begin_connecting();
  void try_next_address();
  void check_connected();
  void check_secured();
  void greet();
  std::string problem_of(int error) const;
  void write();
  void read();
  void count(int error);
  void ended(int error);
  void lose(const std::string& why, bool retry_at_once);
  void disconnect();
  Duration next_backoff();
  void fail(std::string message);

  // server_frames.cc: what the server says. False: the connection is over.
  bool take_frames();
  bool on_frame(const client::FrameReader::Frame& frame);
  bool on_welcome(Bytes body);
  bool on_ack(Bytes body);
  bool on_error(Bytes body);
  bool on_drain(Bytes body);
  bool nonsense(const std::string& what);

  const Options options_;
  const OnOutcome on_outcome_;
  const Endpoint endpoint_;
  const std::string name_;  // of the server, for messages
  Counters counters_;

  State state_ = State::disconnected;
  Failure failure_;
  std::string last_problem_ = "no connection yet";

  client::Outbox outbox_;
  client::Outbox::Window window_;  // what may be in the outbox
  std::uint32_t largest_frame_bytes_ = limits::kFrameMaxBytes;
  wire::Buffer encoded_;               // of the frame being submitted
  std::uint64_t unflushed_bytes_ = 0;  // submitted since the last turn

  client::Socket socket_;
  std::vector<client::Address> addresses_;  // left to try in this attempt, the next one last
  client::FrameReader reader_;
  wire::Buffer control_;             // frames that are not TX, to be sent between two that are
  int send_error_ = 0;               // errno of the send that failed; what came in is still read
  std::uint64_t first_ordinal_ = 0;  // the one that is sequence number 1 of this connection

  TimePoint now_;
  TimePoint retry_at_;     // disconnected: no attempt before
  TimePoint give_in_at_;   // connecting, greeting, finishing: how long to wait for the next step
  TimePoint quiet_since_;  // open, draining: the last that was heard, or nothing owed until then
  // The server last served us (WELCOME, ACK, PONG), or nothing was wanted of it until then. An
  // ERROR that passes does not count: a server that only refuses is given up.
  TimePoint alive_at_;
  TimePoint due_ = TimePoint::max();  // when the caller was to call again at the latest
  bool ping_sent_ = false;            // since quiet_since_
  int failed_attempts_ = 0;           // connections in a row without progress
  std::minstd_rand random_;
};

}  // namespace txindex

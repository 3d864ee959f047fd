// TLS over a TCP socket that does not block, for the server's connections and the client's.
//
//   handshake() until it is done, then read() and write(), finish() to end our side
//
// Whatever it could not send, because the socket is full, it keeps (at most one call's worth, about
// 16 KiB) and sends before anything else: unsent() says so, and flush() tries again. So nothing has
// to be repeated with the same bytes, as OpenSSL would ask. One thread; the socket is the caller's,
// and outlives the session.
//
// A call takes a bounded part of what has arrived, whatever it is: a peer can send a great many
// records that hold next to nothing, and messages of TLS itself, which OpenSSL would read on and
// on. Of those one may come again and again, KeyUpdate; a peer that sends more of them than its
// data can be a reason for has failed.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "txindex/bytes.h"

#include "tls/context.h"

struct ssl_st;

namespace txindex::tls {

class Session {
 public:
  enum class Status : std::uint8_t {
    ok,
    again,   // nothing can be done until the socket is readable or, if unsent(), writable
    ended,   // read only: the peer has ended its side, and said so
    failed,  // for good; problem() says why
  };
  struct Moved {
    std::size_t bytes;
    Status status;
  };

  // The server's side of a connection.
  Session(const Context& context, int fd);
  // The client's: the server's certificate has to be for `server_name`, a name or a numeric
  // address.
  Session(const Context& context, int fd, const std::string& server_name);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Status handshake();
  // Fills `into` as far as what has arrived goes, or a part of it. Bytes only with `ok`.
  Moved read(std::span<std::uint8_t> into);
  // True if read() may have something to give that the socket does not know of.
  bool buffered() const;
  // Takes a part of `bytes`, or with `again` nothing.
  Moved write(Bytes bytes);
  std::size_t unsent() const { return unsent_.size(); }
  Status flush();
  // Tells the peer that no more will come.
  Status finish();

  const std::string& problem() const { return problem_; }
  // What the socket said, if it is the socket that failed: an errno, else 0.
  int socket_error() const { return socket_error_; }
  // It failed by what the peer sent, and not because the connection is gone.
  bool broken_by_peer() const { return !problem_.empty() && socket_error_ == 0 && !socket_ended_; }
  // The failure is one that trying again will not mend: a certificate, or no TLS on the other side.
  bool hopeless() const { return hopeless_; }

 private:
  friend struct Wire;

  void start(const Context& context);
  Status judge(int returned);
  static void on_message(int written, int version, int type, const void* message, std::size_t size,
                         ssl_st* ssl, void* self);

  int fd_;
  std::unique_ptr<ssl_st, void (*)(ssl_st*)> ssl_;
  std::vector<std::uint8_t> unsent_;
  int socket_error_ = 0;
  bool socket_ended_ = false;
  std::size_t may_take_ = 0;    // from the socket in this call
  std::uint64_t received_ = 0;  // bytes of data
  std::uint64_t key_updates_ = 0;
  bool may_have_more_ = false;  // the last call did not take all there was
  bool over_ = false;           // the peer has ended its side, or the session has failed
  std::string problem_;
  bool hopeless_ = false;
};

}  // namespace txindex::tls

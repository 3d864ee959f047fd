// The bytes of a connection, plain or in TLS: chosen once for each connection, asked with one
// branch for each read and write. Plain bytes go from the socket to the caller's memory and nowhere
// else, those of TLS by way of OpenSSL. Loop thread only.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <span>
#include <string>

#include "txindex/bytes.h"

#include "tls/session.h"

namespace txindex::net {

class Stream {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  using error_code = boost::system::error_code;

  // TLS if there is a context, which must outlive the stream. The socket must not block.
  Stream(Socket socket, const tls::Context* tls) : socket_(std::move(socket)) {
    if (tls != nullptr)
      tls_ = std::make_unique<tls::Session>(*tls, static_cast<int>(socket_.native_handle()));
  }

  Socket& socket() { return socket_; }
  bool is_tls() const { return tls_ != nullptr; }
  // Before the handshake has begun: the peer is to be told in plain that it should be TLS.
  void make_plain() { tls_.reset(); }

  // would_block: not yet.
  void handshake(error_code& problem) { problem = code_of(tls_->handshake()); }

  std::size_t read_some(std::span<std::uint8_t> into, error_code& problem) {
    if (!tls_) return socket_.read_some(boost::asio::buffer(into.data(), into.size()), problem);
    const auto [bytes, status] = tls_->read(into);
    problem = code_of(status);
    return bytes;
  }
  // There may be something to read that the socket does not know of: do not wait for it.
  bool buffered() const { return tls_ && tls_->buffered(); }

  std::size_t write_some(Bytes bytes, error_code& problem) {
    if (!tls_) return socket_.write_some(boost::asio::buffer(bytes.data(), bytes.size()), problem);
    const auto [written, status] = tls_->write(bytes);
    problem = code_of(status);
    return written;
  }
  // What was written has not all left: call flush() when the socket is writable.
  bool unsent() const { return tls_ && tls_->unsent() > 0; }
  // How many bytes have left.
  std::size_t flush(error_code& problem) {
    const std::size_t before = tls_->unsent();
    problem = code_of(tls_->flush());
    return before - tls_->unsent();
  }

  // Ends our side. would_block: when what is unsent has left.
  void finish(error_code& problem) {
    if (tls_) {
      problem = code_of(tls_->finish());
      if (problem) return;
    }
    error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
  }

  bool broken_by_peer() const { return tls_ && tls_->broken_by_peer(); }
  // Why TLS failed, if it did.
  std::string problem() const { return tls_ ? tls_->problem() : std::string(); }

 private:
  error_code code_of(tls::Session::Status status) const {
    switch (status) {
      case tls::Session::Status::ok:
        return {};
      case tls::Session::Status::again:
        return boost::asio::error::would_block;
      case tls::Session::Status::ended:
        return boost::asio::error::eof;
      default:
        if (const int error = tls_->socket_error(); error != 0)
          return {error, boost::system::system_category()};
        return boost::asio::error::connection_aborted;
    }
  }

  Socket socket_;
  std::unique_ptr<tls::Session> tls_;
};

}  // namespace txindex::net

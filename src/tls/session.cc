#include "tls/session.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace txindex::tls {
namespace {

// One record of TLS. More would only wait in `unsent_`.
constexpr std::size_t kWriteMaxBytes = 16384;
// A call takes so much from the socket beyond what it is asked for.
constexpr std::size_t kOverheadMaxBytes = 4096;
constexpr std::size_t kHandshakeTakesBytes = 65536;
// Each costs as much as the signature of a transaction. Honest peers change keys after gigabytes.
constexpr std::uint64_t kKeyUpdatesMax = 16;
constexpr std::uint64_t kBytesForAKeyUpdate = 1 << 20;

bool is_numeric(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> ignored;
  return inet_pton(AF_INET, host.c_str(), ignored.data()) == 1 ||
         inet_pton(AF_INET6, host.c_str(), ignored.data()) == 1;
}

// What a person can do about it, where that is known.
std::string explained(unsigned long code, const SSL* ssl) {
  const int reason = ERR_GET_REASON(code);
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    return std::string("the peer's certificate is not believed: ") +
           X509_verify_cert_error_string(SSL_get_verify_result(ssl));
  }
  if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_PACKET_LENGTH_TOO_LONG ||
      reason == SSL_R_BAD_PACKET_LENGTH || reason == SSL_R_RECORD_LENGTH_MISMATCH) {
    return "what the peer sends is not TLS";
  }
  if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
    return "the peer has no certificate, and needs one";
  if (reason == SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED)
    return "the peer wants a certificate of ours";
  const char* text = ERR_reason_error_string(code);
  return text != nullptr ? text : "OpenSSL error " + std::to_string(code);
}

// Trying again with the same files would end in the same way.
bool is_hopeless(int reason) {
  static constexpr std::array kReasons = {SSL_R_CERTIFICATE_VERIFY_FAILED,
                                          SSL_R_WRONG_VERSION_NUMBER,
                                          SSL_R_PACKET_LENGTH_TOO_LONG,
                                          SSL_R_UNSUPPORTED_PROTOCOL,
                                          SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED,
                                          SSL_R_TLSV1_ALERT_UNKNOWN_CA,
                                          SSL_R_SSLV3_ALERT_BAD_CERTIFICATE,
                                          SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED,
                                          SSL_R_TLSV1_ALERT_PROTOCOL_VERSION,
                                          SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE,
                                          SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN,
                                          SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED};
  return std::find(kReasons.begin(), kReasons.end(), reason) != kReasons.end();
}

}  // namespace

// Between OpenSSL and the socket. Writing always succeeds, at most into `unsent_`; a peer that is
// gone is no signal.
struct Wire {
  static Session& session(BIO* bio) { return *static_cast<Session*>(BIO_get_data(bio)); }

  static int write(BIO* bio, const char* data, int length) {
    Session& self = session(bio);
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(data);
    self.unsent_.insert(self.unsent_.end(), bytes, bytes + length);
    return length;
  }

  static int read(BIO* bio, char* into, int length) {
    Session& self = session(bio);
    BIO_clear_retry_flags(bio);
    if (self.key_updates_ > kKeyUpdatesMax + self.received_ / kBytesForAKeyUpdate) {
      self.problem_ = "the peer changes keys again and again";
      return -1;
    }
    if (self.may_take_ == 0) {
      self.may_have_more_ = true;
      BIO_set_retry_read(bio);
      return -1;
    }
    ssize_t n;
    do {
      n = ::recv(self.fd_, into, std::min(static_cast<std::size_t>(length), self.may_take_), 0);
    } while (n < 0 && errno == EINTR);
    if (n > 0) {
      self.may_take_ -= static_cast<std::size_t>(n);
      return static_cast<int>(n);
    }
    if (n == 0) {
      self.socket_ended_ = true;
      return 0;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      BIO_set_retry_read(bio);
    } else {
      self.socket_error_ = errno;
    }
    return -1;
  }

  static long control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_FLUSH) return 1;
    if (command == BIO_CTRL_EOF) return session(bio).socket_ended_ ? 1 : 0;
    return 0;
  }

  static BIO_METHOD* method() {
    static BIO_METHOD* const made = [] {
      BIO_METHOD* wire = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire");
      BIO_meth_set_write(wire, write);
      BIO_meth_set_read(wire, read);
      BIO_meth_set_ctrl(wire, control);
      return wire;
    }();
    return made;
  }
};

void Session::start(const Context& context) {
  ERR_clear_error();
  ssl_.reset(SSL_new(context.get()));
  BIO* wire = BIO_new(Wire::method());
  if (!ssl_ || wire == nullptr) throw std::bad_alloc();
  BIO_set_data(wire, this);
  BIO_set_init(wire, 1);
  SSL_set_bio(ssl_.get(), wire, wire);
  SSL_set_msg_callback(ssl_.get(), on_message);
  SSL_set_msg_callback_arg(ssl_.get(), this);
}

void Session::on_message(int written, int, int type, const void* message, std::size_t size, SSL*,
                         void* self) {
  if (written != 0 || type != SSL3_RT_HANDSHAKE || size == 0) return;
  if (*static_cast<const std::uint8_t*>(message) == SSL3_MT_KEY_UPDATE)
    ++static_cast<Session*>(self)->key_updates_;
}

Session::Session(const Context& context, int fd) : fd_(fd), ssl_(nullptr, SSL_free) {
  start(context);
  SSL_set_accept_state(ssl_.get());
}

Session::Session(const Context& context, int fd, const std::string& server_name)
    : fd_(fd), ssl_(nullptr, SSL_free) {
  start(context);
  SSL_set_connect_state(ssl_.get());
  if (is_numeric(server_name)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_.get()), server_name.c_str());
  } else {
    SSL_set_tlsext_host_name(ssl_.get(), server_name.c_str());
    SSL_set1_host(ssl_.get(), server_name.c_str());
  }
}

Session::~Session() = default;

// What a call of OpenSSL came to that did not do what it was to do.
Session::Status Session::judge(int returned) {
  switch (SSL_get_error(ssl_.get(), returned)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return Status::again;
    case SSL_ERROR_ZERO_RETURN:
      over_ = true;
      return Status::ended;
    default:
      break;
  }
  over_ = true;
  const unsigned long code = ERR_peek_error();
  if (!problem_.empty()) {
    // Known already.
  } else if (socket_error_ != 0) {
    problem_ = std::strerror(socket_error_);
  } else if (socket_ended_) {
    problem_ = "the peer closed the connection without ending TLS";
  } else {
    problem_ = explained(code, ssl_.get());
    hopeless_ = is_hopeless(ERR_GET_REASON(code));
  }
  ERR_clear_error();
  // An alert says to the peer why.
  flush();
  return Status::failed;
}

Session::Status Session::handshake() {
  if (!problem_.empty()) return Status::failed;
  ERR_clear_error();
  may_have_more_ = false;
  may_take_ = kHandshakeTakesBytes;
  const int done = SSL_do_handshake(ssl_.get());
  if (done != 1) {
    const Status status = judge(done);
    if (status == Status::failed) return status;
    if (status == Status::ended) {
      problem_ = "the peer ended TLS before it had begun";
      return Status::failed;
    }
    return flush() == Status::failed ? Status::failed : Status::again;
  }
  return flush() == Status::failed ? Status::failed : Status::ok;
}

Session::Moved Session::read(std::span<std::uint8_t> into) {
  if (!problem_.empty()) return {0, Status::failed};
  may_have_more_ = false;
  may_take_ = into.size() + kOverheadMaxBytes;
  std::size_t filled = 0;
  Status status = Status::ok;
  while (filled < into.size()) {
    std::size_t n = 0;
    ERR_clear_error();
    const int done = SSL_read_ex(ssl_.get(), into.data() + filled, into.size() - filled, &n);
    if (done != 1) {
      status = judge(done);
      break;
    }
    filled += n;
  }
  // Reading may have made it answer (a change of keys).
  if (!unsent_.empty()) flush();
  received_ += filled;
  may_have_more_ = may_have_more_ || filled == into.size();
  // The end is told by the next call, for which `over_` is kept.
  if (filled > 0) return {filled, Status::ok};
  return {0, status};
}

bool Session::buffered() const {
  return over_ || may_have_more_;
}

Session::Moved Session::write(Bytes bytes) {
  if (!problem_.empty()) return {0, Status::failed};
  if (const Status status = flush(); status != Status::ok) return {0, status};
  std::size_t taken = 0;
  while (taken < bytes.size() && unsent_.empty()) {
    const Bytes next = bytes.subspan(taken, std::min(bytes.size() - taken, kWriteMaxBytes));
    std::size_t n = 0;
    ERR_clear_error();
    const int done = SSL_write_ex(ssl_.get(), next.data(), next.size(), &n);
    if (done != 1) return {taken, judge(done)};
    taken += n;
    if (flush() == Status::failed) return {taken, Status::failed};
  }
  return {taken, Status::ok};
}

Session::Status Session::flush() {
  std::size_t sent = 0;
  while (sent < unsent_.size()) {
    const ssize_t n =
        ::send(fd_, unsent_.data() + sent, unsent_.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) {
      sent += static_cast<std::size_t>(n);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      break;
    } else if (errno != EINTR) {
      socket_error_ = errno;
      if (problem_.empty()) problem_ = std::strerror(errno);
      unsent_.clear();
      return Status::failed;
    }
  }
  unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<std::ptrdiff_t>(sent));
  return unsent_.empty() ? Status::ok : Status::again;
}

Session::Status Session::finish() {
  if (problem_.empty() && (SSL_get_shutdown(ssl_.get()) & SSL_SENT_SHUTDOWN) == 0) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }
  return flush();
}

}  // namespace txindex::tls

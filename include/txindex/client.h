// A producer's connection to txindexd: stream transactions, learn what became of each.
//
// A Client is one logical stream over one TCP connection at a time. It pipelines up to the window
// that the server announces, keeps what has not been acknowledged, reconnects with backoff after a
// lost connection or a DRAIN, sends the rest again with the same bytes, and reports exactly one
// outcome for every transaction submitted. A transaction without a time gets one when it is
// submitted, once, so that sending it again can never store it twice.
//
// There is no thread behind it. Work happens in submit(), process() and the functions that wait;
// outcomes are reported from inside those calls, on the caller's thread. One thread at a time may
// use a Client. To drive many from one thread, poll their fd() for events(), for at most
// timeout_ms(), then call process() on each.
//
// A connection is made when there is something to send, and again when it was lost before all was
// acknowledged. Making one may wait for the resolver, unless the host is a numeric address.
//
//   txindex::Client client({.host = "127.0.0.1", .port = 9400},
//                          [](std::uint64_t ordinal, txindex::wire::Outcome outcome) { ... });
//   if (auto ok = client.submit({.chain = 1, .transaction = bytes}); !ok) ...
//   if (auto ok = client.finish(); !ok) ...
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "txindex/result.h"
#include "txindex/wire/ack.h"
#include "txindex/wire/frame.h"

namespace txindex {

namespace tls {
class Context;
}

// TLS for the connections of any number of Clients; load_tls() reads the files, once.
struct TlsFiles {
  std::string ca;           // PEM: who signs servers' certificates; empty: whom the system trusts
  std::string certificate;  // PEM: our own, if the server asks for one, and its key; empty: none
  std::string key;
};
using Tls = std::shared_ptr<const tls::Context>;
// Fails with the file named if it cannot be read, does not match or has expired.
result<Tls> load_tls(const TlsFiles& files);

class Client {
 public:
  struct Options {
    std::string host = "127.0.0.1";
    std::uint16_t port = 9400;
    std::string token;
    Tls tls;  // null: none
    // Whom the server's certificate has to name; empty: the host.
    std::string tls_name;
    // What may be unacknowledged at once: the smaller of these and what the server announces.
    std::uint32_t window_transactions = limits::kWindowMaxTransactions;
    std::uint64_t window_bytes = limits::kWindowMaxBytes;
    // How long a server may be unreachable, refuse every connection (it is at a limit), or be
    // silent while it owes an acknowledgement and does not answer a PING, before the stream fails.
    // Zero: for ever.
    std::chrono::milliseconds give_up_after = std::chrono::seconds(60);
    std::chrono::milliseconds backoff_min = std::chrono::milliseconds(50);
    std::chrono::milliseconds backoff_max = std::chrono::seconds(2);
  };

  // `ordinal` counts submitted transactions from 0. Called once for each, in order. Must not throw,
  // nor call the Client, but for counters().
  using OnOutcome = std::function<void(std::uint64_t ordinal, wire::Outcome outcome)>;

  struct Counters {
    std::uint64_t submitted = 0;
    std::uint64_t completed = 0;
    std::uint64_t attempts = 0;  // sockets that were opened
    std::uint64_t connects = 0;  // connections that got a WELCOME
    std::uint64_t resent = 0;    // transactions sent again on a later connection
    std::uint64_t refused = 0;   // attempts to connect that the server's machine refused
    std::uint64_t reset = 0;     // connections that broke, or were closed, while something was owed
    std::uint64_t hung = 0;      // connections, or attempts, given up because nothing was heard
  };

  Client(Options options, OnOutcome on_outcome);
  ~Client();  // closes; what is not acknowledged is not waited for
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  // Takes a copy of the transaction; waits, with the connection being served, while the window is
  // full. Small ones are collected: what was submitted is sent when 64 KiB have come together or
  // the window is full, and by process(), which a caller that pauses must call. Fails, without
  // having taken it, when the stream has failed or the transaction fits no frame or window.
  result<void> submit(const wire::TxFrame& tx);

  // True if submit() of a transaction of up to limits::kTransactionMaxBytes would not wait now.
  bool has_room() const;

  // Waits until every submitted transaction has an outcome, then says FINISH and closes. What is
  // submitted later opens another connection.
  result<void> finish();

  // Sends and receives what can be without waiting. Fails when the stream has failed for good: the
  // server refused the stream (ERROR), or was gone for longer than give_up_after.
  result<void> process();

  // For a caller's own poll(2): -1 while there is no connection.
  int fd() const;
  short events() const;
  // How long to wait at most before process() is due again; -1: no limit.
  int timeout_ms() const;

  const Counters& counters() const;
  bool idle() const { return counters().submitted == counters().completed; }

 private:
  class Stream;
  std::unique_ptr<Stream> stream_;
};

}  // namespace txindex

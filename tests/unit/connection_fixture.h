// Connections on real loopback sockets, with a receiver that does as the test says.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstring>
#include <future>
#include <mutex>
#include <thread>

#include "flow/clock.h"
#include "net/connections.h"
#include "net/listener.h"
#include "support/process.h"
#include "support/raw_client.h"
#include "support/stages.h"
#include "support/temp_dir.h"

namespace txindex::net {

using test::eventually;
using test::RawClient;
using Sent = RawClient::Bytes;
using wire::Outcome;

// A loop with a listener in a thread of its own. The receiver keeps the tickets until the test
// completes them, unless it is told to answer at once.
class ConnectionTest : public testing::Test, public Receiver {
 protected:
  void SetUp() override { start(1 << 20); }

  void start(std::size_t budget) {
    at_once_ = false;
    received_ = 0;
    parts_ = std::make_unique<test::LoopParts>(budget);
    loop_ = std::make_unique<boost::asio::io_context>(1);
    connections_ = std::make_unique<Connections>(*loop_, parts_->gate, parts_->chunks, *this,
                                                 *parts_->stats, limits_);
    work_.emplace(loop_->get_executor());
    const int fd = *open_listener({"127.0.0.1", 0});
    sockaddr_in address{};
    socklen_t length = sizeof address;
    getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    listener_ = std::make_shared<Listener>(fd, *connections_, max_connections_);
    listener_->start();
    thread_ = std::thread([this] { loop_->run(); });
  }

  // Leaves as a worker does: everything is answered, everybody is gone.
  void stop() {
    if (!thread_.joinable()) return;
    // What is read from now on does not wait for the test either.
    on_loop([this] { at_once_ = true; });
    answer_all(Outcome::committed);
    on_loop([this] {
      if (listener_) listener_->stop();
      listener_.reset();
      connections_->drain([this] { work_.reset(); });
    });
    thread_.join();
    connections_.reset();
    loop_.reset();
    EXPECT_EQ(parts_->chunks.outstanding(), 0U);
    EXPECT_EQ(parts_->gate.in_flight_bytes(), 0U);
  }

  void TearDown() override { stop(); }

  void receive(flow::Ticket ticket, const wire::TxFrame& tx, const ReadTime&) override {
    ++received_;
    if (at_once_) return ticket.complete(Outcome::committed, {}, tx.transaction);
    waiting_.push_back({std::move(ticket), tx.transaction});
  }

  template <typename Work>
  void on_loop(Work work) {
    std::promise<void> done;
    boost::asio::post(*loop_, [&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

  // Returns when the loop has run for so long.
  void on_loop_after(std::chrono::milliseconds time) {
    std::promise<void> done;
    boost::asio::steady_timer timer(*loop_, time);
    timer.async_wait([&](const boost::system::error_code&) { done.set_value(); });
    done.get_future().wait();
  }

  // Sends lines, each of which is answered at once, and reads no answer, until the server owes
  // answers for what it has read, and they do not get away. The client's own sockets are full then.
  // The only connection that there is or was; it has said nothing else.
  static constexpr const char* kAnswerToFilling = "committed 111";
  void fill_with_answers(RawClient& client) {
    constexpr std::string_view kLine = "AAAA\n";
    on_loop([this] { at_once_ = true; });
    const std::size_t answer_bytes = std::strlen(kAnswerToFilling) + 1;
    Sent lines;
    for (int i = 0; i < 10'000; ++i)
      lines.insert(lines.end(), kLine.begin(), kLine.end());
    struct Traffic {
      std::uint64_t read = 0;
      std::uint64_t sent = 0;
    };
    // Between two turns of the loop.
    const auto traffic = [this] {
      Traffic now;
      on_loop([&] { now = {stat(stats::Word::received_bytes), stat(stats::Word::sent_bytes)}; });
      return now;
    };
    Traffic last;
    std::size_t at = 0;
    ASSERT_TRUE(eventually([&] {
      for (std::size_t more = 1; more > 0; at += more)
        more = client.send_what_fits(std::span(lines).subspan(at % kLine.size()));
      const Traffic now = traffic();
      const bool stands = now.sent == last.sent;
      last = now;
      return stands && now.read / kLine.size() * answer_bytes > now.sent;
    }));
  }

  std::size_t waiting() {
    std::size_t n = 0;
    on_loop([&] { n = waiting_.size(); });
    return n;
  }

  void answer_all(Outcome outcome, std::string_view detail = {}) {
    on_loop([&] {
      for (auto& [ticket, bytes] : waiting_)
        ticket.complete(outcome, detail, bytes);
      waiting_.clear();
      connections_->flush();
    });
  }

  static Sent pings_of(int count) {
    Sent pings;
    for (int i = 0; i < count; ++i)
      pings.insert(pings.end(), {9, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6, 7, 8});
    return pings;
  }

  std::uint64_t stat(stats::Word word) { return stats::get(*parts_->stats, word); }

  struct Waiting {
    flow::Ticket ticket;
    Bytes bytes;
  };
  std::unique_ptr<test::LoopParts> parts_;
  std::unique_ptr<boost::asio::io_context> loop_;
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work_;
  std::unique_ptr<Connections> connections_;
  std::shared_ptr<Listener> listener_;
  std::vector<Waiting> waiting_;
  std::atomic<std::uint64_t> received_ = 0;
  bool at_once_ = false;
  std::size_t max_connections_ = 100;
  ConnectionLimits limits_;
  std::int64_t now_ = flow::steady_us();  // for deadlines
  std::uint16_t port_ = 0;
  std::thread thread_;
};

inline std::string text_of(const RawClient::Frame& frame) {
  return {frame.body.begin() + 2, frame.body.end()};
}

}  // namespace txindex::net

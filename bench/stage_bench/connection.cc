// The loop over a real socket: a producer sends frames and reads ACKs; the worker's own connection
// and intake do the rest on a thread of theirs, and what is received comes back, committed, when
// they have nothing else to do. So the system calls are in it.
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <memory>
#include <thread>

#include "txindex/wire/ack.h"

#include "net/connections.h"
#include "process/batch_rows.h"
#include "process/intake.h"
#include "stage_bench/measure.h"
#include "stages/input.h"

namespace txindex::bench {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

class Producer {
 public:
  Producer(int fd, wire::Buffer frames) : fd_(fd), frames_(std::move(frames)) {
    wire::Buffer opening(wire::kPreface.begin(), wire::kPreface.end());
    wire::append_hello(opening);
    const auto sent = ::send(fd_, opening.data(), opening.size(), MSG_NOSIGNAL);
    require(sent == static_cast<ssize_t>(opening.size()), "HELLO cannot be sent");
  }

  // The first of the frames, which are all of one size; returns when they are acknowledged.
  void send(std::size_t count) {
    expected_ += count;
    left_ = Bytes(frames_).first(frames_.size() / kTransactions * count);
    while (acknowledged_ != expected_) {
      pollfd socket = {fd_, static_cast<short>(left_.empty() ? POLLIN : POLLIN | POLLOUT), 0};
      require(::poll(&socket, 1, -1) == 1, "the socket cannot be waited for");
      require((socket.revents & ~(POLLIN | POLLOUT)) == 0, "the connection is lost");
      if ((socket.revents & POLLOUT) != 0) send_what_fits();
      if ((socket.revents & POLLIN) != 0) read_acks();
    }
  }

 private:
  void send_what_fits() {
    const auto sent = ::send(fd_, left_.data(), left_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) left_ = left_.subspan(static_cast<std::size_t>(sent));
  }

  void read_acks() {
    const auto got = ::recv(fd_, space_, sizeof space_, MSG_DONTWAIT);
    require(got > 0, "the connection is closed");
    in_.insert(in_.end(), space_, space_ + got);
    std::size_t at = 0;
    while (in_.size() - at >= limits::kFrameLengthBytes) {
      const std::size_t length = wire::load<std::uint32_t>(in_.data() + at);
      if (in_.size() - at < limits::kFrameLengthBytes + length) break;
      const Bytes frame = Bytes(in_).subspan(at + limits::kFrameLengthBytes, length);
      at += limits::kFrameLengthBytes + length;
      if (frame[0] != static_cast<std::uint8_t>(wire::FrameType::ack)) continue;
      const auto ack = wire::AckView::parse(frame.subspan(1));
      require(ack && ack->size() == 0, "a transaction is not committed");
      acknowledged_ = ack->up_to();
    }
    in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(at));
  }

  const int fd_;
  const wire::Buffer frames_;
  Bytes left_;
  wire::Buffer in_;
  std::uint8_t space_[16 * limits::kKiB];
  std::uint64_t expected_ = 0;
  std::uint64_t acknowledged_ = 0;
};

class Connected {
 public:
  Connected()
      : intake_(
            {.max_future_us = 1, .max_age_us = 1, .max_rows = 2000, .max_bytes = 1 << 20},
            parts_.gate, [this](flow::ParcelPtr& parcel) { return take(parcel); },
            [this] { asio::post(loop_, [this] { intake_.hand_over(); }); }, [](std::int64_t) {}),
        connections_(loop_, parts_.gate, parts_.chunks, intake_, parts_.stats, {},
                     [] { return net::ReadTime{.wall_us = kTime, .steady_us = 0}; }),
        client_(loop_) {
    tcp::acceptor acceptor(loop_, {asio::ip::address_v4::loopback(), 0});
    client_.connect(acceptor.local_endpoint());
    connections_.add(acceptor.accept());
    producer_ = std::make_unique<Producer>(client_.native_handle(), frames(Of::transfers));
    thread_ = std::thread([this] { loop_.run(); });
  }

  // Without a connection the loop has nothing to wait for.
  ~Connected() {
    client_.close();
    thread_.join();
  }

  // That many at once, for so many times.
  Work send(std::size_t count, std::size_t times) {
    for (std::size_t i = 0; i < times; ++i)
      producer_->send(count);
    return {count * times, count * times * transactions(Of::transfers)[0].size()};
  }

 private:
  bool take(flow::ParcelPtr& parcel) {
    if (parcels_.empty()) asio::post(loop_, [this] { finish(); });
    parcels_.push_back(std::move(parcel));
    return true;
  }

  // As the worker does when a batch has come back.
  void finish() {
    for (auto& parcel : parcels_) {
      process::complete(*parcel, /*now_steady_us=*/100, parts_.stats);
      intake_.recycle(std::move(parcel));
    }
    parcels_.clear();
    connections_.flush();
  }

  asio::io_context loop_{1};
  LoopParts parts_;
  process::Intake intake_;
  net::Connections connections_;
  std::vector<flow::ParcelPtr> parcels_;
  tcp::socket client_;
  std::unique_ptr<Producer> producer_;
  std::thread thread_;
};

}  // namespace

void register_connection() {
  const auto add = [](const char* name, std::size_t count, std::size_t times) {
    benchmark::RegisterBenchmark(name, [count, times](benchmark::State& state) {
      Connected connected;
      measure(state, [&] { return connected.send(count, times); });
    })->UseRealTime();
  };
  add("loop with socket, transfers", kTransactions, 1);
  add("loop with socket, one at a time", 1, 100);
}

}  // namespace txindex::bench

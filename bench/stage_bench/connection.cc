// The loop over a real socket: a producer on the same thread sends frames and reads ACKs; the
// worker's own connection and intake do the rest, and whatever is received comes back, committed,
// when the loop has nothing else to do. So it has the system calls in it, of both sides.
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <memory>

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

  // All frames once more, as far as the socket takes them now.
  void begin() { left_ = frames_; }
  void send_what_fits() {
    while (!left_.empty()) {
      const auto sent = ::send(fd_, left_.data(), left_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent <= 0) return;
      left_ = left_.subspan(static_cast<std::size_t>(sent));
    }
  }

  // The last sequence number that is acknowledged.
  std::uint64_t acknowledged() {
    ssize_t got = 0;
    while ((got = ::recv(fd_, space_, sizeof space_, MSG_DONTWAIT)) > 0)
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
    return acknowledged_;
  }

 private:
  const int fd_;
  const wire::Buffer frames_;
  Bytes left_;
  wire::Buffer in_;
  std::uint8_t space_[16 * limits::kKiB];
  std::uint64_t acknowledged_ = 0;
};

class Connected {
 public:
  Connected()
      : intake_(
            {.max_future_us = 1, .max_age_us = 1, .max_rows = 2000, .max_bytes = 1 << 20},
            parts_.gate, [this](flow::ParcelPtr& parcel) { return take(parcel); },
            [this] { asio::post(loop_, [this] { intake_.hand_over(); }); }),
        connections_(loop_, parts_.gate, parts_.chunks, intake_, parts_.stats, {},
                     [] { return net::ReadTime{.wall_us = kTime, .steady_us = 0}; }),
        client_(loop_) {
    tcp::acceptor acceptor(loop_, {asio::ip::address_v4::loopback(), 0});
    client_.connect(acceptor.local_endpoint());
    connections_.add(acceptor.accept());
    producer_ = std::make_unique<Producer>(client_.native_handle(), frames(Of::transfers));
    loop_.poll();
  }

  ~Connected() {
    boost::system::error_code ignored;
    client_.close(ignored);
    while (connections_.size() > 0)
      loop_.run_one();
  }

  Work send_all() {
    expected_ += kTransactions;
    producer_->begin();
    do {
      producer_->send_what_fits();
      loop_.poll();
      if (parcels_.empty()) continue;
      for (auto& parcel : parcels_) {
        process::complete(*parcel, /*now_steady_us=*/100, parts_.stats);
        intake_.recycle(std::move(parcel));
      }
      parcels_.clear();
      connections_.flush();
    } while (producer_->acknowledged() != expected_);
    return {kTransactions, bytes_};
  }

 private:
  bool take(flow::ParcelPtr& parcel) {
    parcels_.push_back(std::move(parcel));
    return true;
  }

  const std::size_t bytes_ = total_bytes(Of::transfers);
  asio::io_context loop_{1};
  LoopParts parts_;
  process::Intake intake_;
  net::Connections connections_;
  std::vector<flow::ParcelPtr> parcels_;
  tcp::socket client_;
  std::unique_ptr<Producer> producer_;
  std::uint64_t expected_ = 0;
};

}  // namespace

void register_connection() {
  benchmark::RegisterBenchmark("loop with socket, transfers", [](benchmark::State& state) {
    Connected connected;
    measure(state, [&] { return connected.send_all(); });
  });
}

}  // namespace txindex::bench

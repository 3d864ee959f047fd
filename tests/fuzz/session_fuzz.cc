// A whole connection of a producer, binary or lines, with everything of a worker but its threads:
// what the producer is told does not depend on how its bytes are cut, every transaction has one
// answer, and nothing is left behind. The first byte says how it is cut.
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "txindex/wire/ack.h"

#include "flow/clock.h"
#include "fuzz/local_exchange.h"
#include "fuzz/target.h"
#include "net/connections.h"
#include "process/batch_rows.h"
#include "process/intake.h"
#include "support/stages.h"

namespace {

using namespace txindex;

constexpr std::int64_t kCenturyUs = 100LL * 366 * 86'400 * 1'000'000;

// Stores at once, in memory. A transaction whose fee payer's address begins with a zero is refused.
class FakeWorker {
 public:
  explicit FakeWorker(boost::asio::io_context& loop)
      : loop_(loop),
        intake_(
            {.max_future_us = kCenturyUs,
             .max_age_us = kCenturyUs,
             .max_rows = 8,
             .max_bytes = 16 * limits::kKiB},
            parts_.gate, *parts_.stats,
            [this](flow::ParcelPtr& parcel) {
              boost::asio::post(
                  loop_, [this, taken = std::move(parcel)]() mutable { finish(std::move(taken)); });
              return true;
            },
            [this] { boost::asio::post(loop_, [this] { intake_.hand_over(); }); }),
        connections_(loop_, parts_.gate, parts_.chunks, intake_, *parts_.stats) {}

  void add(int socket) {
    connections_.add(boost::asio::ip::tcp::socket(loop_, boost::asio::ip::tcp::v4(), socket));
  }

  void check_end() {
    fuzz::require(connections_.size() == 0, "the connection is gone");
    fuzz::require(parts_.gate.in_flight_bytes() == 0 && parts_.chunks.outstanding() == 0,
                  "all credit comes back");
  }

 private:
  void finish(flow::ParcelPtr parcel) {
    for (std::size_t i = 0; i < parcel->size(); ++i) {
      const auto& tx = parcel->table.transactions[i];
      fuzz::require(!tx.txid.empty() && !tx.fee_payer.empty(), "what is stored has been parsed");
      auto& outcome = parcel->items[i].outcome;
      if (tx.fee_payer[0] == 0) {
        outcome = wire::Outcome::refused_by_database;
      } else if (!stored_.emplace(as_text(tx.txid)).second) {
        outcome = wire::Outcome::duplicate;
      }
    }
    process::complete(*parcel, flow::steady_us(), *parts_.stats);
    intake_.recycle(std::move(parcel));
    connections_.flush();
  }

  boost::asio::io_context& loop_;
  test::LoopParts parts_{64 * limits::kKiB};
  process::Intake intake_;
  net::Connections connections_;
  std::set<std::string> stored_;
};

struct Told {
  std::vector<std::string> frames;      // but ACK; or the lines
  std::vector<wire::Outcome> outcomes;  // in binary mode
  bool operator==(const Told&) const = default;
};

void take_ack(Bytes body, Told& told) {
  const auto ack = wire::AckView::parse(body);
  fuzz::require(ack && ack->up_to() > told.outcomes.size(), "an ACK says something new");
  std::map<std::uint64_t, wire::Outcome> listed;
  for (std::size_t i = 0; i < ack->size(); ++i) {
    const auto exception = (*ack)[i];
    fuzz::require(exception && exception->sequence > told.outcomes.size() &&
                      exception->sequence <= ack->up_to() &&
                      listed.emplace(exception->sequence, exception->outcome).second,
                  "an exception is one, of what this ACK tells");
  }
  while (told.outcomes.size() < ack->up_to()) {
    const auto found = listed.find(told.outcomes.size() + 1);
    told.outcomes.push_back(found == listed.end() ? wire::Outcome::committed : found->second);
  }
}

Told understand(Bytes received, bool binary) {
  Told told;
  if (!binary) {
    // An ERROR comes as a frame also to who has not said which mode he speaks.
    told.frames.emplace_back(as_text(received));
    return told;
  }
  while (!received.empty()) {
    fuzz::require(received.size() > limits::kFrameLengthBytes, "frames are whole");
    const std::size_t length = wire::load<std::uint32_t>(received.data());
    fuzz::require(length >= 1 && length <= received.size() - limits::kFrameLengthBytes,
                  "frames are whole");
    const Bytes frame = received.subspan(limits::kFrameLengthBytes, length);
    received = received.subspan(limits::kFrameLengthBytes + length);
    if (frame[0] == static_cast<std::uint8_t>(wire::FrameType::ack)) {
      take_ack(frame.subspan(1), told);
    } else {
      told.frames.emplace_back(as_text(frame));
    }
  }
  return told;
}

Told talk(Bytes stream, std::size_t piece) {
  static boost::asio::io_context loop(1);
  FakeWorker worker(loop);
  wire::Buffer received;
  {
    fuzz::LocalClient client(loop);
    worker.add(client.server_end());
    received = client.exchange(stream, piece);
  }
  worker.check_end();
  return understand(received, !stream.empty() && stream[0] == wire::kPreface[0]);
}

// TX frames up to the first thing that ends the connection, read by the rules of the README.
std::size_t transactions_in(Bytes stream) {
  if (!as_text(stream).starts_with(as_text(Bytes(wire::kPreface)))) return 0;
  stream = stream.subspan(wire::kPreface.size());
  std::size_t count = 0;
  bool hello = false;
  while (stream.size() >= 4) {
    const std::size_t length = wire::load<std::uint32_t>(stream.data());
    if (length == 0 || length > limits::kFrameMaxBytes || stream.size() - 4 < length) break;
    const Bytes frame = stream.subspan(4, length);
    stream = stream.subspan(4 + length);
    const Bytes body = frame.subspan(1);
    if (frame[0] == 1 && !hello && wire::parse_hello(body) && body[0] == 1) {
      hello = true;
    } else if (frame[0] == 2 && hello && wire::parse_tx(body)) {
      ++count;
    } else if (frame[0] != 3 || body.size() != 8) {
      break;
    }
  }
  return count;
}

}  // namespace

TXINDEX_FUZZ_TARGET(session) {
  if (input.empty()) return;
  const Bytes stream = input.subspan(1);
  const Told whole = talk(stream, 1 << 20);
  fuzz::require(whole.outcomes.size() == transactions_in(stream),
                "every transaction that was sent is answered, and nothing else");
  fuzz::require(whole == talk(stream, input[0] * 4U + 1), "another cut, the same answers");
}

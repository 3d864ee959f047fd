// A whole connection of a producer, binary or lines, with everything of a worker but its threads:
// the producer is told what a second reading of its bytes says (session_reading.h), however they
// are cut, and nothing is left behind. The first byte says how they are cut.
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <cctype>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "txindex/wire/ack.h"

#include "flow/clock.h"
#include "fuzz/local_exchange.h"
#include "fuzz/session_reading.h"
#include "fuzz/target.h"
#include "net/connections.h"
#include "process/batch_rows.h"
#include "process/intake.h"
#include "support/stages.h"

namespace {

using namespace txindex;
using fuzz::Told;

// As the service has them by default; the corpus has stamps of this time.
constexpr fuzz::ServerRules kRules = {.now_us = 1'790'000'000'000'000,
                                      .max_future_us = 300'000'000,
                                      .max_age_us = 30LL * 86'400 * 1'000'000};

// Stores at once, in memory, by the rule of session_reading.h. The wall clock stands still.
class FakeWorker {
 public:
  explicit FakeWorker(boost::asio::io_context& loop)
      : loop_(loop),
        intake_(
            {.max_future_us = kRules.max_future_us,
             .max_age_us = kRules.max_age_us,
             .max_rows = 8,
             .max_bytes = 16 * limits::kKiB},
            parts_.gate,
            [this](flow::ParcelPtr& parcel) {
              boost::asio::post(
                  loop_, [this, taken = std::move(parcel)]() mutable { finish(std::move(taken)); });
              return true;
            },
            [this] { boost::asio::post(loop_, [this] { intake_.hand_over(); }); },
            [](std::int64_t) {}),
        connections_(loop_, parts_.gate, parts_.chunks, intake_, *parts_.stats, {}, [] {
          return net::ReadTime{kRules.now_us, flow::steady_us()};
        }) {}

  void add(int socket) {
    connections_.add(boost::asio::ip::tcp::socket(loop_, boost::asio::ip::tcp::v4(), socket));
  }

  // As a worker does every second.
  void tend() { connections_.tend(); }

  void check_end() {
    fuzz::require(connections_.size() == 0, "the connection is gone");
    fuzz::require(parts_.gate.in_flight_bytes() == 0 && parts_.chunks.outstanding() == 0,
                  "all credit comes back");
    std::uint64_t outcomes = 0;
    for (std::size_t i = 0; i < wire::kOutcomeCount; ++i)
      outcomes += stat(stats::Word::outcome_committed, i);
    fuzz::require(outcomes == stat(stats::Word::received), "what was received has been counted");
  }

 private:
  std::uint64_t stat(stats::Word first, std::size_t offset = 0) const {
    return stats::get(*parts_.stats,
                      static_cast<stats::Word>(static_cast<std::size_t>(first) + offset));
  }

  void finish(flow::ParcelPtr parcel) {
    for (std::size_t i = 0; i < parcel->size(); ++i) {
      const auto& tx = parcel->table.transactions[i];
      fuzz::require(!tx.txid.empty() && !tx.fee_payer.empty(), "what is stored has been parsed");
      auto& outcome = parcel->items[i].outcome;
      if (fuzz::store_refuses(tx.fee_payer)) {
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
    std::string_view rest = as_text(received);
    for (auto end = rest.find('\n'); !rest.empty(); end = rest.find('\n')) {
      fuzz::require(end != std::string_view::npos, "lines are whole");
      told.lines.emplace_back(rest.substr(0, end));
      rest.remove_prefix(end + 1);
    }
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

// An ERROR comes as a frame also to who has not said which mode he speaks.
bool speaks_lines(Bytes stream) {
  return !stream.empty() && (std::isprint(stream[0]) != 0 || std::isspace(stream[0]) != 0);
}

Told talk(Bytes stream, std::size_t piece) {
  static boost::asio::io_context loop(1);
  FakeWorker worker(loop);
  wire::Buffer received;
  {
    fuzz::LocalClient client(loop);
    worker.add(client.server_end());
    received = client.exchange(stream, piece, [&worker] { worker.tend(); });
  }
  worker.check_end();
  return understand(received, !speaks_lines(stream));
}

// Without the words that say why, which are for people.
Told without_reasons(Told told) {
  constexpr std::size_t kCodeEnds = 3;
  for (auto& frame : told.frames) {
    if (frame[0] == '\x83') frame.resize(std::min(frame.size(), kCodeEnds));
  }
  for (auto& line : told.lines) {
    if (line.starts_with("error ")) line.resize(5);
    if (line.starts_with("rejected ")) line.resize(std::min(line.find(' ', 9), line.size()));
  }
  return told;
}

}  // namespace

TXINDEX_FUZZ_TARGET(session) {
  if (input.empty()) return;
  const Bytes stream = input.subspan(1);
  const Told whole = talk(stream, 1 << 20);
  const Told expected = fuzz::expected_answers(stream, kRules);
  const Told told = without_reasons(whole);
  fuzz::require(told.outcomes == expected.outcomes,
                "every transaction is answered as a second reading of it says");
  fuzz::require(told.lines == expected.lines,
                "every line is answered as a second reading of it says");
  fuzz::require(told.frames == expected.frames,
                "WELCOME, PONG and ERROR are those that a second reading expects");
  fuzz::require(whole == talk(stream, input[0] * 4U + 1), "another cut, the same answers");
}

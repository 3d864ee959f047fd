#include "tools/send.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstdio>
#include <deque>
#include <iostream>
#include <memory>
#include <optional>

#include "txindex/client.h"

#include "tools/interrupt.h"
#include "tools/output.h"
#include "tools/transaction_reader.h"

namespace txindex::tools {
namespace {

// A connection gets this many in a row, so that they leave together.
constexpr int kRunTransactions = 256;
// After so many, connections are served before more is read.
constexpr int kFeedTransactions = 4096;

// Where a transaction came from.
struct Origin {
  std::uint64_t ordinal;  // of all inputs, from 1
  std::uint64_t number;   // of the frame or line in its input
  std::uint32_t input;
};

struct Totals {
  std::uint64_t total = 0;  // read from the inputs, whatever became of them
  std::array<std::uint64_t, wire::kOutcomeCount> outcomes{};
  std::uint64_t completed = 0;
  std::uint64_t resent = 0;
  std::uint64_t reconnects = 0;
  double seconds = 0;

  std::uint64_t unacknowledged() const { return total - completed; }
  std::uint64_t rejected() const { return completed - outcomes[0] - outcomes[1]; }
};

class Sender {
 public:
  Sender(const SendOptions& options, std::optional<OutputFile> rejects)
      : options_(options),
        rejects_(std::move(rejects)),
        progress_(!options.quiet && !options.json) {
    Client::Options client;
    client.host = options.server.host;
    client.port = options.server.port;
    client.token = options.token;
    client.tls = options.tls;
    client.tls_name = options.tls_name;
    client.give_up_after = options.give_up_after;
    for (unsigned i = 0; i < std::max(options.connections, 1U); ++i) {
      lanes_.push_back(std::make_unique<Lane>(*this, client));
    }
  }

  void run() {
    while (true) {
      feed();
      for (auto& lane : lanes_)
        serve(*lane);
      if (interrupts_.count() > 1) return;
      if (reading_over() && all_idle()) break;
      wait();
      if (progress_.due()) show_progress();
    }
    for (auto& lane : lanes_) {
      if (lane->failed) continue;
      if (auto ok = lane->client.finish(); !ok) note_failure(ok.error());
    }
  }

  Totals totals() const {
    Totals t = totals_;
    for (const auto& lane : lanes_) {
      const auto& c = lane->client.counters();
      t.resent += c.resent;
      t.reconnects += c.connects > 1 ? c.connects - 1 : 0;
    }
    t.seconds = watch_.seconds();
    return t;
  }

  // Flushes what is to be kept, and says why not all went well, if so.
  std::optional<Failure> finish() {
    progress_.clear();
    if (rejects_) {
      if (auto ok = rejects_->write(as_bytes(rejects_text_)); !ok) note_failure(ok.error());
      if (auto ok = rejects_->close(); !ok) note_failure(ok.error());
    }
    if (!failure_ && interrupts_.count() > 0) failure_ = failure("interrupted");
    TransactionReader::Item unsent;
    if (failure_ && !inputs_over_ && (next(unsent) || !inputs_over_))
      failure_->message += "; the input was not read to its end";
    return failure_;
  }

 private:
  // One connection, and the origins of what it has not told the outcome of.
  struct Lane {
    Lane(Sender& sender, const Client::Options& client_options)
        : client(client_options, [this, &sender](std::uint64_t, wire::Outcome outcome) {
            sender.on_outcome(origins.front(), outcome);
            origins.pop_front();
          }) {}
    std::deque<Origin> origins;
    bool failed = false;
    Client client;
  };

  bool reading_over() const { return inputs_over_ || failure_ || interrupts_.count() > 0; }

  bool all_idle() const {
    return std::ranges::all_of(lanes_, [](const auto& l) { return l->failed || l->client.idle(); });
  }

  void note_failure(const Failure& f) {
    if (!failure_) failure_ = f;
  }

  void on_outcome(const Origin& origin, wire::Outcome outcome) {
    ++totals_.completed;
    ++totals_.outcomes[static_cast<std::size_t>(outcome)];
    if (!rejects_ || outcome <= wire::Outcome::duplicate) return;
    rejects_text_ += std::to_string(origin.ordinal) + '\t' + names_[origin.input] + '\t' +
                     std::to_string(origin.number) + '\t' + std::string(wire::to_string(outcome)) +
                     '\n';
    if (rejects_text_.size() < std::size_t{64} * 1024) return;
    if (auto ok = rejects_->write(as_bytes(rejects_text_)); !ok) note_failure(ok.error());
    rejects_text_.clear();
  }

  // The lane that goes on with its run, or the next one that has room; nullptr: none has.
  Lane* lane_with_room() {
    for (std::size_t tried = 0; tried <= lanes_.size(); ++tried) {
      Lane& lane = *lanes_[lane_];
      if (run_ < kRunTransactions && !lane.failed && lane.client.has_room()) return &lane;
      run_ = 0;
      lane_ = (lane_ + 1) % lanes_.size();
    }
    return nullptr;
  }

  // Reads and submits, as long as neither would wait.
  void feed() {
    wants_input_ = false;
    for (int i = 0; i < kFeedTransactions && !reading_over(); ++i) {
      Lane* lane = lane_with_room();
      if (lane == nullptr) return;
      TransactionReader::Item item;
      if (!next(item)) return;
      submit(*lane, item);
    }
  }

  // False: nothing to be had just now, or any more.
  bool next(TransactionReader::Item& item) {
    while (true) {
      if (!reader_ && !open_next()) return false;
      auto status = reader_->next(item);
      if (status && *status == TransactionReader::Status::item) return true;
      if (status && *status == TransactionReader::Status::end) {
        reader_.reset();
        continue;
      }
      if (status && !reader_->ready()) {
        wants_input_ = true;
        return false;
      }
      const auto filled = status ? reader_->fill() : result<void>(status.error());
      if (!filled) {
        note_failure(filled.error());
        return false;
      }
    }
  }

  bool open_next() {
    if (opened_ == options_.inputs.size()) {
      inputs_over_ = true;
      return false;
    }
    auto opened = TransactionReader::open(options_.inputs[opened_++]);
    if (!opened) {
      note_failure(opened.error());
      return false;
    }
    names_.push_back(opened->name());
    reader_.emplace(std::move(*opened));
    return true;
  }

  void submit(Lane& lane, const TransactionReader::Item& item) {
    const Origin origin{++totals_.total, item.number, static_cast<std::uint32_t>(opened_ - 1)};
    ++run_;
    lane.origins.push_back(origin);
    if (lane.client.submit(item.tx)) return;
    lane.origins.pop_back();
    // Either the stream has failed, which serve() will note, or this one fits no frame.
    if (lane.client.process()) on_outcome(origin, wire::Outcome::too_large);
  }

  void serve(Lane& lane) {
    if (lane.failed) return;
    if (auto ok = lane.client.process(); !ok) {
      lane.failed = true;
      note_failure(ok.error());
    }
  }

  void wait() {
    waiting_.clear();
    int timeout = progress_.shown() ? 100 : -1;
    const auto at_most = [&timeout](int ms) {
      if (ms >= 0) timeout = timeout < 0 ? ms : std::min(timeout, ms);
    };
    for (const auto& lane : lanes_) {
      if (lane->failed) continue;
      waiting_.push_back({lane->client.fd(), lane->client.events(), 0});
      at_most(lane->client.timeout_ms());
    }
    if (!reading_over()) {
      if (wants_input_) {
        waiting_.push_back({reader_->fd(), POLLIN, 0});
      } else if (lane_with_room() != nullptr) {
        timeout = 0;  // feed() stopped to let the others be served
      }
    }
    waiting_.push_back({interrupts_.fd(), POLLIN, 0});
    ::poll(waiting_.data(), waiting_.size(), timeout);
    if (waiting_.back().revents != 0) interrupts_.acknowledge();
  }

  void show_progress() {
    const Totals t = totals();
    std::string line = grouped(t.completed) + " acknowledged of " + grouped(t.total) + " read, " +
                       grouped(static_cast<std::uint64_t>(per_second(t.completed, t.seconds))) +
                       " a second";
    if (reader_ && reader_->size() != 0) {
      line += ", " + std::to_string(100 * reader_->position() / reader_->size()) + " % of " +
              reader_->name();
    }
    if (t.rejected() != 0) line += ", " + grouped(t.rejected()) + " rejected";
    if (reading_over()) line += ", waiting for the last ones";
    progress_.show(line);
  }

  const SendOptions& options_;
  InterruptCatcher interrupts_;
  const Stopwatch watch_;
  std::optional<OutputFile> rejects_;
  std::string rejects_text_;  // not written yet
  Progress progress_;
  Totals totals_;
  std::optional<Failure> failure_;  // the first one

  std::optional<TransactionReader> reader_;
  std::size_t opened_ = 0;  // inputs so far
  std::vector<std::string> names_;
  bool inputs_over_ = false;
  bool wants_input_ = false;

  std::vector<std::unique_ptr<Lane>> lanes_;
  std::size_t lane_ = 0;
  int run_ = 0;
  std::vector<pollfd> waiting_;
};

void print_report(const Totals& t) {
  const auto line = [](std::string_view name, std::uint64_t n) {
    std::printf("%.*s %llu\n", static_cast<int>(name.size()), name.data(),
                static_cast<unsigned long long>(n));
  };
  for (std::size_t i = 0; i < wire::kOutcomeCount; ++i) {
    line(wire::to_string(static_cast<wire::Outcome>(i)), t.outcomes[i]);
  }
  line("unacknowledged", t.unacknowledged());
  line("total", t.total);
  std::printf("seconds %.3f\nper_second %.0f\n", t.seconds, per_second(t.completed, t.seconds));
  line("resent", t.resent);
  line("reconnects", t.reconnects);
}

void print_json(const Totals& t, const std::optional<Failure>& failed) {
  boost::json::object report;
  for (std::size_t i = 0; i < wire::kOutcomeCount; ++i) {
    report[wire::to_string(static_cast<wire::Outcome>(i))] = t.outcomes[i];
  }
  report["unacknowledged"] = t.unacknowledged();
  report["total"] = t.total;
  report["seconds"] = t.seconds;
  report["per_second"] = per_second(t.completed, t.seconds);
  report["resent"] = t.resent;
  report["reconnects"] = t.reconnects;
  if (failed) report["error"] = failed->message;
  std::cout << report << std::endl;
}

}  // namespace

result<bool> send_inputs(const SendOptions& options) {
  std::optional<OutputFile> rejects;
  if (!options.rejects.empty()) {
    auto opened = OutputFile::open(options.rejects);
    if (!opened) return opened.error();
    rejects.emplace(std::move(*opened));
  }
  Sender sender(options, std::move(rejects));
  sender.run();
  const auto failed = sender.finish();
  const Totals totals = sender.totals();
  if (options.json) {
    print_json(totals, failed);
  } else if (!options.quiet) {
    print_report(totals);
  }
  std::fflush(stdout);
  if (failed) return *failed;
  return totals.rejected() == 0 && totals.unacknowledged() == 0;
}

}  // namespace txindex::tools

#include "faults/arena.h"

#include <algorithm>
#include <sstream>
#include <stdexcept>

#include "support/server.h"

namespace txindex::test {
namespace {

using namespace std::chrono_literals;

constexpr auto kStep = 50ms;
constexpr auto kStopLimit = 60s;
constexpr auto kDeathSeenLimit = 5s;
constexpr auto kAwaitedLimit = 60s;  // two rolls may be ahead of it
constexpr const char* kWriteFailed = "PostgreSQL failed";
constexpr store::PartitionRule kShortRule = {60'000'000, 30'000'000};

}  // namespace

std::uint64_t Outcome::logged(const std::vector<std::string>& texts) const {
  std::istringstream lines(service_log);
  std::uint64_t found = 0;
  for (std::string line; std::getline(lines, line);) {
    found += std::all_of(texts.begin(), texts.end(), [&](const std::string& text) {
      return line.find(text) != std::string::npos;
    });
  }
  return found;
}

Arena::~Arena() {
  for (auto& thread : beside_)
    thread.join();
}

void Arena::postgres_away(const char* act, Milliseconds time, std::function<void()> back) {
  const auto failures = [this] {
    Outcome now;
    now.service_log = service_->log();
    return now.logged({kWriteFailed});
  };
  postgres_away_ = true;
  postgres_trouble_.emplace();
  later(time, [this, act, failures, before = failures(), mend = std::move(back)] {
    mend();
    postgres_away_ = false;
    postgres_trouble_ = Trouble{true, loads_.front()->answered()};
    if (failures() > before) saw(act);
  });
}

void Arena::fail_over(const char* act, Milliseconds time) {
  postgres_away(act, time, [this] {
    std::swap(primary_, other_);
    primary_->promote();
    make_standby();
  });
  primary_->kill9();
}

void Arena::network_bad(const char* act, Milliseconds time, const BadNetwork::Quality& quality,
                        std::uint64_t (BadNetwork::*counter)() const) {
  network_->set(quality);
  network_trouble_.emplace();
  later(time, [this, act, counter, before = (*network_.*counter)()] {
    if ((*network_.*counter)() > before) saw(act);
    network_->set({});
    // Each: one that is cut off anew before it has been answered is given up for good.
    network_trouble_ = Trouble{true, loads_.front()->answered(), loads_.front()->lanes()};
  });
}

bool Arena::is_well(std::optional<Trouble>& trouble) {
  if (!trouble) return true;
  if (!trouble->mended || loads_.front()->answered() <= trouble->answered) return false;
  const auto& now = loads_.front()->lanes();
  const bool all = std::all_of(trouble->lanes.begin(), trouble->lanes.end(), [&](const auto& lane) {
    const auto& [number, then] = lane;
    return then.sent == then.answered || now.at(number).answered > then.answered;
  });
  if (!all) return false;
  trouble.reset();
  ++outages_;
  return true;
}

void Arena::watch_standstill(const char* act, Milliseconds time) {
  const auto begin = Clock::now();
  later(time / 3, [this, act, time, begin] {
    const auto look = [this, act, time, looked = Clock::now(), before = loads_.front()->lanes()] {
      if (Clock::now() < looked + time / 3) return;
      const auto& now = loads_.front()->lanes();
      const bool any = std::any_of(before.begin(), before.end(), [&](const auto& lane) {
        const auto& [number, then] = lane;
        return then.sent > then.answered && now.at(number).answered == then.answered;
      });
      if (any) saw(act);
    };
    due_.emplace(begin + time * 5 / 6, look);
  });
}

void Arena::later(Milliseconds time, std::function<void()> what) {
  due_.emplace(Clock::now() + time, std::move(what));
}

void Arena::beside(std::function<void()> what) {
  beside_.emplace_back(std::move(what));
}

void Arena::do_what_is_due() {
  while (!due_.empty() && due_.begin()->first <= Clock::now()) {
    const auto what = std::move(due_.begin()->second);
    due_.erase(due_.begin());
    what();
  }
}

bool Arena::any_load_runs() {
  return std::any_of(loads_.begin(), loads_.end(), [](auto& load) { return load->running(); });
}

bool Arena::pass(Milliseconds time) {
  const auto end = Clock::now() + time;
  while (any_load_runs()) {
    do_what_is_due();
    service_->tend();
    const auto left = std::chrono::duration_cast<Milliseconds>(end - Clock::now());
    if (left.count() <= 0) return true;
    for (auto& load : loads_) {
      if (load->running()) {
        load->wait(std::min<Milliseconds>(left, kStep));
        break;
      }
    }
  }
  return false;
}

Outcome Arena::finish() {
  // What is away comes back in its time, whether or not the load waits for it.
  while (!due_.empty()) {
    if (!pass(kStep)) std::this_thread::sleep_until(due_.begin()->first);
    do_what_is_due();
  }
  for (auto& thread : beside_)
    thread.join();
  beside_.clear();
  Outcome outcome;
  if (nuisance_) {
    nuisance_->end();
    for (const Nuisance::Kind kind : setup_.nuisance)
      outcome.nuisance[kind] = nuisance_->visits(kind);
  }
  if (strangers_) {
    for (std::size_t i = 0; i < kAbuses; ++i)
      outcome.strangers_ended[static_cast<Abuse>(i)] = strangers_->ended(static_cast<Abuse>(i));
    strangers_.reset();
  }
  outcome.hung = pass(setup_.settle);
  for (auto& load : loads_) {
    if (load->running()) load->abandon();
  }
  postgres_is_well();
  network_is_well();
  gather(outcome);
  return outcome;
}

void Arena::gather(Outcome& outcome) {
  service_->tend();
  outcome.statistics = service_->statistics();
  // A death that the supervisor has not seen yet would be one of those while it drains, for which
  // it ends with status 1. One that is held back is none.
  const auto all_live = [this] {
    const auto workers = service_->workers();
    return workers.size() == Setup::kWorkers && service_->admin() != 0 &&
           std::all_of(workers.begin(), workers.end(), is_alive);
  };
  eventually(all_live, kDeathSeenLimit);
  // What was asked for at the last moment takes its time.
  eventually(
      [this] {
        const std::string log = service_->log();
        return std::ranges::all_of(
            awaited_lines_, [&](const auto& line) { return log.find(line) != std::string::npos; });
      },
      kAwaitedLimit);
  outcome.service_status = service_->stop(kStopLimit);
  outcome.service_starts = service_->starts();
  outcome.service_log = service_->log();
  outcome.seen = seen_;
  outcome.outages = outages_;
  for (const auto& load : loads_) {
    for (const auto& [name, value] : load->report()) {
      outcome.load[name] += value;
      if (name == "longest_gap_seconds") {
        outcome.longest_gap_seconds = std::max(outcome.longest_gap_seconds, value);
      }
    }
  }
  const auto counts = judge(evidence());
  if (!counts) throw std::runtime_error(counts.error().message);
  outcome.counts = *counts;
}

Evidence Arena::evidence() const {
  Evidence evidence;
  for (const auto& load : loads_) {
    evidence.journals.push_back({load->journal(), !load->broken().empty()});
    evidence.broken.insert(evidence.broken.end(), load->broken().begin(), load->broken().end());
  }
  evidence.others = others_;
  evidence.database = primary_->conninfo();
  evidence.level = setup_.level;
  if (setup_.short_partitions) evidence.rule = kShortRule;
  return evidence;
}

}  // namespace txindex::test

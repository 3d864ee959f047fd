#include "tools/load_driver.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace txindex::tools {
namespace {

// In one turn, so that answers are read, and their time taken, soon after they come.
constexpr std::size_t kFedEachTurn = 2048;
// Deadlines of connections (reconnecting, PING) are looked at this often, not before every wait:
// asking thousands of them costs.
constexpr std::int64_t kSweepUs = 20'000;
// Open loop: when there is nothing else to do, what comes due within so long is sent in one turn,
// for less of the processor. It counts with the time of the schedule. The longer turn is for rates
// that give each connection two or more in it, which then go in one write.
constexpr std::int64_t kTurnUs = 250;
constexpr std::int64_t kLongTurnUs = 1000;
constexpr int kEventsEachWait = 256;
// What an event is about, where it is not the index of a lane.
constexpr std::uint64_t kWakeup = ~std::uint64_t{0};
constexpr std::uint64_t kSupply = kWakeup - 1;

}  // namespace

void LoadResults::merge(const LoadResults& other) {
  total += other.total;
  for (std::size_t i = 0; i < outcomes.size(); ++i)
    outcomes[i] += other.outcomes[i];
  completed += other.completed;
  late += other.late;
  unsent += other.unsent;
  resent += other.resent;
  reconnects += other.reconnects;
  refused += other.refused;
  reset += other.reset;
  hung += other.hung;
  starved_us = std::max(starved_us, other.starved_us);
  last_ack_us = std::max(last_ack_us, other.last_ack_us);
  latency.merge(other.latency);
  if (!failure) failure = other.failure;
}

LoadDriver::Lane::Lane(LoadDriver& driver, std::uint32_t lane_number,
                       const Client::Options& options)
    : number(lane_number), client(options, [&driver, this](std::uint64_t, wire::Outcome outcome) {
        driver.on_outcome(*this, outcome);
      }) {}

LoadDriver::LoadDriver(Options options, LoadShared& shared, std::optional<journal::Writer> journal)
    : options_(std::move(options)), shared_(shared), journal_(std::move(journal)) {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  wakeup_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  epoll_event event{EPOLLIN, {.u64 = kWakeup}};
  if (epoll_ < 0 || wakeup_ < 0 || epoll_ctl(epoll_, EPOLL_CTL_ADD, wakeup_, &event) != 0) {
    fail(failure(std::string("cannot wait for connections: ") + std::strerror(errno)));
  }
  for (unsigned i = 0; i < std::max(options_.connections, 1U); ++i)
    lanes_.push_back(std::make_unique<Lane>(*this, i, options_.client));
  const bool several =
      options_.schedule && options_.schedule->due(kLongTurnUs) >= 2 * lanes_.size();
  turn_us_ = several ? kLongTurnUs : kTurnUs;
}

LoadDriver::~LoadDriver() {
  lanes_.clear();
  ::close(epoll_);
  ::close(wakeup_);
}

void LoadDriver::run() {
  prctl(PR_SET_TIMERSLACK, 1000);  // ns: the schedule is finer than the 50 us that are usual
  while (true) {
    now_us_ = shared_.clock.now_us();
    if (feeding_) feed();
    check_end();
    record_sends();
    for (Lane* lane : fed_)
      submit_staged(*lane);
    std::erase_if(fed_, [](const Lane* lane) { return lane->failed || lane->staged.empty(); });
    publish();
    if (shared_.order == LoadShared::abandon || (!feeding_ && all_answered())) break;
    wait();
    publish();
  }
  settle();
}

void LoadDriver::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(wakeup_, &one, sizeof one);
}

// --- Sending -----------------------------------------------------------------------------------

void LoadDriver::check_end() {
  if (!feeding_) return;
  const bool supply_over = pack_ == nullptr && shared_.supply.over();
  // What came due since the turn before is not unsent because this thread was woken late: it has
  // been fed, as far as the connections have room.
  const bool time_over =
      options_.end_us && now_us_ >= *options_.end_us && !(options_.schedule && more_room_);
  if (!supply_over && !time_over && shared_.order == LoadShared::go) return;
  feeding_ = false;
  if (!options_.schedule || supply_over) return;
  // They count with the time that they have waited: leaving out the slowest would flatter.
  for (const std::uint64_t due = options_.schedule->due(now_us_); issued_ < due; ++issued_) {
    ++results_.unsent;
    results_.latency.record(now_us_ - options_.schedule->time_us(issued_));
  }
}

void LoadDriver::feed() {
  const std::uint64_t due =
      options_.schedule ? options_.schedule->due(now_us_) - issued_ : kFedEachTurn;
  const std::uint64_t budget = std::min<std::uint64_t>(due, kFedEachTurn);
  const std::size_t share = std::clamp<std::size_t>(
      options_.schedule ? (due + lanes_.size() - 1) / lanes_.size() : options_.run, 1,
      options_.run);
  std::uint64_t fed = 0;
  for (std::size_t tried = 0; tried < lanes_.size() && fed < budget; ++tried) {
    Lane& lane = *lanes_[next_lane_];
    next_lane_ = (next_lane_ + 1) % lanes_.size();
    if (lane.failed || !lane.staged.empty() || !lane.client.has_room()) continue;
    const std::size_t n = feed_lane(lane, std::min<std::uint64_t>(share, budget - fed));
    if (n == 0) break;
    fed += n;
  }
  // Closed loop: who took some may have room for more.
  more_room_ = fed != 0 && (!options_.schedule || fed < due);
}

// How many it got; fewer than `most` only when no more are made.
std::size_t LoadDriver::feed_lane(Lane& lane, std::size_t most) {
  for (std::size_t n = 0; n < most; ++n) {
    if (!refill()) return n;
    if (n == 0) fed_.push_back(&lane);
    const std::int64_t stamp_us =
        pack_->tx(pack_at_).time_us.value_or(shared_.clock.wall_us(now_us_));
    const std::int64_t time_us =
        options_.schedule ? options_.schedule->time_us(issued_++) : now_us_;
    if (journal_) {
      journal_->add(journal::Sent{options_.first_connection + lane.number, lane.next_sequence,
                                  shared_.clock.wall_us(now_us_), stamp_us, pack_->txid(pack_at_)});
    }
    lane.staged.push_back({pack_, pack_at_, lane.next_sequence++, stamp_us, time_us});
    ++results_.total;
    if (++pack_at_ == pack_->size()) pack_.reset();
  }
  return most;
}

// There is something to be taken from pack_.
bool LoadDriver::refill() {
  if (pack_) return true;
  pack_ = shared_.supply.try_take();
  pack_at_ = 0;
  if (!pack_) {
    if (!starved_since_us_ && !shared_.supply.over()) starved_since_us_ = now_us_;
    return false;
  }
  if (starved_since_us_) results_.starved_us += now_us_ - *starved_since_us_;
  starved_since_us_.reset();
  return true;
}

void LoadDriver::record_sends() {
  if (!journal_) return;
  const auto recorded = journal_->flush();
  if (recorded) return;
  // What is not recorded is not sent.
  fail(recorded.error());
  for (Lane* lane : fed_)
    lane->staged.clear();
  fed_.clear();
}

void LoadDriver::submit_staged(Lane& lane) {
  const std::int64_t now_us = shared_.clock.now_us();
  while (!lane.staged.empty() && !lane.failed && lane.client.has_room()) {
    const Staged& staged = lane.staged.front();
    wire::TxFrame tx = staged.pack->tx(staged.index);
    tx.time_us = staged.stamp_us;
    const Pending pending{staged.sequence, options_.schedule ? staged.time_us : now_us};
    lane.pending.push_back(pending);
    if (lane.client.submit(tx)) {
      ++sent_now_;
      if (options_.schedule && now_us - pending.time_us > kLoadLateUs) ++results_.late;
    } else {
      lane.pending.pop_back();
      // Either the stream has failed, which serve() will note, or this one fits no frame.
      if (!lane.client.process()) break;
      complete(lane, pending, wire::Outcome::too_large);
    }
    lane.staged.pop_front();
  }
  serve(lane);
}

// --- Answers -----------------------------------------------------------------------------------

void LoadDriver::serve(Lane& lane) {
  if (lane.failed) return;
  if (auto ok = lane.client.process(); !ok) {
    lane.failed = true;
    return fail(ok.error());
  }
  watch(lane);
}

// A Client closes and opens sockets as it needs to, and the descriptor of a new one may be that of
// the one before.
void LoadDriver::watch(Lane& lane) {
  const int fd = lane.client.fd();
  if (fd < 0) return;
  const std::uint64_t socket = lane.client.counters().attempts;
  const int events = lane.client.events();
  if (socket == lane.watched_socket && events == lane.watched_events) return;
  lane.watched_socket = socket;
  lane.watched_events = events;
  epoll_event event{static_cast<std::uint32_t>(events), {.u64 = lane.number}};
  if (epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) == 0) return;
  if (errno == ENOENT && epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0) return;
  fail(failure(std::string("cannot wait for a connection: ") + std::strerror(errno)));
}

void LoadDriver::on_outcome(Lane& lane, wire::Outcome outcome) {
  complete(lane, lane.pending.front(), outcome);
  lane.pending.pop_front();
  ++answered_now_;
}

void LoadDriver::complete(const Lane& lane, const Pending& done, wire::Outcome outcome) {
  const std::int64_t now_us = shared_.clock.now_us();
  results_.latency.record(now_us - done.time_us);
  results_.last_ack_us = now_us;
  ++results_.completed;
  ++results_.outcomes[static_cast<std::size_t>(outcome)];
  ++completed_now_;
  if (outcome > wire::Outcome::duplicate) ++rejected_now_;
  if (journal_) {
    journal_->add(journal::Acked{options_.first_connection + lane.number, done.sequence,
                                 shared_.clock.wall_us(now_us), outcome});
  }
}

// Tells the others, and the journal.
void LoadDriver::publish() {
  const std::int64_t now_us = shared_.clock.now_us();
  const std::uint64_t sent = std::exchange(sent_now_, 0);
  const std::uint64_t answered = std::exchange(answered_now_, 0);
  if (sent != 0) shared_.gap.sent(now_us, sent);
  if (answered != 0) shared_.gap.acked(now_us, answered);
  shared_.sent += sent;
  shared_.completed += std::exchange(completed_now_, 0);
  shared_.rejected += std::exchange(rejected_now_, 0);
  if (!journal_) return;
  if (auto ok = journal_->flush(); !ok) fail(ok.error());
}

// --- Waiting -----------------------------------------------------------------------------------

std::int64_t LoadDriver::wait_until_us() const {
  if (!feeding_) return next_sweep_us_;
  if (more_room_) return now_us_;
  std::int64_t until_us = next_sweep_us_;
  if (options_.end_us) until_us = std::min(until_us, *options_.end_us);
  // One whose time has come waits for room, or to be made, and not for the clock.
  if (options_.schedule && options_.schedule->due(now_us_) == issued_) {
    until_us =
        std::min(until_us, std::max(options_.schedule->time_us(issued_), now_us_ + turn_us_));
  }
  return until_us;
}

void LoadDriver::wait() {
  watch_supply(feeding_ && starved_since_us_);
  const std::int64_t left_us = std::max<std::int64_t>(wait_until_us() - shared_.clock.now_us(), 0);
  const timespec timeout{left_us / 1'000'000, left_us % 1'000'000 * 1000};
  std::array<epoll_event, kEventsEachWait> events;
  const int n = epoll_pwait2(epoll_, events.data(), kEventsEachWait, &timeout, nullptr);
  for (int i = 0; i < n; ++i) {
    const std::uint64_t about = events[static_cast<std::size_t>(i)].data.u64;
    if (about < lanes_.size()) {
      serve(*lanes_[about]);
    } else if (about == kWakeup) {
      std::uint64_t count = 0;
      [[maybe_unused]] const auto got = ::read(wakeup_, &count, sizeof count);
    }
  }
  sweep();
}

void LoadDriver::sweep() {
  const std::int64_t now_us = shared_.clock.now_us();
  if (now_us < next_sweep_us_) return;
  next_sweep_us_ = now_us + kSweepUs;
  for (auto& lane : lanes_) {
    if (!lane->failed && lane->client.timeout_ms() == 0) serve(*lane);
  }
}

void LoadDriver::watch_supply(bool wanted) {
  if (wanted == supply_watched_) return;
  supply_watched_ = wanted;
  epoll_event event{EPOLLIN, {.u64 = kSupply}};
  epoll_ctl(epoll_, wanted ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, shared_.supply.fd(), &event);
}

// --- The end -----------------------------------------------------------------------------------

// Ends the whole load: the others send no more either.
void LoadDriver::fail(const Failure& why) {
  if (!results_.failure) results_.failure = why;
  int expected = LoadShared::go;
  shared_.order.compare_exchange_strong(expected, LoadShared::finish);
}

bool LoadDriver::all_answered() const {
  return std::ranges::all_of(lanes_, [](const auto& lane) {
    return lane->failed || (lane->staged.empty() && lane->client.idle());
  });
}

void LoadDriver::settle() {
  now_us_ = shared_.clock.now_us();
  for (const auto& lane : lanes_) {
    for (const auto& waiting : lane->pending)
      results_.latency.record(now_us_ - waiting.time_us);
    for (const auto& waiting : lane->staged)
      results_.latency.record(now_us_ - waiting.time_us);
    const auto& counters = lane->client.counters();
    results_.resent += counters.resent;
    results_.reconnects += counters.connects > 1 ? counters.connects - 1 : 0;
    results_.refused += counters.refused;
    results_.reset += counters.reset;
    results_.hung += counters.hung;
  }
  if (!journal_) return;
  if (auto ok = journal_->finish(); !ok) fail(ok.error());
}

}  // namespace txindex::tools

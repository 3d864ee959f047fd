#include "page/acted_service.h"

#include <chrono>
#include <cmath>

#include "flow/clock.h"
#include "stats/block.h"
#include "stats/service.h"

namespace txindex::test {
namespace {

using stats::ProcessState;
using stats::ServiceText;
using stats::ServiceWord;
using stats::Timing;
using stats::Word;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr auto kStep = milliseconds(20);
// How long a worker takes to be replaced, and to be ready.
constexpr auto kStarting = milliseconds(700);

std::uint64_t number(ProcessState state) {
  return static_cast<std::uint64_t>(state);
}

}  // namespace

struct ActedService::Worker {
  std::unique_ptr<Process> process;
  Clock::time_point since;
};

ActedService::ActedService(stats::Segment& segment, std::size_t workers)
    : segment_(segment), workers_(workers) {
  auto& service = segment.service();
  set(service, ServiceWord::supervisor_pid, 4711);
  set(service, ServiceWord::service_state, 1);
  set(service, ServiceWord::started_unix_us, static_cast<std::uint64_t>(flow::wall_us()));
  set(service, ServiceWord::worker_slots, workers);
  set(service, ServiceWord::workers, workers);
  set(service, ServiceText::version, "0.0.1");
  set(service, ServiceText::listen, "127.0.0.1:9400");
  auto& admin = segment.block(stats::kAdminSlot, 0);
  set(admin, Word::pid, 4712);
  set(admin, Word::generation, 1);
  set(admin, Word::state, number(ProcessState::ready));
  thread_ = std::thread([this] { act(); });
}

ActedService::~ActedService() {
  stop_ = true;
  thread_.join();
}

// Processes are started and ended by this thread alone.
void ActedService::act() {
  std::vector<Worker> all(workers_);
  while (!stop_) {
    for (std::size_t slot = 0; slot < all.size(); ++slot) {
      supervise(slot, all[slot]);
      work(slot, std::chrono::duration<double>(kStep).count());
    }
    phase_ += std::chrono::duration<double>(kStep).count();
    std::this_thread::sleep_for(kStep);
  }
}

void ActedService::supervise(std::size_t slot, Worker& worker) {
  auto& block = segment_.block(slot, 0);
  const auto become = [&](ProcessState state) {
    set(block, Word::state, number(state));
    worker.since = Clock::now();
  };
  if (worker.process && !worker.process->running()) {
    worker.process.reset();
    clear_gauges(block);
    add(block, Word::restarts);
    become(ProcessState::empty);
  } else if (!worker.process && Clock::now() - worker.since > kStarting) {
    worker.process = std::make_unique<Process>(std::vector<std::string>{"sleep", "600"});
    set(block, Word::pid, static_cast<std::uint64_t>(worker.process->pid()));
    add(block, Word::generation);
    become(ProcessState::starting);
  } else if (get(block, Word::state) == number(ProcessState::starting) &&
             Clock::now() - worker.since > kStarting) {
    become(ProcessState::ready);
    set(block, Word::verify_threads, 2);
    set(block, Word::writers, 2);
    set(block, Word::postgres_connected, 2);
    set(block, Word::listeners, 1);
  }
}

void ActedService::work(std::size_t slot, double seconds) {
  auto& block = segment_.block(slot, 0);
  if (get(block, Word::state) != number(ProcessState::ready)) return;
  const double wave =
      1 + 0.3 * std::sin(phase_ / 7 + static_cast<double>(slot)) + 0.1 * std::sin(phase_ * 3);
  const auto share = [&](double per_second) {
    return static_cast<std::uint64_t>(per_second * wave * seconds);
  };
  set(block, Word::heartbeat_us, static_cast<std::uint64_t>(flow::steady_us()));
  add(block, Word::received, share(21'000));
  add(block, Word::outcome_committed, share(20'000));
  add(block, Word::outcome_duplicate, share(700));
  add(block, Word::outcome_bad_signature, share(200));
  add(block, Word::outcome_malformed, share(100));
  add(block, Word::received_bytes, share(8'000'000));
  add(block, Word::batches, share(150));
  add(block, Word::batch_rows, share(20'000));
  add(block, Word::loop_busy_us, share(240'000));
  add(block, Word::loop_idle_us, share(620'000));
  set(block, Word::connections_open, 8);
  set(block, Word::in_flight_bytes, share(400'000'000));
  raise(block, Word::in_flight_bytes_high, share(400'000'000));
  set(block, Word::verify_queue, share(300));
  raise(block, Word::verify_queue_high, share(300));
  set(block, Word::batch_queue, share(60'000));
  raise(block, Word::batch_queue_high, share(60'000));
  set(block, Word::store_partitions, 3);
  set(block, Word::store_rows, get(block, Word::outcome_committed));
  set(block, Word::store_bytes, get(block, Word::outcome_committed) * 900);
  record(block, Timing::verify, 46, share(21'000));
  record(block, Timing::commit, static_cast<std::uint64_t>(9000 * wave), share(150));
  record(block, Timing::receive_to_ack, static_cast<std::uint64_t>(14'000 * wave), share(19'000));
  record(block, Timing::receive_to_ack, static_cast<std::uint64_t>(40'000 * wave), share(900));
}

}  // namespace txindex::test

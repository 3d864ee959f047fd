#include "tools/load.h"

#include <poll.h>
#include <sodium.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <iostream>
#include <memory>
#include <thread>

#include "tools/interrupt.h"
#include "tools/load_driver.h"
#include "tools/output.h"
#include "verify/backend.h"

namespace txindex::tools {
namespace {

using namespace std::chrono_literals;

// Descriptors that are open beside the connections.
constexpr rlim_t kOtherDescriptors = 64;

struct Quantile {
  double share;
  const char* name;  // in the report
};
constexpr Quantile kQuantiles[] = {{0.5, "p50"}, {0.9, "p90"}, {0.99, "p99"}, {0.999, "p99_9"}};

struct Report {
  LoadResults results;
  double seconds = 0;  // from the start to the last answer
  double longest_gap_seconds = 0;
  std::uint64_t made_meanwhile = 0;
  std::optional<Failure> failure;
};

result<void> check(const LoadOptions& options) {
  if (options.files.empty() && !options.count && !options.duration) {
    return configuration_failure(
        "this load would never end: give --duration, --count or files to send (--file)");
  }
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t wanted = options.connections + kOtherDescriptors;
  if (limit.rlim_cur >= wanted) return {};
  if (limit.rlim_max < wanted) {
    return configuration_failure(std::to_string(options.connections) +
                                 " connections need more open files than the " +
                                 std::to_string(limit.rlim_max) +
                                 " that this user may have: raise it (ulimit -n) or use fewer");
  }
  limit.rlim_cur = wanted;
  setrlimit(RLIMIT_NOFILE, &limit);
  return {};
}

LoadSupply::Options supply_options(const LoadOptions& options) {
  LoadSupply::Options supply;
  supply.files = options.files;
  supply.count = options.count;
  supply.ahead = options.ahead;
  if (options.rate && options.duration) {
    // No more than there is time for.
    const double wanted = *options.rate * std::chrono::duration<double>(*options.duration).count();
    supply.ahead = std::min(supply.ahead, static_cast<std::uint64_t>(wanted) + 1);
  }
  supply.txids = !options.journal.empty();
  supply.threads = std::thread::hardware_concurrency();
  if (options.seed) {
    supply.seed = *options.seed;
  } else {
    randombytes_buf(&supply.seed, sizeof supply.seed);
  }
  supply.accounts = options.accounts;
  supply.mix = options.mix;
  return supply;
}

unsigned driver_count(const LoadOptions& options) {
  const unsigned usual = std::max(std::thread::hardware_concurrency() / 2, 1U);
  return std::clamp(options.threads != 0 ? options.threads : usual, 1U, options.connections);
}

// Driver `i` of `n`.
LoadDriver::Options driver_options(const LoadOptions& options, unsigned i, unsigned n) {
  LoadDriver::Options driver;
  driver.client.host = options.server.host;
  driver.client.port = options.server.port;
  driver.client.token = options.token;
  driver.client.tls = options.tls;
  driver.client.tls_name = options.tls_name;
  driver.client.window_transactions = options.window;
  driver.client.give_up_after = options.give_up_after;
  driver.first_connection = options.connections * i / n;
  driver.connections = options.connections * (i + 1) / n - driver.first_connection;
  if (options.duration) {
    driver.end_us =
        std::chrono::duration_cast<std::chrono::microseconds>(*options.duration).count();
  }
  if (options.rate) driver.schedule.emplace(*options.rate, i, n, driver.end_us);
  driver.run = std::min<std::size_t>(driver.run, options.window);
  // A short load goes to all connections, not only to the first ones.
  if (options.count) {
    driver.run = std::min<std::size_t>(driver.run, *options.count / options.connections + 1);
  }
  return driver;
}

// Waits while the first transactions are made. False: interrupted.
bool fill(LoadSupply& supply, InterruptCatcher& interrupts, Progress& progress) {
  while (!supply.filled_within(100ms)) {
    if (interrupts.count() != 0) return false;
    progress.show(grouped(supply.made()) + " transactions ready");
  }
  progress.clear();
  return true;
}

class Load {
 public:
  Load(const LoadOptions& options, LoadSupply& supply, InterruptCatcher& interrupts,
       Progress& progress)
      : options_(options),
        interrupts_(interrupts),
        progress_(progress),
        shared_(supply, clock_),
        made_before_(supply.made()),
        ended_(eventfd(0, EFD_CLOEXEC)) {}
  ~Load() { ::close(ended_); }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  // One writer for each driver, or none at all.
  Report run(std::vector<journal::Writer> journals, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      std::optional<journal::Writer> journal;
      if (!journals.empty()) journal.emplace(std::move(journals[i]));
      drivers_.push_back(std::make_unique<LoadDriver>(driver_options(options_, i, count), shared_,
                                                      std::move(journal)));
    }
    std::vector<std::thread> threads;
    for (auto& driver : drivers_) {
      threads.emplace_back([this, &driver] {
        driver->run();
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto n = ::write(ended_, &one, sizeof one);
      });
    }
    watch();
    for (auto& thread : threads)
      thread.join();
    return report();
  }

 private:
  void watch();
  void show(std::int64_t now_us, double rate_now);
  Report report() const;

  const LoadOptions& options_;
  InterruptCatcher& interrupts_;
  Progress& progress_;
  const LoadClock clock_;
  LoadShared shared_;
  std::vector<std::unique_ptr<LoadDriver>> drivers_;
  const std::uint64_t made_before_;
  const int ended_;  // counts drivers that have
};

// Until all drivers have ended. A first interrupt ends the sending, a second one the waiting.
void Load::watch() {
  std::size_t running = drivers_.size();
  std::uint64_t before = 0;
  std::int64_t shown_us = 0;
  while (running > 0) {
    pollfd waiting[] = {{ended_, POLLIN, 0}, {interrupts_.fd(), POLLIN, 0}};
    const std::int64_t left_us = shown_us + 1'000'000 - clock_.now_us();
    ::poll(waiting, 2,
           progress_.shown() ? static_cast<int>(std::max<std::int64_t>(left_us, 0) / 1000) : -1);
    if (waiting[0].revents != 0) {
      std::uint64_t n = 0;
      if (::read(ended_, &n, sizeof n) == sizeof n) running -= n;
    }
    if (waiting[1].revents != 0) {
      interrupts_.acknowledge();
      shared_.order = interrupts_.count() > 1 ? LoadShared::abandon : LoadShared::finish;
      for (auto& driver : drivers_)
        driver->wake();
    }
    const std::int64_t now_us = clock_.now_us();
    if (!progress_.shown() || now_us < shown_us + 1'000'000) continue;
    const std::uint64_t completed = shared_.completed;
    show(now_us,
         static_cast<double>(completed - before) * 1e6 / static_cast<double>(now_us - shown_us));
    before = completed;
    shown_us = now_us;
  }
  progress_.clear();
}

void Load::show(std::int64_t now_us, double rate_now) {
  const std::uint64_t completed = shared_.completed;
  std::string line = std::to_string(now_us / 1'000'000) + " s: " + grouped(completed) +
                     " acknowledged, " + grouped(static_cast<std::uint64_t>(rate_now)) +
                     " a second, " + grouped(shared_.sent - completed) + " under way";
  if (shared_.rejected != 0) line += ", " + grouped(shared_.rejected) + " rejected";
  if (shared_.order != LoadShared::go) line += ", waiting for the last ones";
  progress_.show(line);
}

Report Load::report() const {
  Report report;
  report.made_meanwhile = shared_.supply.made() - made_before_;
  const std::int64_t now_us = clock_.now_us();
  for (const auto& driver : drivers_)
    report.results.merge(driver->results());
  report.seconds = static_cast<double>(report.results.last_ack_us) / 1e6;
  report.longest_gap_seconds = static_cast<double>(shared_.gap.longest_us(now_us)) / 1e6;
  report.failure = report.results.failure;
  if (!report.failure) report.failure = shared_.supply.failed();
  if (!report.failure && interrupts_.count() > 0) {
    report.failure = failure("interrupted: the load did not come to its end");
  }
  return report;
}

void print_report(const LoadOptions& options, const Report& report) {
  const LoadResults& r = report.results;
  const auto line = [](const std::string& name, std::uint64_t n) {
    std::printf("%s %llu\n", name.c_str(), static_cast<unsigned long long>(n));
  };
  const auto ms_line = [](const std::string& name, double us) {
    std::printf("%s %.3f\n", name.c_str(), us / 1000);
  };
  for (std::size_t i = 0; i < wire::kOutcomeCount; ++i)
    line(std::string(wire::to_string(static_cast<wire::Outcome>(i))), r.outcomes[i]);
  line("unacknowledged", r.unacknowledged());
  line("total", r.total);
  std::printf("seconds %.3f\nper_second %.0f\n", report.seconds,
              per_second(r.completed, report.seconds));
  for (const auto& [share, name] : kQuantiles)
    ms_line(std::string("latency_ms_") + name, static_cast<double>(r.latency.quantile(share)));
  ms_line("latency_ms_max", static_cast<double>(r.latency.max()));
  ms_line("latency_ms_mean", r.latency.mean());
  std::printf("longest_gap_seconds %.3f\n", report.longest_gap_seconds);
  if (options.rate) {
    line("late", r.late);
    line("unsent", r.unsent);
  }
  line("resent", r.resent);
  line("reconnects", r.reconnects);
  line("connections_refused", r.refused);
  line("connections_reset", r.reset);
  line("connections_hung", r.hung);
  if (r.starved_us != 0) {
    std::printf("waited_for_transactions_seconds %.3f\n", static_cast<double>(r.starved_us) / 1e6);
  }
}

void print_json(const LoadOptions& options, const Report& report) {
  const LoadResults& r = report.results;
  boost::json::object latency;
  for (const auto& [share, name] : kQuantiles)
    latency[name] = r.latency.quantile(share);
  latency["max"] = r.latency.max();
  latency["mean"] = r.latency.mean();
  latency["count"] = r.latency.count();
  boost::json::object out;
  out["mode"] = options.rate ? "open" : "closed";
  out["connections"] = options.connections;
  for (std::size_t i = 0; i < wire::kOutcomeCount; ++i)
    out[wire::to_string(static_cast<wire::Outcome>(i))] = r.outcomes[i];
  out["unacknowledged"] = r.unacknowledged();
  out["total"] = r.total;
  out["seconds"] = report.seconds;
  out["per_second"] = per_second(r.completed, report.seconds);
  out["latency_us"] = std::move(latency);
  out["longest_gap_seconds"] = report.longest_gap_seconds;
  if (options.rate) {
    out["rate"] = *options.rate;
    out["late"] = r.late;
    out["unsent"] = r.unsent;
  }
  out["resent"] = r.resent;
  out["reconnects"] = r.reconnects;
  out["connections_refused"] = r.refused;
  out["connections_reset"] = r.reset;
  out["connections_hung"] = r.hung;
  out["made_meanwhile"] = report.made_meanwhile;
  out["waited_for_transactions_seconds"] = static_cast<double>(r.starved_us) / 1e6;
  if (report.failure) out["error"] = report.failure->message;
  std::cout << out << std::endl;
}

}  // namespace

result<bool> load(const LoadOptions& options) {
  if (auto ok = check(options); !ok) return ok.error();
  if (auto ok = verify::start(VerifyBackend::libsodium); !ok) return ok.error();
  const unsigned drivers = driver_count(options);
  std::vector<journal::Writer> journals;
  for (unsigned i = 0; i < drivers && !options.journal.empty(); ++i) {
    auto journal = journal::Writer::create(options.journal, i);
    if (!journal) return journal.error();
    journals.push_back(std::move(*journal));
  }
  InterruptCatcher interrupts;
  Progress progress(!options.quiet && !options.json);
  LoadSupply supply(supply_options(options));
  if (!fill(supply, interrupts, progress)) return failure("interrupted: nothing was sent");

  const Report report =
      Load(options, supply, interrupts, progress).run(std::move(journals), drivers);
  if (options.json) {
    print_json(options, report);
  } else if (!options.quiet) {
    print_report(options, report);
  }
  std::fflush(stdout);
  if (report.failure) return *report.failure;
  const LoadResults& r = report.results;
  return r.rejected() == 0 && r.unacknowledged() == 0 && r.unsent == 0;
}

}  // namespace txindex::tools

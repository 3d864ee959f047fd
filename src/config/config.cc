#include "config/config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>

#include <algorithm>

#include "txindex/limits.h"

#include "config/units.h"

namespace txindex::config {
namespace {

// A mistake in one digit should not become a machine with a hundred thousand threads.
constexpr int kVerifyThreadsTotalMax = 4096;

}  // namespace

int available_cores() {
  // The affinity mask, not the machine: a container or a CPUAffinity= may leave less.
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

bool is_loopback(const std::string& host) {
  if (host == "localhost") return true;
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1)
    return ntohl(v4.s_addr) >> IN_CLASSA_NSHIFT == IN_LOOPBACKNET;
  in6_addr v6{};
  return inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

bool lets_strangers_in(const Config& config, const std::string& host) {
  return !is_loopback(host) && config.tls_client_ca.empty() && config.tokens.empty() &&
         !config.insecure;
}

int effective_workers(const Config& config, int cores) {
  if (config.workers != 0) return config.workers;
  return std::clamp(cores, 1, limits::kWorkersMax);
}

int effective_verify_threads(const Config& config, int cores, VerifyBackend used) {
  if (config.verify_threads != 0) return config.verify_threads;
  const int share = cores / effective_workers(config, cores);
  // libsodium is nearly all of the work, and connections fall unevenly on workers: one that has
  // more of them must not be kept from a core that is idle. A kernel is about half of the work, and
  // the event loop keeps a core to itself where there is more than one for each.
  const int threads = used == VerifyBackend::libsodium ? share + 1 : share - 1;
  return std::clamp(threads, 1, limits::kVerifyThreadsMax);
}

std::optional<Contradiction> contradiction(const Config& config) {
  using std::chrono::minutes;
  constexpr std::chrono::microseconds day = std::chrono::hours(24);
  const auto interval = config.partition_interval;
  const std::string written = format_duration(interval);
  if (interval % minutes(1) != minutes(0) ||
      (day % interval != minutes(0) && interval % day != minutes(0))) {
    return Contradiction{
        "partition.interval",
        "'" + written +
            "' is neither whole minutes that divide a day nor whole days; for example "
            "10min, 1h, 6h, 1d, 7d"};
  }
  if (interval < 2 * config.dedup_window) {
    return Contradiction{"partition.interval", "'" + written +
                                                   "' is less than twice dedup.window (" +
                                                   format_duration(config.dedup_window) + ")"};
  }
  if (lets_strangers_in(config, config.listen.host)) {
    return Contradiction{
        "listen", "'" + to_string(config.listen) +
                      "' can be reached from other machines, and nothing says who may send: set "
                      "tokens, or tls.client_ca, or a loopback address, or insecure = true"};
  }
  if (config.admin && config.listen == *config.admin && config.listen.port != 0) {
    return Contradiction{"admin",
                         "'" + to_string(*config.admin) + "' is also the address of listen"};
  }
  if (config.retention && *config.retention < config.time_max_age + interval) {
    return Contradiction{"retention",
                         "'" + format_duration(*config.retention) +
                             "' is less than time.max_age and one partition.interval (" +
                             format_duration(config.time_max_age + interval) +
                             "): transactions would be accepted and then dropped"};
  }
  if (config.verify_threads * std::max(1, config.workers) > kVerifyThreadsTotalMax) {
    return Contradiction{"verify.threads", "'" + std::to_string(config.verify_threads) +
                                               "' for each of " + std::to_string(config.workers) +
                                               " workers is more than " +
                                               std::to_string(kVerifyThreadsTotalMax) + " in all"};
  }
  return std::nullopt;
}

}  // namespace txindex::config

#include "faults/service.h"

#include <signal.h>

#include <boost/json.hpp>
#include <stdexcept>

#include "support/server.h"

namespace txindex::test {
namespace {

constexpr auto kReadyLimit = std::chrono::seconds(60);
constexpr int kNotAtFullStrength = 3;  // of txindex status
const std::string kAdminLine = "admin on http://";

// The address in "listening on HOST:PORT"; empty: it has not said so.
std::string address_in(const std::string& log) {
  static const std::string kLine = "listening on ";
  const auto at = log.find(kLine);
  if (at == std::string::npos) return {};
  const auto end = log.find('\n', at);
  if (end == std::string::npos) return {};
  return log.substr(at + kLine.size(), end - at - kLine.size());
}

std::string command_of(pid_t pid) {
  return read_file("/proc/" + std::to_string(pid) + "/cmdline");
}

}  // namespace

Service::Service(Options options) : options_(std::move(options)) {
  start();
  std::string said;
  eventually([&] { return !process_->running() || !(said = address_in(log())).empty(); },
             kReadyLimit);
  const auto parsed = parse_endpoint(said);
  if (!parsed) throw std::runtime_error("txindexd is not ready:\n" + log());
  address_ = *parsed;
}

// A supervisor that dies leaves workers that drain, for as long as a database that is away makes
// them wait.
Service::~Service() {
  kill_supervisor();
  for (const pid_t orphan : orphans_) {
    if (is_alive(orphan) && command_of(orphan).starts_with(TXINDEXD_BINARY)) {
      ::kill(orphan, SIGKILL);
    }
  }
}

void Service::kill_supervisor() {
  if (!process_->running()) return;
  for (const auto& [child, command] : children_of(pid()))
    orphans_.push_back(child);
  process_->signal(SIGKILL);
  process_->wait();
}

void Service::start() {
  std::vector<std::string> command = {
      TXINDEXD_BINARY, "--listen=" + (starts_ == 0 ? options_.listen : to_string(address_)),
      "--admin=127.0.0.1:0", "--database=" + options_.database};
  command.insert(command.end(), options_.flags.begin(), options_.flags.end());
  Process::Options process_options;
  process_options.environment = options_.environment;
  process_options.output_file = dir_ / "log";
  process_ = start_within(options_.within, std::move(command), process_options);
  ++starts_;
}

void Service::tend() {
  if (!process_->running()) start();
}

int Service::stop(std::chrono::milliseconds limit) {
  process_->signal(SIGTERM);
  return process_->wait(limit);
}

std::vector<pid_t> Service::workers() const {
  std::vector<pid_t> pids;
  for (const auto& [pid, words] : children_of(pid())) {
    if (words.size() > 1 && words[1] == "worker") pids.push_back(pid);
  }
  return pids;
}

pid_t Service::admin() const {
  for (const auto& [pid, words] : children_of(pid())) {
    if (words.size() > 1 && words[1] == "admin") return pid;
  }
  return 0;
}

std::string Service::log() const {
  return read_file(dir_ / "log");
}

std::map<std::string, double> Service::statistics() const {
  const std::string all = log();
  const auto at = all.rfind(kAdminLine);
  if (at == std::string::npos) throw std::runtime_error("there is no admin port:\n" + all);
  const auto begin = at + kAdminLine.size();
  const std::string admin = all.substr(begin, all.find('/', begin) - begin);
  std::string said;
  const auto ask = [&] {
    const Ran ran = run({TXINDEX_BINARY, "status", "--json", "--admin", admin});
    said = ran.output;
    return ran.status == 0 || ran.status == kNotAtFullStrength;
  };
  bool answered = false;
  const auto until_it_answers = [&] { answered = eventually(ask, kReadyLimit); };
  if (options_.within) {
    options_.within(until_it_answers);
  } else {
    until_it_answers();
  }
  if (!answered) throw std::runtime_error("the admin port does not answer: " + said);
  std::map<std::string, double> counters;
  const auto document = boost::json::parse(said);
  for (const auto& [name, value] : document.at_pointer("/totals/counters").as_object())
    counters[name] = value.to_number<double>();
  return counters;
}

}  // namespace txindex::test

#include "support/server.h"

#include <signal.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <stdexcept>

namespace txindex::test {
namespace {

// State and parent of a process, from /proc; nothing if there is none.
struct Status {
  char state = 0;
  pid_t parent = 0;
};
Status status_of(pid_t pid) {
  const std::string text = read_file("/proc/" + std::to_string(pid) + "/stat");
  // The name, in parentheses, may hold anything.
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) return {};
  Status status;
  std::istringstream(text.substr(name_end + 1)) >> status.state >> status.parent;
  return status;
}

std::vector<std::string> command_line_of(pid_t pid) {
  std::istringstream text(read_file("/proc/" + std::to_string(pid) + "/cmdline"));
  std::vector<std::string> words;
  for (std::string word; std::getline(text, word, '\0');)
    words.push_back(word);
  return words;
}

}  // namespace

std::map<pid_t, std::vector<std::string>> children_of(pid_t parent) {
  std::map<pid_t, std::vector<std::string>> children;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (!std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; }))
      continue;
    const auto pid = static_cast<pid_t>(std::stol(name));
    const auto status = status_of(pid);
    if (status.parent == parent && status.state != 'Z') children[pid] = command_line_of(pid);
  }
  return children;
}

bool is_alive(pid_t pid) {
  const char state = status_of(pid).state;
  return state != 0 && state != 'Z';
}

Server::Server(const std::string& conninfo, std::vector<std::string> flags)
    : Server(conninfo, Options{std::move(flags), {}, true}) {}

Server::Server(const std::string& conninfo, Options options) {
  std::vector<std::string> command = {options.binary, "--database=" + conninfo};
  if (options.listen_by_flag) command.emplace_back("--listen=127.0.0.1:0");
  if (options.admin_by_flag) command.emplace_back("--admin=127.0.0.1:0");
  command.insert(command.end(), options.flags.begin(), options.flags.end());
  Process::Options process_options;
  process_options.environment = std::move(options.environment);
  process_options.output_file = dir_ / "log";
  process_ = std::make_unique<Process>(std::move(command), process_options);
  if (options.wait) wait_until_ready();
}

Server::~Server() = default;

void Server::wait_until_ready() {
  static const std::string kLine = "listening on ";
  std::string text;
  std::size_t at = std::string::npos;
  const bool settled = eventually(
      [&] {
        const bool running = process_->running();
        text = log();
        at = text.find(kLine);
        return !running || (at != std::string::npos && text.find('\n', at) != std::string::npos);
      },
      std::chrono::seconds(60));
  if (!settled || at == std::string::npos)
    throw std::runtime_error("txindexd is not ready:\n" + text);
  const std::string address = text.substr(at + kLine.size(), text.find('\n', at) - at);
  port_ = static_cast<std::uint16_t>(std::stoul(address.substr(address.find(':') + 1)));
}

std::string Server::admin_address() const {
  static const std::string kLine = "admin on http://";
  const std::string text = log();
  const auto at = text.find(kLine);
  if (at == std::string::npos) return {};
  const auto begin = at + kLine.size();
  return text.substr(begin, text.find('/', begin) - begin);
}

std::string Server::log() const {
  return read_file(dir_ / "log");
}

bool Server::logs(const std::string& text, std::chrono::milliseconds limit) const {
  return eventually([&] { return log().find(text) != std::string::npos; }, limit);
}

bool Server::logs_times(const std::string& text, int times, std::chrono::milliseconds limit) const {
  return eventually(
      [&] {
        const std::string all = log();
        int found = 0;
        for (auto at = all.find(text); at != std::string::npos; at = all.find(text, at + 1))
          ++found;
        return found >= times;
      },
      limit);
}

std::vector<pid_t> Server::worker_pids() const {
  static const std::string kSlot = "--slot=";
  std::map<int, pid_t> by_slot;
  for (const auto& [pid, words] : children_of(pid())) {
    if (words.size() < 3 || words[1] != "worker" || !words[2].starts_with(kSlot)) continue;
    by_slot[std::stoi(words[2].substr(kSlot.size()))] = pid;
  }
  std::vector<pid_t> pids;
  for (const auto& [slot, pid] : by_slot)
    pids.push_back(pid);
  return pids;
}

int Server::stop(std::chrono::milliseconds limit) {
  process_->signal(SIGTERM);
  return process_->wait(limit);
}

}  // namespace txindex::test

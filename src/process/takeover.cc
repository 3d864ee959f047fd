#include "process/takeover.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <boost/json.hpp>
#include <cerrno>
#include <cstring>

namespace txindex::process {
namespace {

namespace json = boost::json;

constexpr int kStateVersion = 1;

json::object write_slot(int index, const ChildTable::Slot& slot) {
  json::array deaths;
  for (const auto time : slot.latest_deaths)
    deaths.push_back(time.time_since_epoch().count());
  // The clock is the machine's monotonic one: its values hold over the exec.
  return {{"slot", index},
          {"state", static_cast<int>(slot.state)},
          {"pid", slot.pid},
          {"generation", slot.generation},
          {"restarts", slot.restarts},
          {"deaths", slot.deaths},
          {"ready_since", slot.ready_since.time_since_epoch().count()},
          {"hold_until", slot.hold_until.time_since_epoch().count()},
          {"was_ready", slot.was_ready},
          {"latest_deaths", deaths}};
}

template <typename T>
T number(const json::object& from, const char* key) {
  return from.at(key).to_number<T>();
}

ChildTable::Time time(const json::value& from) {
  return ChildTable::Time(ChildTable::Duration(from.to_number<ChildTable::Duration::rep>()));
}

ChildTable::Slot read_slot(const json::object& from) {
  ChildTable::Slot slot;
  const auto state = number<unsigned>(from, "state");
  if (state >= stats::kProcessStates.size()) throw std::out_of_range("state");
  slot.state = static_cast<SlotState>(state);
  slot.pid = number<pid_t>(from, "pid");
  slot.generation = number<std::uint64_t>(from, "generation");
  slot.restarts = number<std::uint64_t>(from, "restarts");
  slot.deaths = number<int>(from, "deaths");
  slot.ready_since = time(from.at("ready_since"));
  slot.hold_until = time(from.at("hold_until"));
  slot.was_ready = from.at("was_ready").as_bool();
  const auto& deaths = from.at("latest_deaths").as_array();
  for (std::size_t i = 0; i < slot.latest_deaths.size(); ++i)
    slot.latest_deaths[i] = time(deaths.at(i));
  return slot;
}

Endpoint endpoint(const json::object& from, const char* key) {
  auto parsed = parse_endpoint(std::string_view(from.at(key).as_string()));
  if (!parsed) throw std::invalid_argument(key);
  return *std::move(parsed);
}

TakeoverState parse(std::string_view text) {
  const json::value document = json::parse(text);
  const auto& from = document.as_object();
  if (number<int>(from, "version") != kStateVersion) throw std::invalid_argument("version");
  TakeoverState state;
  state.address = endpoint(from, "address");
  state.address_fd = number<int>(from, "address_fd");
  state.lock_fd = number<int>(from, "lock_fd");
  state.stats_fd = number<int>(from, "stats_fd");
  state.started_unix_us = number<std::int64_t>(from, "started_unix_us");
  state.reexecs = number<std::uint64_t>(from, "reexecs");
  state.rolls = number<std::uint64_t>(from, "rolls");
  state.rolls_aborted = number<std::uint64_t>(from, "rolls_aborted");
  for (const auto& entry : from.at("listeners").as_array()) {
    const auto& listener = entry.as_object();
    state.listeners[number<int>(listener, "slot")] = number<int>(listener, "fd");
  }
  for (const auto& entry : from.at("slots").as_array()) {
    state.slots[number<int>(entry.as_object(), "slot")] = read_slot(entry.as_object());
  }
  for (const auto& entry : from.at("children").as_array()) {
    const auto& child = entry.as_object();
    state.children.push_back({.pid = number<pid_t>(child, "pid"),
                              .slot = number<int>(child, "slot"),
                              .side = number<int>(child, "side"),
                              .generation = number<std::uint64_t>(child, "generation"),
                              .control_fd = number<int>(child, "control_fd"),
                              .in_charge = child.at("in_charge").as_bool(),
                              .ready = child.at("ready").as_bool()});
    if (const auto* kill_at = child.if_contains("kill_at"))
      state.children.back().kill_at = time(*kill_at);
  }
  return state;
}

Failure takeover_failure(const char* what) {
  return failure(std::string("takeover: ") + what + ": " + std::strerror(errno));
}

}  // namespace

std::vector<int> TakeoverState::descriptors() const {
  std::vector<int> all = {address_fd, lock_fd, stats_fd};
  for (const auto& [slot, fd] : listeners)
    all.push_back(fd);
  for (const auto& child : children) {
    if (child.control_fd >= 0) all.push_back(child.control_fd);
  }
  return all;
}

result<Descriptor> write_state(const TakeoverState& state) {
  json::object document = {{"version", kStateVersion},
                           {"address", to_string(state.address)},
                           {"address_fd", state.address_fd},
                           {"lock_fd", state.lock_fd},
                           {"stats_fd", state.stats_fd},
                           {"started_unix_us", state.started_unix_us},
                           {"reexecs", state.reexecs},
                           {"rolls", state.rolls},
                           {"rolls_aborted", state.rolls_aborted}};
  auto& listeners = document["listeners"].emplace_array();
  for (const auto& [slot, fd] : state.listeners)
    listeners.push_back({{"slot", slot}, {"fd", fd}});
  auto& slots = document["slots"].emplace_array();
  for (const auto& [index, slot] : state.slots)
    slots.push_back(write_slot(index, slot));
  auto& children = document["children"].emplace_array();
  for (const auto& child : state.children) {
    children.push_back({{"pid", child.pid},
                        {"slot", child.slot},
                        {"side", child.side},
                        {"generation", child.generation},
                        {"control_fd", child.control_fd},
                        {"in_charge", child.in_charge},
                        {"ready", child.ready}});
    if (child.kill_at) {
      children.back().as_object()["kill_at"] = child.kill_at->time_since_epoch().count();
    }
  }
  const std::string text = json::serialize(document);
  Descriptor file(memfd_create("txindexd-takeover", MFD_CLOEXEC));
  if (!file) return takeover_failure("memfd_create");
  if (pwrite(file.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    return takeover_failure("write");
  }
  return file;
}

result<TakeoverState> read_state(int fd) {
  std::string text;
  std::array<char, 4096> part{};
  ssize_t got = 0;
  while ((got = pread(fd, part.data(), part.size(), static_cast<off_t>(text.size()))) > 0)
    text.append(part.data(), static_cast<std::size_t>(got));
  if (got < 0) return takeover_failure("read");
  try {
    return parse(text);
  } catch (const std::exception& problem) {
    return failure(std::string("takeover: the running supervisor's state is of another version (") +
                   problem.what() + "); this upgrade needs a full restart");
  }
}

}  // namespace txindex::process

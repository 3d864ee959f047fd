#include "flow/test_switches.h"

#ifdef TXINDEX_TEST_SWITCHES
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>

namespace txindex::flow {
namespace {

using namespace std::literals;

constexpr std::array kPoints = {"read"sv, "verified"sv, "statement_sent"sv, "commit_known"sv,
                                "ack_written"sv};
constexpr std::array kPromises = {"commit_before_ack"sv, "verification"sv, "ticket_kept"sv,
                                  "ticket_completed"sv};
// A slot's first process dies at one of so many first passings: a test of two seconds is to see it.
constexpr std::uint64_t kEarlyPassings = 12;
// A statement takes some milliseconds: somewhere in it, or shortly after.
constexpr std::uint64_t kStatementUs = 6000;

std::string_view setting(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

// Of each name one in so many; 0: never.
template <std::size_t N>
std::array<std::uint64_t, N> chances(const char* variable,
                                     const std::array<std::string_view, N>& names) {
  std::array<std::uint64_t, N> found{};
  std::string_view left = setting(variable);
  while (!left.empty()) {
    const std::string_view one = left.substr(0, left.find(','));
    left.remove_prefix(std::min(one.size() + 1, left.size()));
    const std::string_view name = one.substr(0, one.find(':'));
    const std::string number(one.substr(std::min(name.size() + 1, one.size())));
    bool known = false;
    for (std::size_t i = 0; i < N; ++i) {
      if (names[i] != name) continue;
      known = true;
      found[i] = number.empty() ? 1 : std::strtoull(number.c_str(), nullptr, 10);
    }
    // A test that breaks nothing must not pass.
    if (!known) std::abort();
  }
  return found;
}

// The n-th number of splitmix64 from `seed`.
std::uint64_t random_at(std::uint64_t seed, std::uint64_t n) {
  std::uint64_t z = seed + n * 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

std::uint64_t next_random() {
  // A number of its own for each process: from neighbours, they would draw the same with a step
  // between, and workers are neighbours.
  static const std::uint64_t seed =
      random_at(std::strtoull(std::string(setting("TXINDEX_TEST_SEED")).c_str(), nullptr, 10),
                static_cast<std::uint64_t>(::getpid()));
  static std::atomic<std::uint64_t> calls = 0;
  return random_at(seed, ++calls);
}

bool strikes(std::uint64_t one_in) {
  return one_in != 0 && next_random() % one_in == 0;
}

std::atomic<bool> crashes_early = false;

// This passing is the one that was drawn for it, of the first ones.
bool is_early_one(std::size_t point) {
  static std::array<std::atomic<std::uint64_t>, kPoints.size()> passings{};
  static const std::uint64_t drawn = 1 + next_random() % kEarlyPassings;
  return crashes_early && ++passings[point] == drawn;
}

}  // namespace

void crash_early() {
  crashes_early = true;
}

void crash_point(CrashPoint point) {
  static const auto one_in = chances("TXINDEX_TEST_CRASH_AT", kPoints);
  const auto i = static_cast<std::size_t>(point);
  if (one_in[i] == 0 || (!is_early_one(i) && !strikes(one_in[i]))) return;
  if (point == CrashPoint::statement_sent) {
    // The statement goes out when this returns.
    std::thread([wait = std::chrono::microseconds(next_random() % kStatementUs)] {
      std::this_thread::sleep_for(wait);
      ::kill(::getpid(), SIGKILL);
    }).detach();
    return;
  }
  ::kill(::getpid(), SIGKILL);
}

bool broken(Promise promise) {
  static const auto one_in = chances("TXINDEX_TEST_BREAK", kPromises);
  return strikes(one_in[static_cast<std::size_t>(promise)]);
}

bool spins(int slot) {
  static const std::string_view spinning = setting("TXINDEX_TEST_SPIN");
  return !spinning.empty() && spinning == std::to_string(slot);
}

bool listeners_are_kept() {
  return std::getenv("TXINDEX_TEST_NO_ESCROW") == nullptr;
}

bool kernel_in_plain_code() {
  return std::getenv("TXINDEX_TEST_KERNEL") != nullptr;
}

}  // namespace txindex::flow
#endif

// Two network namespaces of the test's own, and a link between them that loses, delays, reorders
// and swallows packets.
//
// What one side sends comes out of a TUN device, and this process hands it to the other side's, or
// does not. So the faults can be had again with the same seed, and need no module of the kernel as
// netem does. It takes root.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <queue>
#include <random>
#include <thread>
#include <vector>

namespace txindex::test {

class BadNetwork {
 public:
  enum Side : std::uint8_t { server, client };
  static constexpr const char* kServerAddress = "10.77.0.1";

  // A good one, at first. Throws if it cannot be made.
  explicit BadNetwork(std::uint64_t seed);
  ~BadNetwork();
  BadNetwork(const BadNetwork&) = delete;
  BadNetwork& operator=(const BadNetwork&) = delete;

  // Runs `start` with the calling thread in that namespace: processes that it starts stay there.
  void within(Side side, const std::function<void()>& start) const;

  struct Quality {
    double loss = 0;                     // share of packets
    std::chrono::microseconds delay{};   // of each
    std::chrono::microseconds jitter{};  // at most so much more: packets overtake each other
    std::array<bool, 2> reaches = {true, true};  // that side: what is sent to it
  };
  void set(const Quality& quality);

  std::uint64_t passed() const { return passed_; }
  std::uint64_t lost() const { return lost_; }
  std::uint64_t overtaken() const { return overtaken_; }

 private:
  struct Packet {
    std::chrono::steady_clock::time_point due;
    std::uint64_t number;
    Side to;
    std::vector<char> bytes;
    bool operator<(const Packet& other) const {  // the one that is due first on top
      return due != other.due ? due > other.due : number > other.number;
    }
  };

  void make(Side side, const char* own, const char* peer);
  void run();
  void take(Side from);
  int deliver();

  std::array<int, 2> namespaces_{-1, -1};
  std::array<int, 2> devices_{-1, -1};
  int wake_ = -1;

  std::mutex mutex_;
  Quality quality_;
  std::mt19937_64 engine_;
  std::uint64_t numbers_ = 0;
  std::array<std::uint64_t, 2> newest_{};
  std::priority_queue<Packet> under_way_;
  std::atomic<std::uint64_t> passed_{0};
  std::atomic<std::uint64_t> lost_{0};
  std::atomic<std::uint64_t> overtaken_{0};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace txindex::test

// When the event loop of a busy worker rests between its turns, as network cards hold back their
// interrupts: transactions that come one by one cost a system call and a wake-up each, in every
// stage, and those that come meanwhile share them. A worker that has little to do never rests.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace txindex::process {

// Pure; any one thread.
class Coalescing {
 public:
  struct Options {
    std::int64_t window_us;    // is looked back on, at least
    std::uint64_t busy_count;  // in a window's time: from so many on the loop rests in the next one
    std::int64_t rest_us;
  };

  explicit Coalescing(const Options& options) : options_(options) {}

  // How long to rest, now that nothing is ready to be done; 0: not at all. `received`: how many
  // transactions, ever.
  std::int64_t rest_us(std::int64_t now_us, std::uint64_t received) {
    const std::int64_t passed_us = now_us - since_us_;
    if (passed_us >= options_.window_us) {
      busy_ = (received - received_) * static_cast<std::uint64_t>(options_.window_us) >=
              options_.busy_count * static_cast<std::uint64_t>(passed_us);
      since_us_ = now_us;
      received_ = received;
    }
    return busy_ ? options_.rest_us : 0;
  }

 private:
  const Options options_;
  std::int64_t since_us_ = 0;
  std::uint64_t received_ = 0;
  bool busy_ = false;
};

// A rest that ends early when a thread has handed the loop something that is not to wait, such as
// outcomes that producers wait for.
class Rest {
 public:
  // On the loop's thread, before it does all that was handed to it.
  void begin_turn() {
    const std::lock_guard lock(mutex_);
    woken_ = false;
  }

  // For so long, or until wake(), also one that came since begin_turn(). On the loop's thread.
  void wait_for(std::chrono::microseconds time) {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, time, [this] { return woken_; });
  }

  // After something was handed to the loop. Any thread.
  void wake() {
    {
      const std::lock_guard lock(mutex_);
      woken_ = true;
    }
    wake_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool woken_ = false;
};

}  // namespace txindex::process

// Work that many threads do and one thread hands out and takes back, in the order handed out.
//
//   while there is more:
//     while (!(task = workers.vacant())) { use(workers.oldest()); workers.release(); }
//     fill(*task); workers.start();
//   while (task = workers.oldest()) { use(*task); workers.release(); }
//
// A fixed number of tasks goes round, so memory is bounded and what a task owns is used again. The
// destructor waits for what was started. All functions but `work` are for the one owning thread.
#pragma once

#include <algorithm>
#include <cassert>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace txindex::tools {

template <typename Task>
class OrderedWorkers {
 public:
  OrderedWorkers(unsigned threads, std::function<void(Task&)> work)
      : work_(std::move(work)), slots_(2 * std::max(threads, 1U) + 1) {
    for (unsigned i = 0; i < std::max(threads, 1U); ++i)
      threads_.emplace_back([this] { run(); });
  }

  ~OrderedWorkers() {
    {
      const std::scoped_lock lock(mutex_);
      stopping_ = true;
    }
    wake_workers_.notify_all();
    for (auto& thread : threads_)
      thread.join();
  }
  OrderedWorkers(const OrderedWorkers&) = delete;
  OrderedWorkers& operator=(const OrderedWorkers&) = delete;

  // The task to be filled and started next, as it was left when last used; nullptr: all are under
  // way, take back the oldest first.
  Task* vacant() { return started_ - released_ == slots_.size() ? nullptr : &slot(started_).task; }

  void start() {
    assert(vacant() != nullptr);
    {
      const std::scoped_lock lock(mutex_);
      slot(started_).done = false;
      ++started_;
    }
    wake_workers_.notify_one();
  }

  // Waits until the oldest is done; nullptr: none is under way.
  Task* oldest() {
    if (started_ == released_) return nullptr;
    std::unique_lock lock(mutex_);
    wake_owner_.wait(lock, [this] { return slot(released_).done; });
    return &slot(released_).task;
  }

  void release() { ++released_; }

 private:
  struct Slot {
    Task task;
    bool done = false;
  };

  Slot& slot(std::uint64_t n) { return slots_[n % slots_.size()]; }

  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_workers_.wait(lock, [this] { return stopping_ || claimed_ != started_; });
      if (claimed_ == started_) return;
      Slot& mine = slot(claimed_++);
      lock.unlock();
      work_(mine.task);
      lock.lock();
      mine.done = true;
      wake_owner_.notify_one();
    }
  }

  const std::function<void(Task&)> work_;
  std::vector<Slot> slots_;
  std::mutex mutex_;
  std::condition_variable wake_workers_;
  std::condition_variable wake_owner_;
  // released_ <= claimed_ <= started_ <= released_ + slots_.size(). Only the owner writes the first
  // and the last; the last and `done` are shared, under the lock.
  std::uint64_t released_ = 0;
  std::uint64_t claimed_ = 0;
  std::uint64_t started_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace txindex::tools

#include "process/queue_table.h"

#include <algorithm>

namespace txindex::process {
namespace {

template <typename T>
bool has(const std::vector<T>& values, T value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

}  // namespace

std::vector<QueueTable::Change> QueueTable::update(const std::vector<int>& orphans,
                                                   const std::vector<pid_t>& serving) {
  std::vector<Change> changes;
  std::erase_if(lent_, [&](const auto& entry) {
    const auto [queue, worker] = entry;
    const bool orphan = has(orphans, queue);
    if (orphan && has(serving, worker)) return false;
    if (!orphan || serving.empty()) changes.push_back({queue, std::nullopt});
    return true;
  });
  const auto queues_of = [this](pid_t worker) {
    return std::count_if(lent_.begin(), lent_.end(),
                         [worker](const auto& entry) { return entry.second == worker; });
  };
  for (const int queue : orphans) {
    if (serving.empty() || lent_.contains(queue)) continue;
    const pid_t worker = *std::min_element(serving.begin(), serving.end(), [&](pid_t a, pid_t b) {
      return queues_of(a) < queues_of(b);
    });
    lent_[queue] = worker;
    changes.push_back({queue, worker});
  }
  return changes;
}

}  // namespace txindex::process

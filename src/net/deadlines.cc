#include "net/deadlines.h"

#include <algorithm>

namespace txindex::net {
namespace {

// 0: as long as it likes.
std::int64_t limit_us(Owed owed, const DeadlineLimits& limits) {
  switch (owed) {
    case Owed::hello:
      return limits.hello_us;
    case Owed::frame:
      return limits.frame_us;
    case Owed::word:
      return limits.idle_us;
    case Owed::answers:
      return limits.answers_us;
    case Owed::nothing:
      break;
  }
  return 0;
}

}  // namespace

bool Deadline::look(Owed owed, std::uint64_t progress, std::int64_t now_us,
                    const DeadlineLimits& limits) {
  if (owed != owed_ || progress != progress_) {
    owed_ = owed;
    progress_ = progress;
    charged_us_ = 0;
  } else {
    charged_us_ += std::clamp<std::int64_t>(now_us - looked_us_, 0, kLookMaxUs);
  }
  looked_us_ = now_us;
  const std::int64_t limit = limit_us(owed, limits);
  return limit > 0 && charged_us_ >= limit;
}

}  // namespace txindex::net

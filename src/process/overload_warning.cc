#include "process/overload_warning.h"

#include "flow/clock.h"
#include "log/log.h"

namespace txindex::process {

constexpr std::int64_t kFullWarningUs = 5'000'000;

// Full for a moment is the design at work; full for long means that a later stage cannot keep up.
void OverloadWarning::look() {
  if (!gate_.held() && gate_.in_flight_bytes() < budget_bytes_) {
    if (full_since_us_ < 0) log::info("producers are read again at full rate");
    full_since_us_ = 0;
    return;
  }
  const std::int64_t now = flow::steady_us();
  if (full_since_us_ == 0) full_since_us_ = now;
  if (full_since_us_ > 0 && now - full_since_us_ > kFullWarningUs) {
    log::event(log::Level::warning, "producers have been slowed for 5 s",
               {{"in_flight_bytes", gate_.in_flight_bytes()},
                {"verify_queue", stats::get(stats_, stats::Word::verify_queue)},
                {"batch_queue", stats::get(stats_, stats::Word::batch_queue)},
                {"postgres_connected", stats::get(stats_, stats::Word::postgres_connected)},
                {"writers", writers_}});
    full_since_us_ = -1;  // said
  }
}

}  // namespace txindex::process

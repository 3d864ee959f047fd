// The statistics in Prometheus' text format.
//
// Names begin with txindex_; units are seconds and bytes. What a slot counts and holds has a label
// `slot`, the number of a worker or "admin"; nothing that a label tells is in the name.
#pragma once

#include <string>
#include <string_view>

#include "admin/reading.h"

namespace txindex::admin {

inline constexpr std::string_view kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

std::string metrics_text(const Reading& reading);

}  // namespace txindex::admin

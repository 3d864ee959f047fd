// Figures as a person reads them, each in a few columns.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace txindex::tools {

// At most 5 columns: 950, 9,999, 12.3k, 999k, 1.2M, ...; below 10 with one decimal if there is one.
std::string short_count(double n);
// "12.3 MB": powers of 1000, as disks and networks count.
std::string byte_count(double bytes);
// At most 7 columns: "850 us", "12.3 ms", "1.50 s", "120 s"; "-" for none.
std::string duration(std::optional<double> us);
// "3d 04:12:33", "04:12:33".
std::string uptime(double seconds);
// 0.5 is "50%".
std::string percent(double share);

}  // namespace txindex::tools

// What `txindex top` shows, as lines: a pure function of what is known.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "tools/service_status.h"

namespace txindex::tools {

struct TopModel {
  std::string address;                  // of the admin port
  std::optional<ServiceStatus> status;  // the last that came
  // Why nothing comes, and since when; empty: it does.
  std::string trouble;
  std::string trouble_since;  // time of day
  double trouble_seconds = 0;
  std::deque<double> history;  // committed a second, one for each interval, the latest last
};

struct TopSize {
  int columns = 80;
  int rows = 24;
};

struct TopLine {
  enum Style { plain, title, head, alarm };
  std::string text;  // UTF-8 if that was allowed, else ASCII; no control characters
  Style style = plain;

  bool operator==(const TopLine&) const = default;
};

// At most size.rows lines of at most size.columns columns; whatever the size, nothing else is cut
// off before workers that are well are.
std::vector<TopLine> render_top(const TopModel& model, TopSize size, bool unicode);

// `n` of the latest values as two lines of bars, the tallest as tall as both.
std::vector<std::string> render_bars(const std::deque<double>& values, std::size_t n, bool unicode);

// How many columns a text takes whose characters take one each.
std::size_t columns_of(const std::string& utf8);

}  // namespace txindex::tools

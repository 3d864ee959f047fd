#include "tools/top_view.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "tools/figures_text.h"

namespace txindex::tools {
namespace {

// What came from outside and may be in any alphabet: one column for each byte.
std::string ascii(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c >= 0x7f || c < 0; }, '?');
  return text;
}

bool is_inner_byte(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

std::string clipped(const std::string& text, std::size_t columns) {
  std::size_t bytes = 0;
  for (std::size_t shown = 0; bytes < text.size(); ++bytes) {
    if (!is_inner_byte(text[bytes]) && shown++ == columns) break;
  }
  return text.substr(0, bytes);
}

std::string count_text(std::uint64_t n) {
  return short_count(static_cast<double>(n));
}

std::string bytes_text(std::uint64_t n) {
  return byte_count(static_cast<double>(n));
}

// --- The table of processes --------------------------------------------------------------------

struct Column {
  const char* title;
  std::size_t width;
  bool left;
};
// 80 columns with the blanks between.
constexpr std::array<Column, 12> kColumns = {{{"SLOT", 5, true},
                                              {"STATE", 9, true},
                                              {"PID", 7, false},
                                              {"/S", 6, false},
                                              {"CONN", 5, false},
                                              {"VERQ", 5, false},
                                              {"BATQ", 5, false},
                                              {"LOOP", 4, false},
                                              {"VER", 4, false},
                                              {"P50", 7, false},
                                              {"P99", 7, false},
                                              {"DIED", 5, false}}};
using Cells = std::array<std::string, kColumns.size()>;

std::string row(const Cells& cells) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string text = cells[i].substr(0, kColumns[i].width);
    const std::string padding(kColumns[i].width - text.size(), ' ');
    if (i != 0) line += ' ';
    line += kColumns[i].left ? text + padding : padding + text;
  }
  return line;
}

TopLine head_row() {
  Cells cells;
  for (std::size_t i = 0; i < cells.size(); ++i)
    cells[i] = kColumns[i].title;
  return {row(cells), TopLine::head};
}

bool is_well(const SlotStatus& slot) {
  return slot.state == "ready" && slot.processes <= 1;
}

TopLine slot_row(const SlotStatus& slot) {
  const Figures& f = slot.figures;
  const std::string state = ascii(slot.state) + (slot.processes > 1 ? "+" : "");
  const std::string pid = slot.pid == 0 ? "-" : std::to_string(slot.pid);
  const auto style = slot.state == "ready" ? TopLine::plain : TopLine::alarm;
  if (slot.is_admin) {
    return {row({"admin", state, pid, "", "", "", "", "", "", "", "", count_text(slot.restarts)}),
            style};
  }
  const TimingStatus times = f.recent_timing("receive_to_ack");
  return {row({std::to_string(slot.slot), state, pid, short_count(f.recent.committed_per_second),
               count_text(f.gauge("connections_open")), count_text(f.gauge("verify_queue")),
               count_text(f.gauge("batch_queue")), percent(f.recent.loop_utilisation),
               percent(f.recent.verify_utilisation), duration(times.p50_us), duration(times.p99_us),
               count_text(slot.restarts)}),
          style};
}

// "… and 40 more: 38 ready, 2 starting"
std::string rest_line(const std::vector<const SlotStatus*>& rest) {
  std::map<std::string, int> states;
  for (const auto* slot : rest)
    ++states[ascii(slot->state)];
  std::string line = "and " + std::to_string(rest.size()) + " more: ";
  for (const auto& [state, n] : states)
    line += (line.ends_with(": ") ? "" : ", ") + std::to_string(n) + " " + state;
  return line;
}

// The head and as many rows as there is room for. Who is not well comes first if not all fit.
void add_slots(const ServiceStatus& status, std::size_t room, std::vector<TopLine>& lines) {
  if (room < 2) return;
  lines.push_back(head_row());
  std::vector<const SlotStatus*> slots;
  for (const auto& slot : status.slots)
    slots.push_back(&slot);
  std::size_t shown = slots.size();
  if (shown > room - 1) {
    std::stable_partition(slots.begin(), slots.end(),
                          [](const auto* slot) { return !is_well(*slot); });
    shown = room - 2;
  }
  for (std::size_t i = 0; i < shown; ++i)
    lines.push_back(slot_row(*slots[i]));
  if (shown == slots.size()) return;
  const std::vector<const SlotStatus*> rest(slots.begin() + static_cast<std::ptrdiff_t>(shown),
                                            slots.end());
  lines.push_back({rest_line(rest), TopLine::plain});
}

// --- The lines above it ------------------------------------------------------------------------

std::string roll_text(const ServiceStatus& status) {
  const RollStatus& roll = status.roll;
  if (roll.running) {
    return "restart " + std::to_string(roll.started) + " runs" +
           (roll.slot ? ": " + slot_name(status, *roll.slot) : "") +
           (roll.queued ? ", one more waits" : "");
  }
  if (roll.ended == 0) return "no restart yet";
  return "restart " + std::to_string(roll.ended) + " " +
         (roll.last_outcome == "aborted" ? "aborted" : "done");
}

// 76 columns at most.
std::string times_text(const ServiceStatus& status) {
  std::string line = "p50/p99:";
  constexpr std::array<std::pair<const char*, const char*>, 3> kNames = {
      {{"receive_to_ack", " ack "}, {"verify", "  verify "}, {"commit", "  commit "}}};
  for (const auto& [name, title] : kNames) {
    const TimingStatus t = status.totals.recent_timing(name);
    line += title + duration(t.p50_us) + "/" + duration(t.p99_us);
  }
  return line;
}

// Why nothing comes, in as many lines as it takes, but not at the cost of the table.
void add_trouble(const TopModel& model, std::size_t columns, std::vector<TopLine>& lines) {
  constexpr int kMostLines = 3;
  lines.push_back({"no answer since " + model.trouble_since + " (" + uptime(model.trouble_seconds) +
                       ")" + (model.status ? "; below is what was before" : ""),
                   TopLine::alarm});
  std::string rest = ascii(model.trouble);
  for (int i = 0; i < kMostLines && !rest.empty(); ++i) {
    lines.push_back({rest.substr(0, columns), TopLine::alarm});
    rest.erase(0, columns);
  }
}

void add_summary(const ServiceStatus& status, std::vector<TopLine>& lines) {
  const Figures& totals = status.totals;
  const RecentStatus& recent = totals.recent;
  lines.push_back({"workers " + std::to_string(status.workers_ready) + "/" +
                       std::to_string(status.workers_wanted) + "  supervisor " +
                       std::to_string(status.pid) + "  " + roll_text(status),
                   status.workers_ready < status.workers_wanted ? TopLine::alarm : TopLine::plain});
  if (!status.roll.running && status.roll.last_outcome == "aborted") {
    lines.push_back({"aborted: " + ascii(status.roll.last_failure), TopLine::alarm});
  }
  lines.push_back({"committed " + short_count(recent.committed_per_second) + "/s  received " +
                   short_count(recent.received_per_second) + "/s  duplicate " +
                   short_count(recent.duplicate_per_second) + "/s  rejected " +
                   short_count(recent.rejected_per_second) + "/s  " +
                   byte_count(recent.bytes_per_second) + "/s"});
  lines.push_back({times_text(status)});
  lines.push_back({"in flight " + bytes_text(totals.gauge("in_flight_bytes")) + "  verify queue " +
                   count_text(totals.gauge("verify_queue")) + "  batch queue " +
                   count_text(totals.gauge("batch_queue")) + "  connections " +
                   count_text(totals.gauge("connections_open"))});
  const std::string store = status.store ? "store " + count_text(status.store->rows) + " rows, " +
                                               bytes_text(status.store->bytes) + ", " +
                                               count_text(status.store->partitions) + " partitions"
                                         : "store not measured yet";
  lines.push_back({"PostgreSQL " + count_text(totals.gauge("postgres_connected")) + "/" +
                       count_text(totals.gauge("writers")) + "  errors " +
                       count_text(totals.counter("postgres_errors")) + "  " + store,
                   totals.gauge("postgres_connected") < totals.gauge("writers") ? TopLine::alarm
                                                                                : TopLine::plain});
}

void add_history(const std::deque<double>& history, std::size_t columns, bool unicode,
                 std::vector<TopLine>& lines) {
  if (history.empty()) return;
  const std::size_t n = std::min<std::size_t>(history.size(), columns);
  const double most =
      *std::max_element(history.end() - static_cast<std::ptrdiff_t>(n), history.end());
  lines.push_back({"committed/s, at most " + short_count(most)});
  for (auto& bar : render_bars(history, n, unicode))
    lines.push_back({std::move(bar)});
}

}  // namespace

std::size_t columns_of(const std::string& utf8) {
  return static_cast<std::size_t>(
      std::ranges::count_if(utf8, [](char c) { return !is_inner_byte(c); }));
}

std::vector<std::string> render_bars(const std::deque<double>& values, std::size_t n,
                                     bool unicode) {
  // A blank, then eighths of a line; three steps where there is only ASCII.
  static const std::vector<std::string> kBlocks = {" ",      "\u2581", "\u2582", "\u2583", "\u2584",
                                                   "\u2585", "\u2586", "\u2587", "\u2588"};
  static const std::vector<std::string> kAscii = {" ", ".", ":", "#"};
  const auto& steps = unicode ? kBlocks : kAscii;
  const auto full = static_cast<int>(steps.size()) - 1;
  n = std::min(n, values.size());
  const auto begin = values.end() - static_cast<std::ptrdiff_t>(n);
  const double most = n == 0 ? 0 : *std::max_element(begin, values.end());
  std::vector<std::string> lines(2);
  for (auto at = begin; at != values.end(); ++at) {
    // Anything above nothing is seen.
    const int height =
        most > 0 && *at > 0
            ? std::clamp(static_cast<int>(std::lround(*at / most * 2 * full)), 1, 2 * full)
            : 0;
    lines[0] += steps[static_cast<std::size_t>(std::max(height - full, 0))];
    lines[1] += steps[static_cast<std::size_t>(std::min(height, full))];
  }
  return lines;
}

std::vector<TopLine> render_top(const TopModel& model, TopSize size, bool unicode) {
  const auto columns = static_cast<std::size_t>(std::max(size.columns, 1));
  const auto rows = static_cast<std::size_t>(std::max(size.rows, 1));
  std::vector<TopLine> lines;
  if (!model.trouble.empty()) add_trouble(model, columns, lines);
  if (model.status) {
    const ServiceStatus& status = *model.status;
    const bool well = status.state == "serving" && model.trouble.empty();
    lines.push_back({"txindexd " + ascii(status.version) + "  " + ascii(status.state) + "  up " +
                         uptime(status.uptime_seconds) + "  listen " + ascii(status.listen),
                     well ? TopLine::title : TopLine::alarm});
    add_summary(status, lines);
    add_history(model.history, columns, unicode, lines);
    add_slots(status, rows > lines.size() ? rows - lines.size() : 0, lines);
  } else if (model.trouble.empty()) {
    lines.push_back({"asking " + ascii(model.address), TopLine::title});
  }
  lines.resize(std::min(lines.size(), rows));
  for (auto& line : lines) {
    line.text = clipped(line.text, columns);
    line.text.erase(line.text.find_last_not_of(' ') + 1);
  }
  return lines;
}

}  // namespace txindex::tools

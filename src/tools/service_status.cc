#include "tools/service_status.h"

#include <algorithm>
#include <boost/json.hpp>

namespace txindex::tools {
namespace {

namespace json = boost::json;

// One object of the document. What is missing is noted, once, in `problem`, and read as nothing,
// so that the functions below can say what they want without asking after every field.
class Object {
 public:
  Object(const json::value* value, std::string path, std::string& problem)
      : path_(std::move(path)), problem_(problem) {
    object_ = value == nullptr ? nullptr : value->if_object();
    if (object_ == nullptr) note(path_, "an object");
  }

  Object object(std::string_view name) const { return {find(name), path_of(name), problem_}; }

  bool is_null(std::string_view name) const {
    const json::value* value = find(name);
    return value != nullptr && value->is_null();
  }

  double number(std::string_view name) const {
    const json::value* value = find(name);
    if (value != nullptr && value->is_number()) return value->to_number<double>();
    note(path_of(name), "a number");
    return 0;
  }

  std::optional<double> number_or_null(std::string_view name) const {
    if (is_null(name)) return std::nullopt;
    return number(name);
  }

  std::uint64_t count(std::string_view name) const {
    const json::value* value = find(name);
    json::error_code error;
    const auto n =
        value == nullptr || !value->is_number() ? 0 : value->to_number<std::uint64_t>(error);
    if (value != nullptr && value->is_number() && !error) return n;
    note(path_of(name), "a whole number");
    return 0;
  }

  // null is nothing, and nothing counts 0: of a slot without a process, say.
  std::uint64_t count_or_null(std::string_view name) const {
    return is_null(name) ? 0 : count(name);
  }

  bool boolean(std::string_view name) const {
    const json::value* value = find(name);
    if (value != nullptr && value->is_bool()) return value->get_bool();
    note(path_of(name), "true or false");
    return false;
  }

  // Control characters never get to a terminal.
  std::string text(std::string_view name) const {
    const json::value* value = find(name);
    if (value == nullptr || !value->is_string()) {
      note(path_of(name), "a string");
      return {};
    }
    std::string out(std::string_view(value->get_string()));
    std::ranges::replace_if(
        out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
    return out;
  }

  const json::array* array(std::string_view name) const {
    const json::value* value = find(name);
    if (value != nullptr && value->is_array()) return &value->get_array();
    note(path_of(name), "an array");
    return nullptr;
  }

  std::vector<std::string_view> names() const {
    std::vector<std::string_view> all;
    if (object_ != nullptr) {
      for (const auto& entry : *object_)
        all.push_back(entry.key());
    }
    return all;
  }

 private:
  const json::value* find(std::string_view name) const {
    return object_ == nullptr ? nullptr : object_->if_contains(name);
  }
  std::string path_of(std::string_view name) const {
    return path_.empty() ? std::string(name) : path_ + "." + std::string(name);
  }
  void note(const std::string& path, const std::string& wanted) const {
    if (problem_.empty()) problem_ = "'" + path + "' is not " + wanted;
  }

  const json::object* object_;
  std::string path_;
  std::string& problem_;
};

WordsStatus read_words(const Object& from) {
  WordsStatus words;
  for (const auto name : from.names())
    words.emplace(name, from.count(name));
  return words;
}

TimingsStatus read_timings(const Object& from) {
  TimingsStatus timings;
  for (const auto name : from.names()) {
    const Object one = from.object(name);
    timings.emplace(name, TimingStatus{one.count("count"), one.number_or_null("p50_us"),
                                       one.number_or_null("p90_us"), one.number_or_null("p99_us"),
                                       one.number_or_null("p999_us")});
  }
  return timings;
}

Figures read_figures(const Object& from) {
  const Object recent = from.object("recent");
  return {read_words(from.object("counters")),
          read_words(from.object("gauges")),
          read_timings(from.object("timings")),
          {recent.number("received_per_second"), recent.number("committed_per_second"),
           recent.number("duplicate_per_second"), recent.number("rejected_per_second"),
           recent.number("bytes_per_second"), recent.number("loop_utilisation"),
           recent.number("verify_utilisation"), read_timings(recent.object("timings"))}};
}

SlotStatus read_slot(const Object& from) {
  SlotStatus slot;
  slot.slot = from.count("slot");
  slot.is_admin = from.text("kind") == "admin";
  slot.state = from.text("state");
  slot.pid = from.count_or_null("pid");
  slot.generation = from.count_or_null("generation");
  slot.restarts = from.count("restarts");
  slot.heartbeat_age_seconds = from.number_or_null("heartbeat_age_seconds");
  if (const auto* processes = from.array("processes")) slot.processes = processes->size();
  slot.figures = read_figures(from);
  return slot;
}

RollStatus read_roll(const Object& from) {
  RollStatus roll;
  roll.running = from.boolean("running");
  roll.queued = from.boolean("queued");
  if (!from.is_null("slot")) roll.slot = from.count("slot");
  roll.started = from.count("started");
  roll.ended = from.count("ended");
  roll.aborted = from.count("aborted");
  const Object last = from.object("last");
  roll.last_outcome = last.text("outcome");
  if (!last.is_null("failure")) roll.last_failure = last.text("failure");
  return roll;
}

std::uint64_t value_of(const WordsStatus& words, std::string_view name) {
  const auto at = words.find(name);
  return at == words.end() ? 0 : at->second;
}

}  // namespace

std::uint64_t Figures::counter(std::string_view name) const {
  return value_of(counters, name);
}
std::uint64_t Figures::gauge(std::string_view name) const {
  return value_of(gauges, name);
}
TimingStatus Figures::recent_timing(std::string_view name) const {
  const auto at = recent.timings.find(name);
  return at == recent.timings.end() ? TimingStatus{} : at->second;
}
std::uint64_t Figures::rejected() const {
  constexpr std::string_view kPrefix = "outcome_";
  std::uint64_t n = 0;
  for (const auto& [name, value] : counters) {
    if (name.starts_with(kPrefix) && name != "outcome_committed" && name != "outcome_duplicate") {
      n += value;
    }
  }
  return n;
}

result<ServiceStatus> parse_service_status(std::string_view text) {
  json::error_code error;
  const json::value document = json::parse(text, error);
  if (error) return failure("what came is not JSON: " + error.message());
  std::string problem;
  const Object from(&document, "", problem);
  ServiceStatus status;
  status.version = from.text("version");
  status.state = from.text("state");
  status.pid = from.count("pid");
  status.started_at = from.text("started_at");
  status.uptime_seconds = from.number("uptime_seconds");
  status.reexecs = from.count("reexecs");
  status.listen = from.text("listen");
  status.admin = from.text("admin");
  const Object workers = from.object("workers");
  status.workers_wanted = workers.count("wanted");
  status.workers_ready = workers.count("ready");
  status.roll = read_roll(from.object("roll"));
  if (!from.is_null("store")) {
    const Object store = from.object("store");
    status.store = {store.count("partitions"), store.count("rows"), store.count("bytes")};
  }
  status.totals = read_figures(from.object("totals"));
  if (const auto* slots = from.array("slots")) {
    for (const auto& slot : *slots) {
      status.slots.push_back(
          read_slot({&slot, "slots[" + std::to_string(status.slots.size()) + "]", problem}));
    }
  }
  if (!problem.empty()) return failure("the field " + problem);
  return status;
}

std::string slot_name(const ServiceStatus& status, std::uint64_t slot) {
  for (const auto& one : status.slots) {
    if (one.slot == slot && one.is_admin) return "the admin process";
  }
  return "worker " + std::to_string(slot);
}

}  // namespace txindex::tools

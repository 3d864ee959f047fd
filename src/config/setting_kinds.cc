#include "config/setting_kinds.h"

#include <cctype>
#include <utility>

#include "config/units.h"

namespace txindex::config {
namespace {

using std::chrono::microseconds;

constexpr std::string_view kDurationUnits = "a plain number is seconds; us, ms, s, min, h, d";
constexpr std::string_view kSizeUnits = "a plain number is bytes; KiB, MiB, GiB, KB, MB, GB";

}  // namespace

Failure refused(std::string_view value, std::string_view allowed, std::string_view units) {
  return configuration_failure("'" + std::string(value) + "' is not " + std::string(allowed) +
                               (units.empty() ? "" : " (" + std::string(units) + ")"));
}

Setting duration(std::string_view key, microseconds Config::*member, microseconds lowest,
                 microseconds highest) {
  Setting s;
  s.key = key;
  s.placeholder = "DURATION";
  s.allowed = "a duration from " + format_duration(lowest) + " to " + format_duration(highest);
  s.units = kDurationUnits;
  s.read = [=, allowed = s.allowed](Config& config, std::string_view text) -> result<void> {
    const auto value = parse_duration(text);
    if (!value || *value < lowest || *value > highest) {
      return refused(text, allowed, kDurationUnits);
    }
    config.*member = *value;
    return {};
  };
  s.write = [=](const Config& config) { return format_duration(config.*member); };
  return s;
}

Setting size(std::string_view key, std::size_t Config::*member, std::uint64_t lowest,
             std::uint64_t highest) {
  Setting s;
  s.key = key;
  s.placeholder = "SIZE";
  s.allowed = "a size from " + format_size(lowest) + " to " + format_size(highest);
  s.units = kSizeUnits;
  s.read = [=, allowed = s.allowed](Config& config, std::string_view text) -> result<void> {
    const auto value = parse_size(text);
    if (!value || *value < lowest || *value > highest) return refused(text, allowed, kSizeUnits);
    config.*member = static_cast<std::size_t>(*value);
    return {};
  };
  s.write = [=](const Config& config) { return format_size(config.*member); };
  return s;
}

Setting boolean(std::string_view key, bool Config::*member) {
  return either(key, "true|false", "true", "false", member);
}

Setting either(std::string_view key, std::string_view placeholder, std::string_view yes,
               std::string_view no, bool Config::*member) {
  Setting s;
  s.key = key;
  s.placeholder = placeholder;
  s.allowed = std::string(yes) + " or " + std::string(no);
  s.read = [=, allowed = s.allowed](Config& config, std::string_view text) -> result<void> {
    if (text != yes && text != no) return refused(text, allowed);
    config.*member = text == yes;
    return {};
  };
  s.write = [=](const Config& config) { return std::string(config.*member ? yes : no); };
  return s;
}

Setting text(std::string_view key, std::string_view placeholder, std::string Config::*member) {
  Setting s;
  s.key = key;
  s.placeholder = placeholder;
  s.read = [=](Config& config, std::string_view value) -> result<void> {
    config.*member = value;
    return {};
  };
  s.write = [=](const Config& config) { return config.*member; };
  return s;
}

Setting endpoint(std::string_view key, Endpoint Config::*member) {
  Setting s;
  s.key = key;
  s.placeholder = "HOST:PORT";
  s.allowed = "HOST:PORT, an IPv6 address in brackets";
  s.read = [=](Config& config, std::string_view text) -> result<void> {
    auto value = parse_endpoint(text);
    if (!value) return value.error();
    config.*member = *std::move(value);
    return {};
  };
  s.write = [=](const Config& config) { return to_string(config.*member); };
  return s;
}

Setting host_names(std::string_view key, std::vector<std::string> Config::*member) {
  Setting s;
  s.key = key;
  s.placeholder = "NAMES";
  s.allowed = "host names, separated by commas";
  s.read = [=, allowed = s.allowed](Config& config, std::string_view text) -> result<void> {
    std::vector<std::string> names;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find(',', at), text.size());
      std::string_view name = text.substr(at, end - at);
      name.remove_prefix(std::min(name.find_first_not_of(' '), name.size()));
      name.remove_suffix(name.size() - 1 - name.find_last_not_of(' '));
      const bool is_name = std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
      });
      if (name.empty() || !is_name) return refused(text, allowed);
      names.emplace_back(name);
      at = end + 1;
    }
    config.*member = std::move(names);
    return {};
  };
  s.write = [=](const Config& config) {
    std::string text;
    for (const auto& name : config.*member)
      text += (text.empty() ? "" : ",") + name;
    return text;
  };
  return s;
}

}  // namespace txindex::config

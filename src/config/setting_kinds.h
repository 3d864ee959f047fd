// The kinds of settings: how a value of each is written by a person, read, and bounded. What there
// is to set is in settings.cc.
#pragma once

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "txindex/endpoint.h"
#include "txindex/result.h"

#include "config/config.h"
#include "config/settings.h"

namespace txindex::config {

// What Setting::read() says of a value that is not what is allowed.
Failure refused(std::string_view value, std::string_view allowed, std::string_view units = {});

// Each gives a setting of one member of Config, without its group and help. Bounds are inclusive.

template <typename T>
Setting number(std::string_view key, T Config::*member, T lowest, T highest) {
  Setting s;
  s.key = key;
  s.placeholder = "N";
  s.allowed = "a whole number from " + std::to_string(lowest) + " to " + std::to_string(highest);
  s.read = [=, allowed = s.allowed](Config& config, std::string_view text) -> result<void> {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < lowest ||
        value > highest) {
      return refused(text, allowed);
    }
    config.*member = value;
    return {};
  };
  s.write = [=](const Config& config) { return std::to_string(config.*member); };
  return s;
}

Setting duration(std::string_view key, std::chrono::microseconds Config::*member,
                 std::chrono::microseconds lowest, std::chrono::microseconds highest);
Setting size(std::string_view key, std::size_t Config::*member, std::uint64_t lowest,
             std::uint64_t highest);
Setting boolean(std::string_view key, bool Config::*member);
// True and false, by words of its own.
Setting either(std::string_view key, std::string_view placeholder, std::string_view yes,
               std::string_view no, bool Config::*member);
Setting text(std::string_view key, std::string_view placeholder, std::string Config::*member);
Setting endpoint(std::string_view key, Endpoint Config::*member);
Setting host_names(std::string_view key, std::vector<std::string> Config::*member);

// An enumeration whose values, from 0, have these names. Names and `allowed` live for ever.
template <typename T>
Setting choice(std::string_view key, std::string_view placeholder, std::string_view allowed,
               std::span<const std::string_view> names, T Config::*member) {
  Setting s;
  s.key = key;
  s.placeholder = placeholder;
  s.allowed = allowed;
  s.read = [=](Config& config, std::string_view text) -> result<void> {
    const auto found = std::find(names.begin(), names.end(), text);
    if (found == names.end()) return refused(text, allowed);
    config.*member = static_cast<T>(found - names.begin());
    return {};
  };
  s.write = [=](const Config& config) {
    return std::string(names[static_cast<std::size_t>(config.*member)]);
  };
  return s;
}

// `setting` of a member that may also hold nothing, which is written as `off`. `plain` reads and
// writes the value in a Config at `scratch`.
template <typename T>
Setting or_off(const Setting& plain, T Config::*scratch, std::optional<T> Config::*member) {
  static constexpr std::string_view kOff = "off";
  Setting s = plain;
  s.allowed = "off, or " + plain.allowed;
  s.read = [=](Config& config, std::string_view text) -> result<void> {
    if (text == kOff) {
      config.*member = std::nullopt;
      return {};
    }
    Config only;
    if (auto ok = plain.read(only, text); !ok) {
      return configuration_failure(ok.error().message + "; or off");
    }
    config.*member = only.*scratch;
    return {};
  };
  s.write = [=](const Config& config) {
    if (!(config.*member)) return std::string(kOff);
    Config only;
    only.*scratch = *(config.*member);
    return plain.write(only);
  };
  return s;
}

}  // namespace txindex::config

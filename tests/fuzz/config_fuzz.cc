// A configuration file: a second reading sees the same in it; what was read can be written again
// and is read as the same; what a setting takes, it writes as something that it takes, and that
// means the same.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>

#include "config/config.h"
#include "config/file.h"
#include "config/settings.h"
#include "fuzz/target.h"

namespace {

using namespace txindex;
using namespace txindex::config;

using Entries = result<std::vector<Entry>, SyntaxError>;

Entries read(const std::string& text) {
  std::istringstream in(text);
  return read_entries(in);
}

bool same(const std::vector<Entry>& a, const std::vector<Entry>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Entry& x, const Entry& y) {
    return x.key == y.key && x.value == y.value;
  });
}

// A second reading, from the grammar in config/file.h: character by character, one line at a time.
// nullopt: there is an error somewhere.
class SecondReading {
 public:
  using Found = std::optional<std::vector<std::pair<std::string, std::string>>>;

  static Found of(const std::string& text) {
    SecondReading reading;
    std::size_t begin = 0;
    while (begin < text.size()) {
      const auto end = std::min(text.find('\n', begin), text.size());
      reading.line_ = text.substr(begin, end - begin);
      if (!reading.line()) return std::nullopt;
      begin = end + 1;
    }
    return reading.found_;
  }

 private:
  static bool white(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'; }
  static bool name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
  }

  bool ended() const { return at_ == line_.size(); }
  void skip_white() {
    while (!ended() && white(line_[at_]))
      ++at_;
  }
  bool comment_begins() const {
    return !ended() && line_[at_] == '#' && (at_ == 0 || white(line_[at_ - 1]));
  }
  bool take(char c) {
    if (ended() || line_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::string name() {
    std::string name;
    skip_white();
    while (!ended() && name_character(line_[at_]))
      name += line_[at_++];
    skip_white();
    return name;
  }
  bool nothing_but_comment() {
    skip_white();
    return ended() || comment_begins();
  }

  bool line() {
    at_ = 0;
    if (line_.find('\0') != std::string::npos) return false;
    if (nothing_but_comment()) return true;
    if (take('[')) {
      section_ = name();
      return !section_.empty() && take(']') && nothing_but_comment();
    }
    std::string key = name();
    if (key.empty() || !take('=')) return false;
    if (!section_.empty()) key = section_ + "." + key;
    skip_white();
    std::string value;
    if (take('"') ? !quoted(value) : !plain(value)) return false;
    found_.emplace_back(key, value);
    return keys_.insert(key).second;
  }
  bool plain(std::string& value) {
    for (; !ended() && !comment_begins(); ++at_)
      value += line_[at_];
    while (!value.empty() && white(value.back()))
      value.pop_back();
    return true;
  }
  bool quoted(std::string& value) {
    while (!take('"')) {
      const bool escaped = take('\\');
      if (ended()) return false;
      const char c = line_[at_++];
      static const std::map<char, char> kMeant = {
          {'"', '"'}, {'\\', '\\'}, {'n', '\n'}, {'r', '\r'}, {'t', '\t'}};
      if (escaped && !kMeant.contains(c)) return false;
      value += escaped ? kMeant.at(c) : c;
    }
    return (!ended() && line_[at_] == '#') || nothing_but_comment();
  }

  std::string line_;
  std::size_t at_ = 0;
  std::string section_;
  std::set<std::string> keys_;
  std::vector<std::pair<std::string, std::string>> found_;
};

bool same(const Entries& entries, const SecondReading::Found& second) {
  if (!entries || !second) return entries.has_value() == second.has_value();
  return std::equal(
      entries->begin(), entries->end(), second->begin(), second->end(),
      [](const Entry& x, const auto& y) { return x.key == y.first && x.value == y.second; });
}

}  // namespace

TXINDEX_FUZZ_TARGET(config) {
  const std::string text(as_text(input));
  const Entries entries = read(text);
  fuzz::require(same(entries, SecondReading::of(text)), "a second reading sees the same");
  if (!entries) {
    fuzz::require(entries.error().line >= 1 && !entries.error().message.empty(),
                  "an error says where, and what");
    return;
  }
  std::string again;
  Config config;
  for (const Entry& entry : *entries) {
    again += entry.key + " = " + quote(entry.value) + "\n";
    const Setting* setting = find_setting(entry.key);
    if (setting == nullptr) continue;
    const std::string before = setting->write(config);
    if (const auto ok = setting->read(config, entry.value); !ok) {
      fuzz::require(!ok.error().message.empty(), "a refusal says why");
      fuzz::require(setting->write(config) == before, "what is refused changes nothing");
      continue;
    }
    const std::string written = setting->write(config);
    Config other;
    fuzz::require(setting->read(other, written).has_value() && setting->write(other) == written,
                  "what a setting writes, it takes");
  }
  const Entries reread = read(again);
  fuzz::require(reread && same(*entries, *reread), "what is written is read as what it was");
  // The whole of it, as --print-config writes it.
  const Entries printed = read(print(config));
  fuzz::require(printed.has_value(), "what is printed is a configuration file");
  Config back;
  for (const Entry& entry : *printed) {
    const Setting* setting = find_setting(entry.key);
    fuzz::require(setting != nullptr && setting->read(back, entry.value),
                  "what is printed is taken");
  }
  fuzz::require(print(back) == print(config), "what is printed means the same");
}

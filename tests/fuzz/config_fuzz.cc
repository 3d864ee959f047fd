// A configuration file: what was read can be written again and is read as the same; what a setting
// takes, it writes as something that it takes, and that means the same.
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

}  // namespace

TXINDEX_FUZZ_TARGET(config) {
  const Entries entries = read(std::string(as_text(input)));
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

// The terminal, taken for a full-screen program and given back as it was.
#pragma once

#include <termios.h>

#include <string>
#include <vector>

#include "txindex/result.h"

#include "tools/top_view.h"

namespace txindex::tools {

class Terminal {
 public:
  // Takes standard output, and standard input if it is a terminal too: alternate screen, no cursor,
  // keys one by one and not shown. Signals from keys (Ctrl-C) stay.
  static result<Terminal> open();
  ~Terminal() { leave(); }
  Terminal(Terminal&& other) noexcept;
  Terminal& operator=(Terminal&&) = delete;

  // Gives it back, and takes it again: around a stop (Ctrl-Z).
  void leave();
  void enter();

  TopSize size() const;
  bool has_keys() const { return has_keys_; }
  // The whole screen. False: nobody looks any more.
  bool draw(const std::vector<TopLine>& lines);

 private:
  Terminal() = default;
  bool has_keys_ = false;
  bool taken_ = false;
  termios before_{};
};

// Whether the locale of the environment is one of UTF-8.
bool locale_is_utf8();

}  // namespace txindex::tools

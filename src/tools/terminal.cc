#include "tools/terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace txindex::tools {
namespace {

constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view kLeave = "\x1b[0m\x1b[?25h\x1b[?1049l";

bool write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(STDOUT_FILENO, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

const char* code_of(TopLine::Style style) {
  switch (style) {
    case TopLine::plain:
      return "";
    case TopLine::title:
      return "\x1b[1m";
    case TopLine::head:
      return "\x1b[7m";
    case TopLine::alarm:
      return "\x1b[1;31m";
  }
  return "";
}

}  // namespace

result<Terminal> Terminal::open() {
  const char* kind = std::getenv("TERM");
  if (kind == nullptr || *kind == '\0' || std::string_view(kind) == "dumb") {
    return configuration_failure(
        "this terminal (TERM) cannot show a live view: use txindex top --once");
  }
  Terminal terminal;
  terminal.has_keys_ =
      ::isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, &terminal.before_) == 0;
  terminal.enter();
  return terminal;
}

Terminal::Terminal(Terminal&& other) noexcept
    : has_keys_(other.has_keys_),
      taken_(std::exchange(other.taken_, false)),
      before_(other.before_) {}

void Terminal::enter() {
  if (std::exchange(taken_, true)) return;
  if (has_keys_) {
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
  }
  write_all(kEnter);
}

void Terminal::leave() {
  if (!std::exchange(taken_, false)) return;
  write_all(kLeave);
  if (has_keys_) tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
}

TopSize Terminal::size() const {
  winsize window{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col == 0 || window.ws_row == 0) {
    return {};
  }
  return {window.ws_col, window.ws_row};
}

bool Terminal::draw(const std::vector<TopLine>& lines) {
  std::string screen = "\x1b[H";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i != 0) screen += "\r\n";
    screen += code_of(lines[i].style) + lines[i].text + "\x1b[0m\x1b[K";
  }
  screen += "\x1b[J";
  return write_all(screen);
}

bool locale_is_utf8() {
  const locale_t here = newlocale(LC_CTYPE_MASK, "", nullptr);
  if (here == nullptr) return false;
  const bool utf8 = std::string_view(nl_langinfo_l(CODESET, here)) == "UTF-8";
  freelocale(here);
  return utf8;
}

}  // namespace txindex::tools

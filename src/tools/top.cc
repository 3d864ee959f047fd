#include "tools/top.h"

#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdio>
#include <limits>

#include "tools/admin_client.h"
#include "tools/status.h"
#include "tools/terminal.h"
#include "tools/top_view.h"

namespace txindex::tools {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kPatience = 2s;
// As many as the widest terminal shows.
constexpr std::size_t kHistory = 1000;

std::string time_of_day() {
  const time_t now = ::time(nullptr);
  tm parts{};
  localtime_r(&now, &parts);
  std::array<char, 16> text;
  return {text.data(), strftime(text.data(), text.size(), "%H:%M:%S", &parts)};
}

class Top {
 public:
  Top(const TopOptions& options, Terminal& terminal)
      : options_(options),
        terminal_(terminal),
        unicode_(locale_is_utf8()),
        timer_(loop_),
        signals_(loop_, SIGINT, SIGTERM, SIGHUP),
        keys_(loop_) {
    signals_.add(SIGWINCH);
    signals_.add(SIGTSTP);
    model_.address = to_string(options.admin);
    // Opened anew: Asio makes what it waits for non-blocking, and standard input is shared with
    // standard output and the shell. Without a controlling terminal there are no keys.
    const int keys = terminal.has_keys() ? ::open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC) : -1;
    if (keys >= 0) keys_.assign(keys);
  }

  void run() {
    draw();
    ask();
    wait_for_signal();
    wait_for_key();
    loop_.run();
  }

 private:
  void ask() {
    asked_at_ = Clock::now();
    admin_get(loop_, options_.admin, "/status", kPatience, [this](result<AdminAnswer> answer) {
      take(body_of(std::move(answer), options_.admin, "/status"));
      draw();
      timer_.expires_at(std::max(asked_at_ + options_.interval, Clock::now()));
      timer_.async_wait([this](error_code error) {
        if (!error) ask();
      });
    });
  }

  void take(result<std::string> body) {
    auto status =
        body ? parse_status_of(options_.admin, *body) : result<ServiceStatus>(body.error());
    if (!status) {
      if (model_.trouble.empty()) {
        away_since_ = Clock::now();
        model_.trouble_since = time_of_day();
      }
      model_.trouble = status.error().message;
      model_.trouble_seconds = std::chrono::duration<double>(Clock::now() - away_since_).count();
    } else {
      model_.trouble.clear();
      model_.status = std::move(*status);
    }
    // A server that is away commits nothing: the gap is to be seen.
    model_.history.push_back(
        model_.trouble.empty() ? model_.status->totals.recent.committed_per_second : 0);
    if (model_.history.size() > kHistory) model_.history.pop_front();
  }

  void draw() {
    if (!terminal_.draw(render_top(model_, terminal_.size(), unicode_))) loop_.stop();
  }

  void wait_for_signal() {
    signals_.async_wait([this](error_code error, int number) {
      if (error) return;
      if (number == SIGTSTP) {
        // As if it had not been caught; here it goes on when it is told to.
        terminal_.leave();
        raise(SIGSTOP);
        terminal_.enter();
      } else if (number != SIGWINCH) {
        return loop_.stop();
      }
      draw();
      wait_for_signal();
    });
  }

  void wait_for_key() {
    if (!keys_.is_open()) return;
    keys_.async_read_some(asio::buffer(typed_), [this](error_code error, std::size_t n) {
      const std::string_view typed(typed_.data(), n);
      if (error || typed.find_first_of("qQ") != std::string_view::npos) return loop_.stop();
      wait_for_key();
    });
  }

  const TopOptions& options_;
  Terminal& terminal_;
  const bool unicode_;
  TopModel model_;
  Clock::time_point asked_at_;
  Clock::time_point away_since_;
  asio::io_context loop_{1};
  asio::steady_timer timer_;
  asio::signal_set signals_;
  asio::posix::stream_descriptor keys_;
  std::array<char, 64> typed_{};
};

result<int> one_frame(const TopOptions& options) {
  auto status = fetch_status(options.admin);
  if (!status) return status.error();
  const int exit_status = status->state == "serving" ? 0 : kExitNotServing;
  TopModel model;
  model.address = to_string(options.admin);
  model.status = std::move(*status);
  for (const auto& line : render_top(model, {80, std::numeric_limits<int>::max()}, false))
    std::printf("%s\n", line.text.c_str());
  if (std::fflush(stdout) != 0) return failure("cannot write to standard output");
  return exit_status;
}

}  // namespace

result<int> top(const TopOptions& options) {
  if (options.once || ::isatty(STDOUT_FILENO) != 1) return one_frame(options);
  auto terminal = Terminal::open();
  if (!terminal) return terminal.error();
  Top(options, *terminal).run();
  return 0;
}

}  // namespace txindex::tools

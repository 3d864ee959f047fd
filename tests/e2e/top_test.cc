// txindex top on a terminal: a pseudo terminal, of which the test is the other end.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "support/fake_admin.h"
#include "support/process.h"
#include "support/status_document.h"

namespace txindex::test {
namespace {

const std::string kEnter = "\x1b[?1049h";
const std::string kLeave = "\x1b[?1049l";

// The command on a terminal of 80 x 24.
class OnTerminal {
 public:
  explicit OnTerminal(const std::string& admin) {
    winsize size{24, 80, 0, 0};
    if (openpty(&master_, &slave_, nullptr, nullptr, &size) != 0) std::abort();
    tcgetattr(slave_, &before_);
    fcntl(master_, F_SETFD, FD_CLOEXEC);
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      login_tty(slave_);
      setenv("TERM", "xterm", 1);
      setenv("LC_ALL", "C.UTF-8", 1);
      execl(TXINDEX_BINARY, "txindex", "top", "--admin", admin.c_str(), "--interval", "0.1",
            static_cast<char*>(nullptr));
      _exit(127);
    }
  }
  ~OnTerminal() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    close(master_);
    close(slave_);
  }

  // Waits until `text` has been written since the last time this was asked.
  bool shows(const std::string& text) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < end) {
      const auto at = unseen_.find(text);
      if (at != std::string::npos) {
        unseen_.erase(0, at + text.size());
        return true;
      }
      read_some();
    }
    return false;
  }
  void type(const std::string& keys) {
    EXPECT_EQ(write(master_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }
  void resize(unsigned short columns, unsigned short rows) {
    winsize size{rows, columns, 0, 0};
    ioctl(master_, TIOCSWINSZ, &size);
  }
  pid_t pid() const { return pid_; }

  // The exit status, 128 + n after signal n.
  int wait() {
    int status = 0;
    // Somebody must read, or it waits to be read.
    while (waitpid(pid_, &status, WNOHANG) == 0)
      read_some();
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  bool as_it_was() const {
    termios now{};
    tcgetattr(slave_, &now);
    return now.c_iflag == before_.c_iflag && now.c_oflag == before_.c_oflag &&
           now.c_cflag == before_.c_cflag && now.c_lflag == before_.c_lflag &&
           std::memcmp(now.c_cc, before_.c_cc, sizeof now.c_cc) == 0 &&
           (fcntl(slave_, F_GETFL) & O_NONBLOCK) == 0;
  }

 private:
  void read_some() {
    pollfd waiting{master_, POLLIN, 0};
    if (poll(&waiting, 1, 50) != 1) return;
    std::array<char, 4096> part;
    const ssize_t n = read(master_, part.data(), part.size());
    if (n > 0) unseen_.append(part.data(), static_cast<std::size_t>(n));
  }

  int master_ = -1;
  int slave_ = -1;
  pid_t pid_ = -1;
  termios before_{};
  std::string unseen_;
};

class TopTest : public testing::Test {
 protected:
  // Admin port of a service with `workers`; the same port each time.
  void serve(int workers) {
    const std::string body = text_of(status_document(workers));
    const std::uint16_t port = admin_ ? admin_->endpoint().port : port_;
    admin_.reset();
    admin_.emplace([body](const std::string&) { return FakeAdmin::ok(body); }, port);
    port_ = admin_->endpoint().port;
  }
  void go_away() { admin_.reset(); }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  std::optional<FakeAdmin> admin_;
  std::uint16_t port_ = 0;
};

TEST_F(TopTest, SurvivesTheServersRestartAndLeavesTheTerminalAsItWas) {
  serve(2);
  OnTerminal top(address());
  EXPECT_TRUE(top.shows(kEnter));
  EXPECT_TRUE(top.shows("workers 2/2"));
  EXPECT_FALSE(top.as_it_was());  // keys are taken one by one
  go_away();
  EXPECT_TRUE(top.shows("no answer since "));
  EXPECT_TRUE(top.shows("Connection refused"));
  serve(3);
  EXPECT_TRUE(top.shows("workers 3/3"));
  top.type("q");
  EXPECT_EQ(top.wait(), 0);
  EXPECT_TRUE(top.shows(kLeave));
  EXPECT_TRUE(top.as_it_was());
}

TEST_F(TopTest, CtrlCAndSigtermLeaveItAsItWasToo) {
  serve(1);
  for (const bool key : {true, false}) {
    OnTerminal top(address());
    EXPECT_TRUE(top.shows("workers 1/1"));
    if (key) {
      top.type("\x03");
    } else {
      kill(top.pid(), SIGTERM);
    }
    EXPECT_EQ(top.wait(), 0);
    EXPECT_TRUE(top.shows(kLeave));
    EXPECT_TRUE(top.as_it_was());
  }
}

TEST_F(TopTest, ALargerTerminalShowsMore) {
  serve(40);
  OnTerminal top(address());
  EXPECT_TRUE(top.shows("more: "));
  top.resize(80, 60);
  EXPECT_TRUE(top.shows("\n39    ready "));
  top.type("q");
  EXPECT_EQ(top.wait(), 0);
}

TEST_F(TopTest, StoppedItGivesTheTerminalBackAndContinuedItTakesItAgain) {
  serve(1);
  OnTerminal top(address());
  EXPECT_TRUE(top.shows("workers 1/1"));
  kill(top.pid(), SIGTSTP);
  int status = 0;
  ASSERT_EQ(waitpid(top.pid(), &status, WUNTRACED), top.pid());
  EXPECT_TRUE(WIFSTOPPED(status));
  EXPECT_TRUE(top.shows(kLeave));
  EXPECT_TRUE(top.as_it_was());
  kill(top.pid(), SIGCONT);
  EXPECT_TRUE(top.shows(kEnter));
  EXPECT_TRUE(top.shows("workers 1/1"));
  top.type("q");
  EXPECT_EQ(top.wait(), 0);
}

TEST_F(TopTest, WithoutATerminalItIsOnePlainFrameOfAllProcesses) {
  serve(64);
  const Ran ran = run({TXINDEX_BINARY, "top", "--admin", address()});
  EXPECT_EQ(ran.status, 0);
  EXPECT_NE(ran.output.find("workers 64/64"), std::string::npos);
  EXPECT_NE(ran.output.find("\n63    ready "), std::string::npos);
  EXPECT_EQ(ran.output.find('\x1b'), std::string::npos);
  go_away();
  EXPECT_EQ(run({TXINDEX_BINARY, "top", "--admin", address()}).status, 1);
}

}  // namespace
}  // namespace txindex::test

// txindex restart against an admin port and a "supervisor" that a test plays.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

#include "support/expect.h"
#include "support/fake_admin.h"
#include "support/signal_recorder.h"
#include "support/status_document.h"
#include "tools/restart.h"

namespace txindex::tools {
namespace {

using test::FakeAdmin;
using test::SignalRecorder;
using test::status_document;
using test::text_of;
using namespace std::chrono_literals;

// A service whose answers follow a script: the first of it until the signal has come, then one
// after the other, the last for ever. "" hangs up.
class PlayedService {
 public:
  explicit PlayedService(SignalRecorder& supervisor) : supervisor_(supervisor) {
    document_ = status_document(2);
    test::set(document_, "/pid", static_cast<std::int64_t>(supervisor.pid()));
  }

  PlayedService& set(const std::string& pointer, boost::json::value value) {
    test::set(document_, pointer, std::move(value));
    return *this;
  }
  // Ends an answer and begins the next, which is like it but for what is set then.
  PlayedService& then() {
    answers_.push_back(FakeAdmin::ok(text_of(document_)));
    return *this;
  }
  PlayedService& then_hang_up(int times) {
    answers_.insert(answers_.end(), static_cast<std::size_t>(times), "");
    return *this;
  }

  // Runs the command; the answers after the first are given when the signal has come.
  result<void> restart(RestartOptions options) {
    then();
    std::size_t asked = 0;
    FakeAdmin admin([&](const std::string&) -> std::optional<std::string> {
      if (asked == 1) signal_ = supervisor_.next();
      const std::string& answer = answers_[std::min(asked++, answers_.size() - 1)];
      return answer.empty() ? std::nullopt : std::optional(answer);
    });
    options.admin = admin.endpoint();
    testing::internal::CaptureStdout();
    auto done = tools::restart(options);
    output_ = testing::internal::GetCapturedStdout();
    return done;
  }
  // 0: none, before the second question or ever.
  int signal() const { return signal_; }
  const std::string& output() const { return output_; }

 private:
  SignalRecorder& supervisor_;
  boost::json::object document_;
  std::vector<std::string> answers_;
  std::atomic<int> signal_ = 0;
  std::string output_;
};

TEST(Restart, WaitsForTheRestartThatItAskedForAndSaysHowFarItIs) {
  SignalRecorder supervisor("txindexd");
  PlayedService service(supervisor);
  service.then();  // number 3 has ended
  service.set("/roll/running", true).set("/roll/started", 4).set("/roll/slot", 0).then();
  service.set("/roll/slot", 1).then();
  service.set("/roll/slot", 256).then();
  service.then_hang_up(3);
  service.set("/roll/running", false).set("/roll/slot", nullptr).set("/roll/ended", 4);
  service.set("/version", "0.2.0");
  const auto done = service.restart({});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(service.signal(), SIGUSR2);
  EXPECT_EQ(supervisor.next(0ms), 0);
  for (const std::string part :
       {"replacing worker 0", "replacing worker 1", "replacing the admin process",
        "restart 4 is done", "0.1.0 -> 0.2.0", "2 of 2 workers ready"}) {
    EXPECT_HAS(service.output(), part) << "\nmissing: " << part;
  }
}

TEST(Restart, ReexecAsksWithAnotherSignalAndQuietSaysNothing) {
  SignalRecorder supervisor("txindexd");
  PlayedService service(supervisor);
  service.then().set("/roll/started", 4).set("/roll/ended", 4);
  RestartOptions options;
  options.reexec = true;
  options.quiet = true;
  ASSERT_TRUE(service.restart(options));
  EXPECT_EQ(service.signal(), SIGHUP);
  EXPECT_EQ(service.output(), "");
}

// One runs when this is asked for: its end, and what came of it, is not the end of ours.
TEST(Restart, OneThatRanBeforeIsNotTakenForIt) {
  SignalRecorder supervisor("txindexd");
  PlayedService service(supervisor);
  service.set("/roll/running", true).set("/roll/started", 4).set("/roll/slot", 1).then();
  service.set("/roll/queued", true).then();
  service.set("/roll/ended", 4)
      .set("/roll/last", {{"outcome", "aborted"}, {"failure", "not ours"}})
      .set("/roll/running", false)
      .then();
  service.set("/roll/running", true).set("/roll/queued", false).set("/roll/started", 5).then();
  service.set("/roll/running", false)
      .set("/roll/ended", 5)
      .set("/roll/last", {{"outcome", "done"}, {"failure", nullptr}});
  const auto done = service.restart({});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_HAS(service.output(), "waiting for restart 4 to end");
  EXPECT_HAS(service.output(), "restart 5 is done");
}

TEST(Restart, AnAbortedOneFailsWithItsReason) {
  SignalRecorder supervisor("txindexd");
  PlayedService service(supervisor);
  service.then()
      .set("/roll/started", 4)
      .set("/roll/ended", 4)
      .set("/roll/last", {{"outcome", "aborted"}, {"failure", "worker 0: database.conninfo"}});
  const auto done = service.restart({});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().exit_status, 1);
  EXPECT_HAS(done.error().message, "aborted");
  EXPECT_HAS(done.error().message, "worker 0: database.conninfo");
}

TEST(Restart, OneThatDoesNotEndInTimeHasAnExitStatusOfItsOwn) {
  SignalRecorder supervisor("txindexd");
  PlayedService service(supervisor);
  service.then().set("/roll/running", true).set("/roll/started", 4);
  RestartOptions options;
  options.timeout = 700ms;
  const auto done = service.restart(options);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().exit_status, kExitTimeout);
  EXPECT_HAS(done.error().message, "0.7 s");
}

TEST(Restart, AnAdminPortThatStaysAwayIsATimeoutThatSaysSo) {
  SignalRecorder supervisor("txindexd");
  PlayedService service(supervisor);
  service.then().then_hang_up(1000);
  RestartOptions options;
  options.timeout = 500ms;
  const auto done = service.restart(options);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().exit_status, kExitTimeout);
  EXPECT_HAS(done.error().message, "admin port");
}

TEST(Restart, ASupervisorThatEndsMeanwhileIsNoticedAtOnce) {
  SignalRecorder supervisor("txindexd");
  auto document = status_document(2);
  test::set(document, "/pid", static_cast<std::int64_t>(supervisor.pid()));
  int asked = 0;
  FakeAdmin admin([&](const std::string&) {
    if (++asked == 2) supervisor.kill();
    return FakeAdmin::ok(text_of(document));
  });
  RestartOptions options;
  options.admin = admin.endpoint();
  options.quiet = true;
  const auto done = restart(options);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().exit_status, 1);
  EXPECT_HAS(done.error().message, "has ended");
}

TEST(Restart, AStrangerIsNeverSignalled) {
  SignalRecorder stranger("postgres");
  PlayedService service(stranger);
  RestartOptions options;
  options.timeout = 1s;
  const auto done = service.restart(options);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().exit_status, kExitNotAsked);
  EXPECT_HAS(done.error().message, "is a 'postgres' here");
  EXPECT_EQ(stranger.next(200ms), 0);
}

TEST(Restart, ANumberThatIsNoProcessIsNamed) {
  SignalRecorder supervisor("txindexd");
  for (const std::int64_t number : {std::int64_t{0}, static_cast<std::int64_t>(supervisor.pid())}) {
    PlayedService service(supervisor);
    service.set("/pid", number);
    if (number != 0) supervisor.kill();
    const auto done = service.restart({});
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().exit_status, kExitNotAsked);
    EXPECT_HAS(done.error().message, "process " + std::to_string(number) + ", which 127.0.0.1:");
    EXPECT_HAS(done.error().message, "does not exist here");
  }
}

TEST(Restart, AServiceThatDrainsIsNotAskedAndNobodyAtTheAddressEither) {
  SignalRecorder supervisor("txindexd");
  PlayedService service(supervisor);
  service.set("/state", "draining");
  const auto draining = service.restart({});
  ASSERT_FALSE(draining);
  EXPECT_EQ(draining.error().exit_status, kExitNotAsked);
  EXPECT_EQ(supervisor.next(200ms), 0);

  RestartOptions nobody;
  nobody.admin = {"127.0.0.1", 1};
  const auto refused = restart(nobody);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().exit_status, kExitNotAsked);
  EXPECT_HAS(refused.error().message, "127.0.0.1:1");
}

TEST(Restart, WithoutPermissionItSaysWhoMay) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become somebody else to be refused";
  SignalRecorder supervisor("txindexd");
  // In a child, for good: another user tries.
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    std::string said = "cannot become another user";
    if (setuid(65534) == 0) {
      const auto server = ServerProcess::open(supervisor.pid(), "127.0.0.1:9464");
      const auto done = server ? server->signal(SIGUSR2) : result<void>(server.error());
      said = done ? "signalled" : done.error().message;
    }
    [[maybe_unused]] const auto n = write(ends[1], said.data(), said.size());
    _exit(0);
  }
  close(ends[1]);
  std::string said(4096, '\0');
  const ssize_t n = read(ends[0], said.data(), said.size());
  said.resize(static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  close(ends[0]);
  waitpid(child, nullptr, 0);
  EXPECT_HAS(said, "no permission");
  EXPECT_HAS(said, "as root or as user root");
  EXPECT_EQ(supervisor.next(200ms), 0);
}

}  // namespace
}  // namespace txindex::tools

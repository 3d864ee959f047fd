// What the supervisor is made of: the reservation of the address, signals, starting children.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <fstream>
#include <optional>

#include "process/control.h"
#include "process/launch.h"
#include "process/reservation.h"
#include "process/signals.h"
#include "process/summary.h"
#include "stats/block.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace txindex::process {
namespace {

// A socket that listens at 127.0.0.1, as a worker does (`share`) or as a stranger.
std::optional<Descriptor> listening(std::uint16_t port, bool share) {
  Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (share) setsockopt(socket.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(socket.get(), 128) != 0) {
    return std::nullopt;
  }
  return socket;
}

bool connects(std::uint16_t port) {
  const Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
}

const Endpoint kAnyPort{"127.0.0.1", 0};

TEST(ReservationTest, PortZeroPicksOneThatSeveralWorkersCanShare) {
  auto reservation = Reservation::take(kAnyPort);
  ASSERT_TRUE(reservation) << reservation.error().message;
  const auto port = reservation->address().port;
  EXPECT_NE(port, 0);
  EXPECT_EQ(reservation->address().host, "127.0.0.1");
  EXPECT_FALSE(connects(port)) << "nobody listens yet";
  const auto one = listening(port, true);
  const auto two = listening(port, true);
  EXPECT_TRUE(one);
  EXPECT_TRUE(two);
  for (int i = 0; i < 20; ++i)
    EXPECT_TRUE(connects(port));
}

TEST(ReservationTest, WhatIsServedCountsWhateverIsConfigured) {
  config::Config config;
  config.listen = {"localhost", 9400};
  EXPECT_TRUE(may_serve(config, {"127.0.0.1", 9400}));
  EXPECT_TRUE(may_serve(config, {"::1", 9400}));
  for (const char* host : {"0.0.0.0", "::", "192.0.2.1"}) {
    const auto refused = may_serve(config, {host, 9400});
    ASSERT_FALSE(refused) << host;
    EXPECT_EQ(refused.error().exit_status, kExitConfiguration);
    EXPECT_NE(refused.error().message.find(host), std::string::npos) << refused.error().message;
    auto open = config;
    open.insecure = true;
    EXPECT_TRUE(may_serve(open, {host, 9400}));
    auto guarded = config;
    guarded.tokens = "tokens";
    EXPECT_TRUE(may_serve(guarded, {host, 9400}));
  }
}

TEST(ReservationTest, APortCanBeReservedAgainAfterItsRelease) {
  auto first = Reservation::take(kAnyPort);
  ASSERT_TRUE(first);
  const Endpoint address = first->address();
  EXPECT_FALSE(Reservation::take(address)) << "no worker listens yet, and still it is taken";
  first->release();
  EXPECT_TRUE(Reservation::take(address));
}

TEST(ReservationTest, AListenerThereIsAClearErrorWhetherOrNotItWouldShare) {
  for (const bool share : {false, true}) {
    SCOPED_TRACE(share);
    auto reservation = Reservation::take(kAnyPort);
    ASSERT_TRUE(reservation);
    const Endpoint address = reservation->address();
    reservation->release();
    const auto stranger = listening(address.port, share);
    ASSERT_TRUE(stranger);
    const auto refused = Reservation::take(address);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message,
              "listen: " + to_string(address) + " is in use by another process");
    EXPECT_EQ(refused.error().exit_status, kExitFailure);
    EXPECT_FALSE(Reservation::take({"0.0.0.0", address.port}))
        << "it covers the stranger's address";
  }
}

TEST(ReservationTest, ConnectionsOfTheLastRunDoNotKeepThePort) {
  auto reservation = Reservation::take(kAnyPort);
  ASSERT_TRUE(reservation);
  const Endpoint address = reservation->address();
  {
    const auto listener = listening(address.port, true);
    const Descriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(address.port);
    ASSERT_EQ(connect(client.get(), reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
    // The side that closes first is left in TIME_WAIT: the server's.
    Descriptor(accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC)).reset();
    char byte = 0;
    EXPECT_EQ(recv(client.get(), &byte, 1, 0), 0);
  }
  reservation->release();
  const auto again = Reservation::take(address);
  EXPECT_TRUE(again) << again.error().message;
}

TEST(ReservationTest, NamesAreLookedUpAndWhatIsNoAddressIsNamed) {
  const auto local = Reservation::take({"localhost", 0});
  ASSERT_TRUE(local) << local.error().message;
  EXPECT_TRUE(local->address().host == "127.0.0.1" || local->address().host == "::1");
  for (const char* host : {"host.invalid", "192.0.2.1", "999.1.1.1"}) {
    const auto refused = Reservation::take({host, 1});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message.find("listen: " + std::string(host) + ":1"), 0u)
        << refused.error().message;
  }
}

// --- Signals and children ----------------------------------------------------------------------

TEST(SignalsTest, WatchedSignalsAreEventsAndOthersAreNot) {
  sigset_t before;
  sigprocmask(SIG_SETMASK, nullptr, &before);
  const auto watched = watch_signals({SIGUSR1, SIGUSR2});
  ASSERT_TRUE(watched);
  EXPECT_FALSE(next_signal(*watched));
  kill(getpid(), SIGUSR2);
  kill(getpid(), SIGUSR1);
  EXPECT_EQ(next_signal(*watched), SIGUSR1);
  EXPECT_EQ(next_signal(*watched), SIGUSR2);
  EXPECT_FALSE(next_signal(*watched));
  sigprocmask(SIG_SETMASK, &before, nullptr);
}

int wait_for(pid_t pid) {
  int status = 0;
  waitpid(pid, &status, 0);
  return status;
}

TEST(LaunchTest, AChildGetsItsArgumentsAndOnlyTheDescriptorsMeantForIt) {
  test::TempDir dir;
  const std::string out = dir / "out";
  // High numbers, which the child's programs do not get for files of their own.
  const Descriptor inherited(fcntl(0, F_DUPFD_CLOEXEC, 100));
  const Descriptor kept(fcntl(0, F_DUPFD_CLOEXEC, 100));
  Launch launch;
  launch.arguments = {"-c", "echo \"$1\" >> " + out + "; ls /proc/self/fd >> " + out, "sh",
                      "a 'b'"};
  launch.inherited = {inherited.get()};
  const auto pid = start_child("/bin/sh", launch);
  ASSERT_TRUE(pid);
  EXPECT_EQ(wait_for(*pid), 0);
  std::ifstream lines(out);
  std::string first;
  std::getline(lines, first);
  EXPECT_EQ(first, "a 'b'");
  std::vector<std::string> open_in_child;
  for (std::string line; std::getline(lines, line);)
    open_in_child.push_back(line);
  const auto has = [&](int fd) {
    return std::count(open_in_child.begin(), open_in_child.end(), std::to_string(fd)) == 1;
  };
  EXPECT_TRUE(has(inherited.get()));
  EXPECT_FALSE(has(kept.get()));
  EXPECT_TRUE(fcntl(inherited.get(), F_GETFD) & FD_CLOEXEC) << "the parent's own stays as it was";
}

TEST(LaunchTest, AChildHasNoSignalBlockedAndOnlyThoseForTheSupervisorIgnored) {
  sigset_t before;
  sigprocmask(SIG_SETMASK, nullptr, &before);
  const auto watched = watch_signals({SIGTERM, SIGUSR1});
  auto* const old_pipe = signal(SIGPIPE, SIG_IGN);
  test::TempDir dir;
  const std::string out = dir / "out";
  Launch launch;
  launch.arguments = {"/^Sig[BI]/w " + out, "/proc/self/status"};
  launch.arguments.insert(launch.arguments.begin(), "-n");
  const auto pid = start_child("/bin/sed", launch);
  signal(SIGPIPE, old_pipe);
  sigprocmask(SIG_SETMASK, &before, nullptr);
  ASSERT_TRUE(pid);
  EXPECT_EQ(wait_for(*pid), 0);
  unsigned long ignored = 0;
  for (const int number : {SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU})
    ignored |= 1ul << (number - 1);
  char expected[64];
  std::snprintf(expected, sizeof(expected), "SigBlk:\t%016lx\nSigIgn:\t%016lx\n", 0ul, ignored);
  EXPECT_EQ(test::read_file(out), expected);
}

TEST(LaunchTest, AProgramThatIsNotThereIsToldOverTheControlSocket) {
  auto pair = make_control_pair();
  ASSERT_TRUE(pair);
  Launch launch;
  launch.slot = 5;
  launch.control_fd = pair->child.get();
  const auto pid = start_child("/nonexistent/txindexd", launch);
  ASSERT_TRUE(pid);
  EXPECT_EQ(WEXITSTATUS(wait_for(*pid)), kExitFailure);
  const auto received = receive_message(pair->supervisor.get());
  ASSERT_EQ(received.status, Received::Status::message);
  EXPECT_EQ(received.message.type, MessageType::failed);
  EXPECT_EQ(received.message.slot, 5);
  EXPECT_EQ(received.message.pid, *pid);
  EXPECT_EQ(received.message.value, kExitFailure);
  EXPECT_EQ(received.message.text,
            "cannot execute /nonexistent/txindexd: No such file or directory");
}

TEST(LaunchTest, ThePathOfThisProgramIsAbsolute) {
  const char* const argv[] = {"x", "--a", "b", nullptr};
  const auto program = this_program(3, argv);
  ASSERT_TRUE(program);
  EXPECT_EQ(program->path.front(), '/');
  EXPECT_NE(program->path.find("unit_tests"), std::string::npos);
  EXPECT_EQ(program->arguments, (std::vector<std::string>{"--a", "b"}));
}

TEST(LaunchTest, EndsAreDescribed) {
  Launch launch;
  launch.arguments = {"-c", "exit 3"};
  EXPECT_EQ(describe_end(wait_for(*start_child("/bin/sh", launch))), "exited with status 3");
  launch.arguments = {"-c", "kill -9 $$"};
  EXPECT_EQ(describe_end(wait_for(*start_child("/bin/sh", launch))),
            "was killed by signal 9 (Killed)");
}

TEST(SummaryTest, ItAddsUpTheSlotsAndNamesTheReasons) {
  auto segment = stats::Segment::create(3);
  ASSERT_TRUE(segment);
  EXPECT_EQ(summary(*segment, 3), "received 0, committed 0, duplicate 0, rejected 0; 0 restarts");
  using stats::Word;
  for (std::size_t slot = 0; slot < 3; ++slot) {
    auto& block = segment->block(slot, slot % stats::kSides);
    stats::set(block, Word::received, 10);
    stats::set(block, Word::outcome_committed, 5);
    stats::set(block, Word::outcome_duplicate, 2);
    stats::set(block, Word::outcome_malformed, 1);
    stats::set(block, Word::outcome_bad_signature, 2);
    stats::set(block, Word::restarts, 1);
  }
  EXPECT_EQ(summary(*segment, 2),
            "received 20, committed 10, duplicate 4, rejected 6 (malformed 2, bad signature 4); "
            "2 restarts");
}

}  // namespace
}  // namespace txindex::process

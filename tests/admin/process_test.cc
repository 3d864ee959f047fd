// The admin process and its supervisor: what it says, whose socket it serves on, how it ends.
#include "support/process.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "stats/block.h"
#include "stats/service.h"
#include "support/admin_process.h"
#include "support/http_exchange.h"

namespace txindex::test {
namespace {

using process::MessageType;
using process::Received;
using stats::Word;
using std::chrono::milliseconds;
using std::chrono::seconds;

class AdminProcessTest : public ::testing::Test {
 protected:
  stats::Block& block(std::size_t side) { return segment.block(stats::kAdminSlot, side); }
  stats::Segment segment = stats::Segment::create().value();
};

TEST_F(AdminProcessTest, ItDepositsItsSocketBeforeItIsReadyAndAnswers) {
  AdminProcess admin(segment);
  EXPECT_TRUE(admin.listener());
  EXPECT_EQ(http_get(admin.port(), "/healthz").body, "ok\n");
  EXPECT_TRUE(eventually([&] { return get(block(0), Word::loop_idle_us) > 0; }));
  EXPECT_GT(get(block(0), Word::heartbeat_us), 0u);
  EXPECT_EQ(get(block(0), Word::listeners), 1u);
  EXPECT_EQ(get(block(1), Word::heartbeat_us), 0u) << "it writes its own side only";
}

TEST_F(AdminProcessTest, ItEndsWhenItIsToldToOrNobodyIsThere) {
  const auto expect_end = [&](auto end) {
    AdminProcess admin(segment);
    HttpConnection open(admin.port());
    EXPECT_EQ(open.get("/healthz").status, 200);
    end(admin);
    EXPECT_EQ(admin.wait(), 0);
    EXPECT_TRUE(open.ends(seconds(5)));
  };
  expect_end([](AdminProcess& admin) { admin.send(MessageType::drain); });
  expect_end([](AdminProcess& admin) { kill(admin.pid(), SIGTERM); });
  expect_end([](AdminProcess& admin) { admin.abandon(); });
}

TEST_F(AdminProcessTest, AReplacementServesTheSameSocketAndNobodyIsRefusedBetweenThem) {
  AdminProcess first(segment);
  AdminProcess second(segment, {.side = 1, .listen_fd = first.listener().get()});
  EXPECT_FALSE(second.listener()) << "the supervisor has it already";
  first.send(MessageType::drain);
  EXPECT_EQ(first.wait(), 0);
  EXPECT_EQ(http_get(first.port(), "/healthz").body, "ok\n");

  kill(second.pid(), SIGKILL);
  EXPECT_EQ(second.wait(), 128 + SIGKILL);
  HttpConnection waiting(first.port());
  ASSERT_TRUE(waiting.send("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"));
  AdminProcess third(segment, {.side = 0, .listen_fd = first.listener().get()});
  EXPECT_EQ(waiting.read().body, "ok\n");
}

TEST_F(AdminProcessTest, AnAddressThatIsTakenIsRefusedByName) {
  AdminProcess first(segment);
  AdminProcess second(segment, {.listen = first.address(), .wait = false});
  const auto received = second.receive();
  ASSERT_EQ(received.status, Received::Status::message);
  EXPECT_EQ(received.message.type, MessageType::failed);
  EXPECT_EQ(received.message.text.rfind(first.address() + " is in use", 0), 0u)
      << received.message.text;
  EXPECT_EQ(received.message.value, 1);
  EXPECT_EQ(second.wait(), 1);
  EXPECT_EQ(http_get(first.port(), "/healthz").status, 200);
}

TEST_F(AdminProcessTest, AnAddressOfAnotherMachineIsRefusedByName) {
  AdminProcess admin(segment, {.listen = "192.0.2.1:0", .wait = false});
  EXPECT_EQ(admin.receive().message.text, "192.0.2.1:0 is no address of this machine");
  EXPECT_EQ(admin.wait(), 1);
}

TEST_F(AdminProcessTest, NamesFromTheConfigurationAreAnswered) {
  AdminProcess admin(segment, {.flags = {"--admin-hosts=indexer.example.org"}});
  HttpConnection connection(admin.port());
  connection.send("GET /healthz HTTP/1.1\r\nHost: indexer.example.org\r\n\r\n");
  EXPECT_EQ(connection.read().status, 200);
  connection.send("GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n");
  EXPECT_EQ(connection.read().status, 421);
}

// Everybody who could keep it waiting: a worker that hangs is nothing that it asks, and one that
// takes all cores has to share them.
TEST_F(AdminProcessTest, ItAnswersAtOnceWhileTheCoresAreTaken) {
  stats::set(segment.service(), stats::ServiceWord::worker_slots, 4);
  AdminProcess admin(segment);
  std::atomic<bool> stop = false;
  std::vector<std::thread> busy;
  for (unsigned i = 0; i < std::thread::hardware_concurrency(); ++i)
    busy.emplace_back([&] {
      while (!stop.load(std::memory_order_relaxed)) {
      }
    });
  HttpConnection connection(admin.port());
  std::vector<std::chrono::steady_clock::duration> took;
  for (int i = 0; i < 200; ++i) {
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_EQ(connection.get(i % 2 == 0 ? "/metrics" : "/status").status, 200);
    took.push_back(std::chrono::steady_clock::now() - begun);
  }
  stop = true;
  for (auto& thread : busy)
    thread.join();
  std::sort(took.begin(), took.end());
  EXPECT_LE(took[took.size() / 2], test::kAtOnce);
}

}  // namespace
}  // namespace txindex::test

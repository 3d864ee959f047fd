// Control messages: what is sent arrives, what is no message is refused, no descriptor is lost.
#include "process/control.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>

namespace txindex::process {
namespace {

using Status = Received::Status;

class ControlTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = make_control_pair();
    ASSERT_TRUE(made);
    pair = *std::move(made);
    descriptors_before = open_descriptors();
  }

  static std::ptrdiff_t open_descriptors() {
    using std::filesystem::directory_iterator;
    return std::distance(directory_iterator("/proc/self/fd"), directory_iterator());
  }

  int a() const { return pair.supervisor.get(); }
  int b() const { return pair.child.get(); }

  // Sends raw bytes and descriptors, as no honest peer would.
  void send_raw(const void* bytes, std::size_t count, const std::vector<int>& fds = {}) {
    iovec data{const_cast<void*>(bytes), count};
    msghdr header{};
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    std::vector<cmsghdr> space((CMSG_SPACE(fds.size() * sizeof(int)) / sizeof(cmsghdr)) + 1);
    if (!fds.empty()) {
      header.msg_control = space.data();
      header.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
      cmsghdr* part = CMSG_FIRSTHDR(&header);
      part->cmsg_level = SOL_SOCKET;
      part->cmsg_type = SCM_RIGHTS;
      part->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
      std::memcpy(CMSG_DATA(part), fds.data(), fds.size() * sizeof(int));
    }
    ASSERT_EQ(sendmsg(a(), &header, MSG_NOSIGNAL), static_cast<ssize_t>(count));
  }

  // The bytes of a valid message.
  std::array<std::uint8_t, 1024> valid_packet() {
    EXPECT_TRUE(send_message(a(), {.type = MessageType::ready, .slot = 1}));
    std::array<std::uint8_t, 1024> bytes{};
    EXPECT_EQ(recv(b(), bytes.data(), bytes.size(), 0), 1024);
    return bytes;
  }

  void expect_invalid(const std::string& why) {
    auto received = receive_message(b());
    EXPECT_EQ(received.status, Status::invalid);
    EXPECT_NE(received.problem.find(why), std::string::npos) << received.problem;
    EXPECT_FALSE(received.descriptor);
    EXPECT_EQ(open_descriptors(), descriptors_before) << "a descriptor leaked";
    // The connection is still of use.
    ASSERT_TRUE(send_message(a(), {.type = MessageType::drain}));
    EXPECT_EQ(receive_message(b()).message.type, MessageType::drain);
  }

  ControlPair pair;
  std::ptrdiff_t descriptors_before = 0;
};

TEST_F(ControlTest, AMessageArrivesAsItWasSent) {
  ASSERT_TRUE(send_message(b(), {MessageType::failed, 3, 4711, 1ull << 60, -5, "no database"}));
  const auto received = receive_message(a());
  ASSERT_EQ(received.status, Status::message) << received.problem;
  EXPECT_EQ(received.message.type, MessageType::failed);
  EXPECT_EQ(received.message.slot, 3);
  EXPECT_EQ(received.message.pid, 4711);
  EXPECT_EQ(received.message.generation, 1ull << 60);
  EXPECT_EQ(received.message.value, -5);
  EXPECT_EQ(received.message.text, "no database");
  EXPECT_FALSE(received.descriptor);
}

TEST_F(ControlTest, WithoutAMessageThereIsNothing) {
  EXPECT_EQ(receive_message(a()).status, Status::nothing);
}

TEST_F(ControlTest, MessagesKeepTheirOrderAndTheirBounds) {
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(send_message(a(), {.type = MessageType::ready, .slot = i}));
  }
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(receive_message(b()).message.slot, i);
  EXPECT_EQ(receive_message(b()).status, Status::nothing);
}

TEST_F(ControlTest, ALongTextIsCutOff) {
  ASSERT_TRUE(send_message(b(), {.type = MessageType::failed, .text = std::string(5000, 'x')}));
  EXPECT_EQ(receive_message(a()).message.text, std::string(kMessageTextMaxBytes, 'x'));
}

TEST_F(ControlTest, TheEndOfThePeerIsSeenAfterItsLastMessage) {
  ASSERT_TRUE(send_message(b(), {.type = MessageType::failed}));
  pair.child.reset();
  EXPECT_EQ(receive_message(a()).status, Status::message);
  EXPECT_EQ(receive_message(a()).status, Status::closed);
  EXPECT_FALSE(send_message(a(), {.type = MessageType::drain}));
}

TEST_F(ControlTest, APeerThatDiesWithMessagesUnreadIsGoneToo) {
  ASSERT_TRUE(send_message(a(), {.type = MessageType::drain}));
  pair.child.reset();
  EXPECT_EQ(receive_message(a()).status, Status::closed);
}

TEST_F(ControlTest, APeerThatDoesNotReadCannotBlockTheSender) {
  int sent = 0;
  while (sent < 100'000 && send_message(a(), {.type = MessageType::drain}))
    ++sent;
  EXPECT_LT(sent, 100'000);
}

TEST_F(ControlTest, BothEndsAreClosedOnExec) {
  EXPECT_TRUE(fcntl(a(), F_GETFD) & FD_CLOEXEC);
  EXPECT_TRUE(fcntl(b(), F_GETFD) & FD_CLOEXEC);
}

TEST_F(ControlTest, ADescriptorTravelsWithItsMessage) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
  ASSERT_TRUE(send_message(b(), {.type = MessageType::ready, .slot = 2}, ends[1]));
  close(ends[1]);
  auto received = receive_message(a());
  ASSERT_EQ(received.status, Status::message);
  EXPECT_EQ(received.message.slot, 2);
  ASSERT_TRUE(received.descriptor);
  EXPECT_TRUE(fcntl(received.descriptor.get(), F_GETFD) & FD_CLOEXEC);
  ASSERT_EQ(write(received.descriptor.get(), "x", 1), 1);
  char c = 0;
  EXPECT_EQ(read(ends[0], &c, 1), 1);
  EXPECT_EQ(c, 'x');
  close(ends[0]);
}

TEST_F(ControlTest, AListenerOutlivesTheProcessThatSentIt) {
  const pid_t child = fork();
  if (child == 0) {
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    const bool ok = listen(listener, 8) == 0 &&
                    send_message(b(), {.type = MessageType::ready}, listener).has_value();
    _exit(ok ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_EQ(status, 0);
  auto received = receive_message(a());
  ASSERT_TRUE(received.descriptor);
  int listening = 0;
  socklen_t size = sizeof(listening);
  ASSERT_EQ(getsockopt(received.descriptor.get(), SOL_SOCKET, SO_ACCEPTCONN, &listening, &size), 0);
  EXPECT_EQ(listening, 1);
}

TEST_F(ControlTest, AnotherVersionIsRefused) {
  auto packet = valid_packet();
  ++packet[0];
  send_raw(packet.data(), packet.size(), {0});
  expect_invalid("version 2 instead of 1");
  send_raw(packet.data(), 8);  // whatever its size may be
  expect_invalid("version 2 instead of 1");
  const std::vector<std::uint8_t> large(4096, 7);
  send_raw(large.data(), large.size());
  expect_invalid("version");
}

TEST_F(ControlTest, AnotherSizeIsRefused) {
  const auto packet = valid_packet();
  for (const std::size_t size :
       {std::size_t{1}, std::size_t{2}, std::size_t{31}, packet.size() - 1}) {
    send_raw(packet.data(), size);
    expect_invalid("another size");
  }
  std::vector<std::uint8_t> longer(packet.begin(), packet.end());
  longer.push_back(0);
  send_raw(longer.data(), longer.size());
  expect_invalid("another size");
}

TEST_F(ControlTest, UnknownTypesAndImpossibleLengthsAreRefused) {
  for (const auto type : std::array<std::uint8_t, 3>{0, 8, 255}) {
    auto packet = valid_packet();
    packet[2] = type;
    send_raw(packet.data(), packet.size());
    expect_invalid("unknown type");
  }
  auto packet = valid_packet();
  packet[14] = 1;  // text_bytes = 65536
  send_raw(packet.data(), packet.size());
  expect_invalid("longer than its packet");
}

TEST_F(ControlTest, MoreDescriptorsThanOneAreRefusedAndClosed) {
  const auto packet = valid_packet();
  for (std::size_t count = 2; count <= 10; ++count) {
    SCOPED_TRACE(count);
    send_raw(packet.data(), packet.size(), std::vector<int>(count, 0));
    expect_invalid("more descriptors");
  }
}

TEST_F(ControlTest, ADescriptorOfAnInvalidPacketIsClosed) {
  const auto packet = valid_packet();
  send_raw(packet.data(), 10, {0});
  expect_invalid("another size");
}

}  // namespace
}  // namespace txindex::process

// Connections on real loopback sockets whose seconds pass when the test says so.
#pragma once

#include "unit/connection_fixture.h"

namespace txindex::net {

class TimedConnectionTest : public ConnectionTest {
 protected:
  // As the worker does every second.
  void pass(int seconds) {
    on_loop([&] { pass_on_loop(seconds); });
  }
  void pass_on_loop(int seconds) {
    for (int s = 0; s < seconds; ++s)
      connections_->tend(now_ += 1'000'000);
  }
  // Sends, and returns when the server has read it.
  void send_and_wait(RawClient& client, const Sent& bytes) {
    const auto before = stat(stats::Word::received_bytes);
    client.send(bytes);
    ASSERT_TRUE(
        eventually([&] { return stat(stats::Word::received_bytes) == before + bytes.size(); }));
    on_loop([] {});
  }
  void expect_error(RawClient& client, std::uint16_t code, const std::string& text) {
    auto frame = client.receive_frame();
    while (frame && frame->type == 0x82)  // that the server lives
      frame = client.receive_frame();
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->type, 0x83);
    EXPECT_EQ(frame->body[0] | frame->body[1] << 8, code);
    EXPECT_EQ(text_of(*frame), text);
    EXPECT_FALSE(client.receive_frame());
  }
  void wait_for_connections(std::size_t count) {
    ASSERT_TRUE(eventually([&] { return stat(stats::Word::connections_open) == count; }));
  }
};

}  // namespace txindex::net

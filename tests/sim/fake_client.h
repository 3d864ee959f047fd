// A producer on a pair of local sockets: what it sends is laid down in the beginning, how much of
// it when, and when it reads, is the schedule's to say. It checks every answer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/chance.h"
#include "sim/fake_database.h"
#include "sim/fake_worker.h"
#include "sim/transactions.h"

namespace txindex::sim {

class FakeClient {
 public:
  // `socket` is the client's end, which it takes over.
  FakeClient(std::uint64_t name, int socket, Chance& chance, const Kinds& kinds,
             const FakeDatabase& database, const FakeWorker& worker);
  ~FakeClient();
  FakeClient(const FakeClient&) = delete;
  FakeClient& operator=(const FakeClient&) = delete;

  // From here on it sends all it has, reads, and leaves as one should.
  void behave() {
    leaves_abruptly_ = false;
    dawdles_ = false;
  }
  // Does something now and then only.
  bool dawdles() const { return dawdles_; }

  bool gone() const { return socket_ < 0; }
  bool can_write() const { return !gone() && !ended_ && !refuses_to_write_; }
  void write();
  // Whether there was anything to read.
  bool read();
  void maybe_vanish();
  // The server may have made room.
  void writable_again() { refuses_to_write_ = false; }

  // It got an answer for everything that it sent.
  bool answered_in_full() const { return answered_ == sent_.size(); }
  // Or was left by the server, because it took none of its last answers for long.
  bool vanished() const { return vanished_; }
  // It was over a deadline.
  bool told_late() const { return told_late_; }
  bool told_to_drain() const { return told_to_drain_; }
  std::size_t answered() const { return answered_; }
  std::size_t told_committed() const { return told_committed_; }

 private:
  void plan_frames();
  void plan_lines();
  std::size_t choose();
  void close();
  void take_frames();
  void take_lines();
  void take_ack(Bytes body);
  bool may_be_left() const;
  void take_reproach(std::string_view text);
  void answer(std::size_t which, wire::Outcome outcome);

  const std::uint64_t name_;
  int socket_;
  Chance& chance_;
  const Kinds& kinds_;
  const FakeDatabase& database_;
  const FakeWorker& worker_;
  const std::int64_t since_us_;
  const bool line_mode_;
  bool leaves_abruptly_;
  bool dawdles_;

  std::vector<std::size_t> sent_;  // the transactions, by number, in their order
  std::vector<std::uint8_t> out_;
  std::size_t written_ = 0;
  bool half_closes_ = false;
  bool ended_ = false;
  bool refuses_to_write_ = false;

  std::vector<std::uint8_t> in_;
  std::size_t answered_ = 0;
  std::size_t told_committed_ = 0;
  bool welcomed_ = false;
  bool told_to_drain_ = false;
  bool vanished_ = false;
  bool told_late_ = false;
  std::int64_t read_all_us_;  // when there was nothing more to read
};

}  // namespace txindex::sim

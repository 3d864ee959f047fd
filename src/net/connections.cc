#include "net/connections.h"

#include <boost/asio/post.hpp>

#include "flow/clock.h"
#include "net/connection.h"

namespace txindex::net {

Connections::Connections(boost::asio::io_context& loop, flow::Gate& gate, flow::ChunkPool& chunks,
                         Receiver& receiver, stats::Block& stats)
    : loop_(loop), gate_(gate), chunks_(chunks), receiver_(receiver), stats_(stats) {}

Connections::~Connections() = default;

void Connections::add(boost::asio::ip::tcp::socket socket) {
  auto connection = std::make_shared<Connection>(std::move(socket), *this);
  connections_.emplace(connection.get(), connection);
  stats::add(stats_, stats::Word::connections_accepted);
  stats::set(stats_, stats::Word::connections_open, connections_.size());
  connection->start();
  if (draining_) connection->drain();
}

void Connections::drain(std::function<void()> done) {
  draining_ = true;
  drained_ = std::move(done);
  std::vector<std::shared_ptr<Connection>> all;
  for (const auto& [key, connection] : connections_)
    all.push_back(connection);
  for (const auto& connection : all)
    connection->drain();
  if (connections_.empty()) boost::asio::post(loop_, drained_);
}

void Connections::mark(Connection& connection) {
  // Not every outcome comes with a batch: what is rejected at once must not wait for one.
  if (marked_.empty()) boost::asio::post(loop_, [this] { flush(); });
  marked_.push_back(connection.shared_from_this());
}

void Connections::flush() {
  flushing_.swap(marked_);
  for (const auto& connection : flushing_)
    connection->flush();
  flushing_.clear();
}

void Connections::tend() {
  const std::int64_t now = flow::steady_us();
  for (const auto& [key, connection] : connections_)
    connection->tend(now);
}

void Connections::remove(Connection& connection) {
  // Not now: the connection is in one of its own functions.
  boost::asio::post(loop_, [this, self = connection.shared_from_this()] {
    if (connections_.erase(self.get()) == 0) return;
    stats::set(stats_, stats::Word::connections_open, connections_.size());
    if (draining_ && connections_.empty()) drained_();
  });
}

}  // namespace txindex::net

#include "net/connections.h"

#include <boost/asio/post.hpp>

#include "log/log.h"
#include "net/connection.h"

namespace txindex::net {

Connections::Connections(boost::asio::io_context& loop, flow::Gate& gate, flow::ChunkPool& chunks,
                         Receiver& receiver, stats::Block& stats, ConnectionLimits limits,
                         Clocks clocks)
    : loop_(loop),
      gate_(gate),
      chunks_(chunks),
      receiver_(receiver),
      stats_(stats),
      limits_(limits),
      clocks_(std::move(clocks)) {}

Connections::~Connections() = default;

void Connections::add(boost::asio::ip::tcp::socket socket) {
  stats::add(stats_, stats::Word::connections_accepted);
  boost::system::error_code gone;
  const auto address = socket.remote_endpoint(gone).address();
  const auto key = AddressCounts::key_of(address);
  const bool admitted = addresses_.add(key, limits_.per_address);
  if (!admitted) {
    stats::add(stats_, stats::Word::connections_refused);
    log::event(log::Level::warning, "an address has too many connections; refused one more",
               {{"address", address.to_string()},
                {"limits.max_connections_per_address", limits_.per_address}});
    if (refusals_ >= limits::kRefusalsMax) return;
  }
  auto connection = std::make_shared<Connection>(std::move(socket), *this);
  connections_.emplace(connection.get(),
                       Entry{connection, admitted ? std::optional(key) : std::nullopt});
  stats::set(stats_, stats::Word::connections_open, connections_.size());
  connection->start();
  if (!admitted) {
    ++refusals_;
    return connection->refuse(wire::ErrorCode::too_many_connections,
                              std::to_string(limits_.per_address) +
                                  " connections from this address are all that a worker takes "
                                  "(limits.max_connections_per_address)");
  }
  if (draining_) connection->drain();
}

void Connections::drain(std::function<void()> done) {
  draining_ = true;
  drained_ = std::move(done);
  std::vector<std::shared_ptr<Connection>> all;
  for (const auto& [key, entry] : connections_)
    all.push_back(entry.connection);
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

void Connections::tend(std::int64_t now_steady_us) {
  worthless_ = 0;
  for (const auto& [key, entry] : connections_)
    entry.connection->tend(now_steady_us);
}

void Connections::remove(Connection& connection) {
  // Not now: the connection is in one of its own functions.
  boost::asio::post(loop_, [this, self = connection.shared_from_this()] {
    const auto at = connections_.find(self.get());
    if (at == connections_.end()) return;
    if (at->second.counted) {
      addresses_.remove(*at->second.counted);
    } else {
      --refusals_;
    }
    connections_.erase(at);
    stats::set(stats_, stats::Word::connections_open, connections_.size());
    if (draining_ && connections_.empty()) drained_();
  });
}

}  // namespace txindex::net

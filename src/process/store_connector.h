// How a worker gets its connections to the database: on a thread of its own, so that the event loop
// can be told to leave while the database does not answer.
#pragma once

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "txindex/result.h"

#include "stats/block.h"
#include "store/pg_store.h"

namespace txindex::process {

class StoreConnector {
 public:
  // For `count` stores. `stats` outlives them.
  StoreConnector(store::PgStore::Options options, int count, stats::Block& stats);
  ~StoreConnector() { join(); }
  StoreConnector(const StoreConnector&) = delete;
  StoreConnector& operator=(const StoreConnector&) = delete;

  // `on_connected` is called when every store has a connection, however long that takes. Unless
  // `patient`, `on_unusable` is called instead when the database would not serve now. Both on the
  // connector's thread; after stop() neither needs to come.
  void start(bool patient, std::function<void()> on_connected,
             std::function<void(const Failure&)> on_unusable);

  // Once they are connected: gives them away.
  std::vector<std::unique_ptr<store::Store>> take();

  // Ends waiting for the database, if it is waited for. Any thread but the connector's.
  void stop();
  void join();

 private:
  void connect(bool patient);

  const store::PgStore::Options options_;
  std::vector<std::unique_ptr<store::PgStore>> stores_;
  std::function<void()> on_connected_;
  std::function<void(const Failure&)> on_unusable_;
  std::thread thread_;
};

}  // namespace txindex::process

#include "process/store_connector.h"

#include <cstddef>
#include <utility>

namespace txindex::process {

StoreConnector::StoreConnector(store::PgStore::Options options, int count, stats::Block& stats)
    : options_(std::move(options)) {
  stores_.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i)
    stores_.push_back(std::make_unique<store::PgStore>(options_, stats));
}

void StoreConnector::start(bool patient, std::function<void()> on_connected,
                           std::function<void(const Failure&)> on_unusable) {
  on_connected_ = std::move(on_connected);
  on_unusable_ = std::move(on_unusable);
  thread_ = std::thread([this, patient] { connect(patient); });
}

void StoreConnector::connect(bool patient) {
  if (!patient) {
    // The service is being started: what is wrong with the database should end the attempt.
    if (const auto usable = store::PgStore::probe(options_); !usable)
      return on_unusable_(usable.error());
  }
  for (auto& store : stores_) {
    if (!store->connect()) return;
  }
  on_connected_();
}

std::vector<std::unique_ptr<store::Store>> StoreConnector::take() {
  std::vector<std::unique_ptr<store::Store>> connected;
  connected.reserve(stores_.size());
  for (auto& store : stores_)
    connected.push_back(std::move(store));
  stores_.clear();
  return connected;
}

void StoreConnector::stop() {
  for (auto& store : stores_)
    store->stop();
}

void StoreConnector::join() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace txindex::process

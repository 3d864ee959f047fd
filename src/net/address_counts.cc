#include "net/address_counts.h"

#include <algorithm>
#include <cassert>

namespace txindex::net {

AddressCounts::Key AddressCounts::key_of(const boost::asio::ip::address& address) {
  Key key{};
  const auto put = [&](std::uint8_t family, const std::uint8_t* first, std::size_t bytes) {
    key[0] = family;
    std::copy_n(first, bytes, key.begin() + 1);
  };
  if (address.is_v4()) {
    put(4, address.to_v4().to_bytes().data(), 4);
    return key;
  }
  const auto bytes = address.to_v6().to_bytes();
  address.to_v6().is_v4_mapped() ? put(4, bytes.data() + 12, 4) : put(6, bytes.data(), 8);
  return key;
}

bool AddressCounts::add(const Key& key, std::size_t most) {
  const auto [at, is_new] = counts_.try_emplace(key, 0);
  if (!is_new && at->second >= most) return false;
  ++at->second;
  return true;
}

void AddressCounts::remove(const Key& key) {
  const auto at = counts_.find(key);
  assert(at != counts_.end());
  if (--at->second == 0) counts_.erase(at);
}

}  // namespace txindex::net

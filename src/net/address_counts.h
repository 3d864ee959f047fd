// How many connections each client address has. No I/O.
//
// An IPv6 client chooses freely among the addresses of its network, so a /64 counts as one address;
// an IPv4 address written as IPv6 (::ffff:192.0.2.1) counts as what it is.
#pragma once

#include <array>
#include <boost/asio/ip/address.hpp>
#include <cstddef>
#include <cstdint>
#include <map>

namespace txindex::net {

class AddressCounts {
 public:
  using Key = std::array<std::uint8_t, 9>;  // 4 or 6, then what counts of the address

  static Key key_of(const boost::asio::ip::address& address);

  // False: it has `most` already, and none was added.
  bool add(const Key& key, std::size_t most);
  void remove(const Key& key);

  std::size_t addresses() const { return counts_.size(); }

 private:
  std::map<Key, std::size_t> counts_;
};

}  // namespace txindex::net

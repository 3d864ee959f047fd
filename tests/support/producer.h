// What the tests of the client share: a client and all that it reported.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "txindex/client.h"

namespace txindex::test {

using namespace std::chrono_literals;
using wire::Buffer;
using wire::Outcome;

// A transaction is its number and some filling.
inline Buffer numbered(std::uint64_t number, std::size_t size = 60) {
  Buffer bytes(size, 0xcc);
  for (std::size_t i = 0; i < 8; ++i)
    bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return bytes;
}

inline std::uint64_t number_of(Bytes body) {
  const auto tx = wire::parse_tx(body);
  return wire::load<std::uint64_t>(tx->transaction.data());
}

// A client and all that it reported, which must be in order and once each.
struct Producer {
  explicit Producer(std::uint16_t port, Client::Options options = quick())
      : client(at(port, std::move(options)), [this](std::uint64_t ordinal, Outcome outcome) {
          EXPECT_EQ(ordinal, outcomes.size());
          outcomes.push_back(outcome);
        }) {}
  Producer(const Producer&) = delete;

  static Client::Options quick() {
    Client::Options options;
    options.backoff_min = 1ms;
    options.backoff_max = 20ms;
    options.give_up_after = 20s;
    return options;
  }
  static Client::Options at(std::uint16_t port, Client::Options options) {
    options.port = port;
    return options;
  }

  result<void> send(std::uint64_t count, std::size_t size = 60) {
    for (std::uint64_t i = 0; i < count; ++i) {
      const Buffer bytes = numbered(submitted, size);
      if (auto ok = client.submit({.chain = 1, .time_us = {}, .slot = {}, .transaction = bytes});
          !ok) {
        return ok;
      }
      ++submitted;
    }
    return {};
  }

  std::vector<Outcome> outcomes;
  std::uint64_t submitted = 0;
  Client client;
};

inline std::string message(const result<void>& r) {
  return r ? "no failure" : r.error().message;
}

}  // namespace txindex::test

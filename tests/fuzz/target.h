// What a fuzz target is: a function over bytes from outside that aborts when something does not
// hold that must hold for all bytes. One a file:
//
//   TXINDEX_FUZZ_TARGET(journal) { ... input ... }
//
// The fuzz build makes a libFuzzer program of each; the ordinary build puts all into one test,
// which runs them over the corpora (corpus_test.cc).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "txindex/bytes.h"

namespace txindex::fuzz {

// Aborts, and says what does not hold.
void require(bool holds, const char* what);

// No log but of what is critical: it is the normal state here that input is wrong.
void be_quiet();

using Target = void (*)(Bytes input);
std::map<std::string, Target>& targets();

struct Registration {
  Registration(const char* name, Target target) { targets()[name] = target; }
};

}  // namespace txindex::fuzz

#ifdef TXINDEX_LIBFUZZER
#define TXINDEX_FUZZ_TARGET(name)                                                     \
  static void name##_target(txindex::Bytes);                                          \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { \
    txindex::fuzz::be_quiet();                                                        \
    name##_target(txindex::Bytes(data, size));                                        \
    return 0;                                                                         \
  }                                                                                   \
  static void name##_target(txindex::Bytes input)
#else
#define TXINDEX_FUZZ_TARGET(name)                                                     \
  static void name##_target(txindex::Bytes);                                          \
  static const txindex::fuzz::Registration name##_registration(#name, name##_target); \
  static void name##_target(txindex::Bytes input)
#endif

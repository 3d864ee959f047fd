// Signatures that are valid, signatures that nearly are, and all that is written in ways which some
// verifiers accept and others refuse: each by a few choices, which a random engine makes, or a
// fuzzer's bytes.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "support/choices.h"
#include "support/ed25519_signing.h"

namespace txindex::test {

enum class CaseKind : std::uint8_t {
  by_libsodium,     // signed with crypto_sign_detached
  by_scalars,       // S = r + h a
  mixed_order,      // points of small order added to A, R or both, which cancel each other
  residue,          // they do not, but for a verifier that multiplies by the cofactor
  flipped_key,      // one bit
  flipped_r,        // one bit
  flipped_s,        // one bit
  flipped_message,  // one bit, or a byte more
  moved_part,       // the key, R, S or message of the one before; or R and S exchanged
  small_key,        // of small order, however written; most satisfy the equation
  small_r,          // as well
  s_plus_order,     // S + kL, which is the same scalar
  extreme_s,        // 0, 1, 2^k, 2^k - 1, or L and its neighbours
  extreme_point,    // y of A or R near 0, p, 2^255, or with limbs of only ones or zeros
  small_scalars,    // a and r tiny, or the opposite of that: sums that are doublings, or neutral
  runs,             // of ones or zeros written over a part
  garbage,          // one part, or all, is any bytes
};
inline constexpr std::size_t kCaseKinds = 17;

enum class Validity : std::uint8_t {
  always,
  never,   // but by a chance that nobody has met
  either,  // as the choices fall
};
struct KindOfCase {
  std::string_view name;
  Validity validity;
};
const KindOfCase& describe(CaseKind kind);

struct MadeCase {
  SignatureCase parts;
  CaseKind kind;
};

// Not for more than one thread.
class CaseMaker {
 public:
  // Keys and commitments are taken from a few whose secret scalars are known, so that a signature
  // costs no multiplication of a point; these are chosen here.
  explicit CaseMaker(Choices& choices);

  MadeCase make(Choices& choices);

 private:
  using Value = std::vector<std::uint8_t>;
  struct Known {
    Value scalar;
    Value point;        // scalar B
    Value mixed;        // the same, and a point of order 8 so many times
    std::size_t times;  // 1 to 7
  };

  Known known(Choices& choices) const;
  MadeCase of_kind(CaseKind kind, Choices& choices);
  SignatureCase signed_one(Choices& choices) const;
  MadeCase with_torsion(Choices& choices, bool cancelled) const;
  SignatureCase with_small_order(Choices& choices, bool is_key) const;
  SignatureCase of_small_scalars(Choices& choices) const;
  SignatureCase moved(Choices& choices) const;
  SignatureCase by_libsodium(Choices& choices) const;

  struct Pair {
    std::array<std::uint8_t, 32> key;
    std::array<std::uint8_t, 64> secret;
  };
  std::vector<Value> torsion_ = test::torsion();
  std::vector<Value> extremes_;
  std::vector<Known> keys_;
  std::vector<Known> commitments_;
  std::vector<Known> small_;        // scalars
  std::vector<Known> small_order_;  // the scalar is 0
  std::vector<Pair> pairs_;
  SignatureCase before_;
};

}  // namespace txindex::test

#include "support/ed25519_cases.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

#include "support/ed25519_damage.h"

namespace txindex::test {
namespace {

using Value = std::vector<std::uint8_t>;

constexpr std::size_t kMessageMax = 1300;  // bytes
constexpr std::size_t kKnown = 24;
constexpr std::size_t kPairs = 6;
constexpr std::size_t kSmallScalars = 12;

constexpr KindOfCase kKinds[kCaseKinds] = {
    {"signed by libsodium", Validity::always},
    {"signed with scalars", Validity::always},
    {"mixed order, cancelled", Validity::always},
    {"mixed order, a residue", Validity::never},
    {"a bit of the key", Validity::never},
    {"a bit of R", Validity::never},
    {"a bit of S", Validity::never},
    {"a bit of the message", Validity::never},
    {"a part of another", Validity::either},
    {"key of small order", Validity::never},
    {"R of small order", Validity::never},
    {"S + kL", Validity::never},
    {"extreme S", Validity::never},
    {"extreme point", Validity::never},
    {"small scalars", Validity::always},
    {"runs of bits", Validity::either},
    {"garbage", Validity::never},
};

// How many of each are made, of 64. Half are valid: those cost a verifier most, and tell most.
constexpr std::uint8_t kShares[kCaseKinds] = {2, 16, 8, 6, 2, 2, 2, 2, 4, 3, 3, 2, 2, 2, 4, 2, 2};

CaseKind chosen_kind(Choices& choices) {
  std::size_t at = choices.below(64);
  for (std::size_t kind = 0; kind + 1 < kCaseKinds; ++kind) {
    if (at < kShares[kind]) return static_cast<CaseKind>(kind);
    at -= kShares[kind];
  }
  return static_cast<CaseKind>(kCaseKinds - 1);
}

Value scalar(Choices& choices) {
  Value result(32);
  crypto_core_ed25519_scalar_reduce(result.data(), bytes(choices, 64).data());
  return result;
}

// Mostly as long as those of transactions. Of a few bytes that are chosen, repeated.
Value message(Choices& choices) {
  const std::size_t longest = choices.below(4) == 0 ? kMessageMax : 300;
  Value result(choices.below(longest + 1));
  const std::size_t first = std::min<std::size_t>(result.size(), 8);
  choices.fill(std::span(result).first(first));
  for (std::size_t i = first; i < result.size(); ++i)
    result[i] = static_cast<std::uint8_t>(std::size_t{result[i - 8]} * 5 + i);
  return result;
}

// A, or R: scalar B + times T, for a point T of order 8.
struct Part {
  const Value* scalar;
  const Value* point;
  std::size_t times;
};
template <class Known>
Part plain(const Known& known) {
  return {&known.scalar, &known.point, 0};
}
template <class Known>
Part mixed(const Known& known) {
  return {&known.scalar, &known.mixed, known.times};
}

// S B - h A - R = -(h i + j) T, for A with i T and R with j T. Of messages near to this one, the
// first that makes it neutral if that is wanted; where they cannot cancel each other they do not.
MadeCase sign_mixed(const Part& a, const Part& r, Value message, bool cancelled) {
  SignatureCase one{*a.point, {}, std::move(message)};
  cancelled = cancelled && r.times % std::gcd(a.times, std::size_t{8}) == 0;
  for (;;) {
    const Value h = signature_hash(*r.point, one.key, one.message);
    const bool holds = (h[0] * a.times + r.times) % 8 == 0;
    if (holds || !cancelled) {
      one.signature = signature_of(*a.scalar, *r.scalar, *r.point, h);
      return {one, holds ? CaseKind::mixed_order : CaseKind::residue};
    }
    // One message in eight will do, or more.
    if (one.message.empty()) one.message.push_back(0);
    ++one.message.front();
  }
}

}  // namespace

const KindOfCase& describe(CaseKind kind) {
  return kKinds[static_cast<std::size_t>(kind)];
}

CaseMaker::CaseMaker(Choices& choices) : extremes_(extreme_coordinates()) {
  for (std::size_t i = 0; i < kKnown; ++i) {
    keys_.push_back(known(choices));
    commitments_.push_back(known(choices));
  }
  for (std::size_t i = 0; i < kSmallScalars; ++i) {
    // 1 to 6 and their opposites.
    Value a(32);
    a[0] = static_cast<std::uint8_t>(i / 2 + 1);
    if (i % 2 == 1) crypto_core_ed25519_scalar_negate(a.data(), a.data());
    small_.push_back({a, times_base(a), {}, 0});
  }
  for (const char* small : kSmallOrder) {
    const Value point = from_hex(small);
    const auto times = std::ranges::find(torsion_, sum(point, torsion_[0])) - torsion_.begin();
    small_order_.push_back({Value(32), torsion_[0], point, static_cast<std::size_t>(times)});
  }
  pairs_.resize(kPairs);
  for (Pair& pair : pairs_)
    crypto_sign_seed_keypair(pair.key.data(), pair.secret.data(), bytes(choices, 32).data());
  before_ = signed_one(choices);
}

CaseMaker::Known CaseMaker::known(Choices& choices) const {
  Known result;
  result.scalar = scalar(choices);
  result.point = times_base(result.scalar);
  result.times = 1 + choices.below(7);
  result.mixed = sum(result.point, torsion_[result.times]);
  return result;
}

MadeCase CaseMaker::make(Choices& choices) {
  MadeCase made = of_kind(chosen_kind(choices), choices);
  before_ = made.parts;
  return made;
}

SignatureCase CaseMaker::signed_one(Choices& choices) const {
  const Known& a = one_of(keys_, choices);
  const Known& r = one_of(commitments_, choices);
  return sign(a.scalar, a.point, r.scalar, r.point, message(choices));
}

MadeCase CaseMaker::with_torsion(Choices& choices, bool cancelled) const {
  const Known& a = one_of(keys_, choices);
  const Known& r = one_of(commitments_, choices);
  const std::size_t where = choices.below(3);
  return sign_mixed(where != 1 ? mixed(a) : plain(a), where != 0 ? mixed(r) : plain(r),
                    message(choices), cancelled);
}

SignatureCase CaseMaker::with_small_order(Choices& choices, bool is_key) const {
  const Known& small = one_of(small_order_, choices);
  const Known& other = one_of(is_key ? commitments_ : keys_, choices);
  Part another = plain(other);
  switch (choices.below(4)) {
    case 0:
      another = mixed(other);
      break;
    case 1:
      another = mixed(one_of(small_order_, choices));
      break;
    default:
      break;
  }
  const bool cancelled = choices.below(4) != 0;
  return sign_mixed(is_key ? mixed(small) : another, is_key ? another : mixed(small),
                    message(choices), cancelled)
      .parts;
}

SignatureCase CaseMaker::of_small_scalars(Choices& choices) const {
  const Known& small = one_of(small_, choices);
  switch (choices.below(3)) {
    case 0: {
      const Known& a = one_of(keys_, choices);
      return sign(a.scalar, a.point, small.scalar, small.point, message(choices));
    }
    case 1: {
      const Known& r = one_of(commitments_, choices);
      return sign(small.scalar, small.point, r.scalar, r.point, message(choices));
    }
    default: {
      const Known& r = one_of(small_, choices);
      return sign(small.scalar, small.point, r.scalar, r.point, message(choices));
    }
  }
}

SignatureCase CaseMaker::moved(Choices& choices) const {
  SignatureCase one = signed_one(choices);
  SignatureCase other = before_;
  const std::size_t number = choices.below(5);
  if (number < 3) {
    std::ranges::copy(part(other, number), part(one, number).begin());
  } else if (number == 3) {
    one.message = other.message;
  } else {
    std::ranges::swap_ranges(part(one, 1), part(one, 2));
  }
  return one;
}

SignatureCase CaseMaker::by_libsodium(Choices& choices) const {
  const Pair& pair = one_of(pairs_, choices);
  SignatureCase one{Value(pair.key.begin(), pair.key.end()), Value(64), message(choices)};
  crypto_sign_detached(one.signature.data(), nullptr, one.message.data(), one.message.size(),
                       pair.secret.data());
  return one;
}

MadeCase CaseMaker::of_kind(CaseKind kind, Choices& choices) {
  switch (kind) {
    case CaseKind::by_libsodium:
      return {by_libsodium(choices), kind};
    case CaseKind::mixed_order:
    case CaseKind::residue:
      return with_torsion(choices, kind == CaseKind::mixed_order);
    case CaseKind::moved_part:
      return {moved(choices), kind};
    case CaseKind::small_key:
    case CaseKind::small_r:
      return {with_small_order(choices, kind == CaseKind::small_key), kind};
    case CaseKind::small_scalars:
      return {of_small_scalars(choices), kind};
    default:
      break;
  }
  SignatureCase one = signed_one(choices);
  switch (kind) {
    case CaseKind::flipped_key:
      flip(one.key, 0, 32, choices);
      break;
    case CaseKind::flipped_r:
      flip(one.signature, 0, 32, choices);
      break;
    case CaseKind::flipped_s:
      flip(one.signature, 32, 32, choices);
      break;
    case CaseKind::flipped_message:
      if (one.message.empty()) {
        one.message.push_back(0);
      } else {
        flip(one.message, 0, one.message.size(), choices);
      }
      break;
    case CaseKind::s_plus_order: {
      const Value order = from_hex(kGroupOrder);
      Value s(one.signature.begin() + 32, one.signature.end());
      for (std::size_t k = 1 + choices.below(14); k > 0; --k)
        s = add(s, order);
      set_s(one, s);
      break;
    }
    case CaseKind::extreme_s:
      set_s(one, extreme_s(choices));
      break;
    case CaseKind::extreme_point: {
      Value point = one_of(extremes_, choices);
      point[31] = static_cast<std::uint8_t>(point[31] | choices.below(2) << 7);
      std::ranges::copy(point, part(one, choices.below(2)).begin());
      break;
    }
    case CaseKind::runs:
      write_run(one, choices);
      break;
    case CaseKind::garbage: {
      const std::size_t number = choices.below(4);
      for (std::size_t i = 0; i < 3; ++i) {
        if (number == 3 || number == i) choices.fill(part(one, i));
      }
      break;
    }
    default:
      break;
  }
  return {one, kind};
}

}  // namespace txindex::test

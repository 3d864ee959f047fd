// The number is held in limbs of the base to which it goes: encoding multiplies limbs of base 58^5
// by 2^32 and adds 32 bits, decoding multiplies limbs of base 2^32 by 58^5 and adds 5 characters.
// Both products fit 64 bits, and there are 25 and more times fewer of them than if single
// characters and single bytes met.
#include "chain/base58.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace txindex::chain::base58 {
namespace {

constexpr std::string_view kAlphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
static_assert(kAlphabet.size() == 58);

constexpr std::size_t kLimbCharacters = 5;
constexpr std::uint32_t kLimbBase = 58 * 58 * 58 * 58 * 58;
constexpr std::size_t kMaxText = max_text_size(kMaxBytes);
constexpr std::size_t kMaxLimbs = (kMaxText + kLimbCharacters - 1) / kLimbCharacters;
constexpr std::size_t kMaxWords = kMaxBytes / 4;
static_assert(kMaxBytes % 4 == 0);

constexpr std::uint8_t kInvalid = 0xff;

constexpr std::array<std::uint8_t, 256> kDigitOf = [] {
  std::array<std::uint8_t, 256> digits{};
  digits.fill(kInvalid);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    digits[static_cast<std::uint8_t>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return digits;
}();

// Limbs or words of one number, the least significant first; unused ones are not initialised.
template <std::size_t N>
struct Number {
  std::array<std::uint32_t, N> limbs;
  std::size_t size = 0;

  void multiply_add(std::uint64_t factor, std::uint64_t base, std::uint64_t carry) {
    for (std::size_t i = 0; i < size; ++i) {
      carry += limbs[i] * factor;
      limbs[i] = static_cast<std::uint32_t>(carry % base);
      carry /= base;
    }
    while (carry != 0) {
      assert(size < N);
      limbs[size++] = static_cast<std::uint32_t>(carry % base);
      carry /= base;
    }
  }
};

std::size_t leading_zeros(Bytes bytes) {
  const auto end = std::find_if(bytes.begin(), bytes.end(), [](std::uint8_t b) { return b != 0; });
  return static_cast<std::size_t>(end - bytes.begin());
}

std::uint32_t load_big_endian(Bytes bytes) {
  std::uint32_t value = 0;
  for (const std::uint8_t byte : bytes)
    value = value << 8 | byte;
  return value;
}

}  // namespace

std::size_t encode(Bytes bytes, std::span<char> out) {
  assert(bytes.size() <= kMaxBytes && out.size() >= max_text_size(bytes.size()));
  const std::size_t zeros = leading_zeros(bytes);
  Bytes rest = bytes.subspan(zeros);

  Number<kMaxLimbs> number;
  while (!rest.empty()) {
    // The first word takes what the others, of four bytes, leave over.
    const std::size_t take = (rest.size() - 1) % 4 + 1;
    number.multiply_add(1ULL << 32, kLimbBase, load_big_endian(rest.first(take)));
    rest = rest.subspan(take);
  }

  std::array<char, kMaxLimbs * kLimbCharacters> digits;
  std::size_t begin = digits.size();
  for (std::size_t i = 0; i < number.size; ++i) {
    std::uint32_t limb = number.limbs[i];
    for (std::size_t k = 0; k < kLimbCharacters; ++k) {
      digits[--begin] = kAlphabet[limb % 58];
      limb /= 58;
    }
  }
  while (begin < digits.size() && digits[begin] == kAlphabet[0])
    ++begin;

  const std::size_t length = zeros + digits.size() - begin;
  assert(length <= out.size());
  std::fill_n(out.begin(), zeros, kAlphabet[0]);
  std::copy(digits.begin() + static_cast<std::ptrdiff_t>(begin), digits.end(),
            out.begin() + static_cast<std::ptrdiff_t>(zeros));
  return length;
}

std::string encode(Bytes bytes) {
  std::array<char, kMaxText> text;
  return {text.data(), encode(bytes, text)};
}

std::optional<std::size_t> decode(std::string_view text, std::span<std::uint8_t> out) {
  const std::size_t room = std::min(out.size(), kMaxBytes);
  const std::size_t ones = std::min(text.find_first_not_of(kAlphabet[0]), text.size());
  if (ones > room) return std::nullopt;
  std::string_view rest = text.substr(ones);
  // Too many digits for the room: refused before the work is done, and before a limb too many.
  if (rest.size() > max_text_size(room - ones)) return std::nullopt;

  // One word more than fits: a number of the greatest length can be over the greatest value.
  Number<kMaxWords + 1> number;
  while (!rest.empty()) {
    const std::size_t take = (rest.size() - 1) % kLimbCharacters + 1;
    std::uint32_t limb = 0;
    for (const char c : rest.substr(0, take)) {
      const std::uint8_t digit = kDigitOf[static_cast<std::uint8_t>(c)];
      if (digit == kInvalid) return std::nullopt;
      limb = limb * 58 + digit;
    }
    number.multiply_add(kLimbBase, 1ULL << 32, limb);
    rest.remove_prefix(take);
  }

  std::array<std::uint8_t, (kMaxWords + 1) * 4> bytes;
  std::size_t begin = bytes.size();
  for (std::size_t i = 0; i < number.size; ++i) {
    for (int shift = 0; shift < 32; shift += 8) {
      bytes[--begin] = static_cast<std::uint8_t>(number.limbs[i] >> shift);
    }
  }
  const Bytes value = Bytes(bytes).subspan(begin);
  const Bytes significant = value.subspan(leading_zeros(value));
  if (ones + significant.size() > room) return std::nullopt;
  std::fill_n(out.begin(), ones, std::uint8_t{0});
  std::copy(significant.begin(), significant.end(),
            out.begin() + static_cast<std::ptrdiff_t>(ones));
  return ones + significant.size();
}

bool decode_exact(std::string_view text, std::span<std::uint8_t> out) {
  return decode(text, out) == out.size();
}

}  // namespace txindex::chain::base58

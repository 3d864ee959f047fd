#include "fuzz/session_reading.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>

#include "support/solana_reading.h"

namespace txindex::fuzz {
namespace {

using wire::Outcome;
using namespace std::string_literals;
using namespace std::string_view_literals;

constexpr std::size_t kFrameMost = 32'768;
constexpr std::size_t kLineMost = 8'192;
constexpr std::size_t kTokenMost = 1'024;

// Little-endian; the bytes are there.
std::uint64_t number(Bytes bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;)
    value = value * 256 + bytes[i];
  return value;
}

std::string base58(Bytes bytes) {
  constexpr auto kDigits = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"sv;
  std::vector<std::size_t> digits;  // the lowest first
  for (const std::uint8_t byte : bytes) {
    std::size_t carry = byte;
    for (auto& digit : digits) {
      carry += digit * 256;
      digit = carry % 58;
      carry /= 58;
    }
    for (; carry > 0; carry /= 58)
      digits.push_back(carry % 58);
  }
  for (std::size_t i = 0; i < bytes.size() && bytes[i] == 0; ++i)
    digits.push_back(0);
  std::string text;
  for (std::size_t i = digits.size(); i-- > 0;)
    text += kDigits[digits[i]];
  return text;
}

// Padded, and no bit set that stands for nothing.
std::optional<std::vector<std::uint8_t>> base64(std::string_view text) {
  constexpr auto kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"sv;
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && text.ends_with('=')) {
    text.remove_suffix(1);
    ++padding;
  }
  std::vector<std::uint8_t> bytes;
  unsigned bits = 0;
  unsigned waiting = 0;
  for (const char c : text) {
    const auto digit = kDigits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = (bits * 64 + static_cast<unsigned>(digit)) % 65'536;
    waiting += 6;
    if (waiting < 8) continue;
    waiting -= 8;
    bytes.push_back(static_cast<std::uint8_t>(bits >> waiting));
  }
  const bool nothing_left = bits % (1U << waiting) == 0;
  return nothing_left && padding == (3 - bytes.size() % 3) % 3 ? std::optional(bytes)
                                                               : std::nullopt;
}

// Of a transaction that breaks a rule of Solana.
Outcome fault_of(Bytes raw) {
  if (raw.size() > 4'096) return Outcome::too_large;
  if (raw.empty()) return Outcome::malformed;
  if (raw[0] >= 128) return raw[0] <= 129 ? Outcome::malformed : Outcome::unsupported;
  if (raw.size() > 1'232) return Outcome::too_large;
  // Behind the signatures stands the version of the message, which is 0 or none.
  const std::size_t message = 1 + std::size_t{64} * raw[0];
  const bool signatures = raw[0] >= 1 && raw[0] <= 12 && message < raw.size();
  return signatures && raw[message] > 128 ? Outcome::unsupported : Outcome::malformed;
}

class Server {
 public:
  explicit Server(const ServerRules& rules) : rules_(rules) {}

  Told told;

  void frames(Bytes stream) {
    bool hello = false;
    while (stream.size() >= 4) {
      const std::uint64_t length = number(stream.first(4));
      if (length == 0 || length > kFrameMost) return error(2);
      if (stream.size() - 4 < length) return;
      const std::uint8_t type = stream[4];
      const Bytes body = stream.subspan(5, length - 1);
      stream = stream.subspan(4 + length);
      if (hello == (type == 1)) return error(4);
      unsigned problem = 0;
      if (type == 1) {
        problem = fault_of_hello(body);
        hello = true;
        if (problem == 0) told.frames.push_back("\x81\x01\0\x80\0\0\0\x20\0\0\0\0\x80\0\0\0\0\0"s);
      } else if (type == 2) {
        problem = take(body);
      } else if (type == 3) {
        problem = body.size() == 8 ? 0 : 2;
        if (problem == 0) told.frames.push_back("\x84" + std::string(as_text(body)));
      } else if (type == 4 && body.empty()) {
        return;
      } else {
        problem = type == 4 ? 2 : 3;
      }
      if (problem != 0) return error(problem);
    }
  }

  void lines(std::string_view rest) {
    bool first = true;
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      std::string_view line = rest.substr(0, end);
      rest.remove_prefix(std::min(rest.size(), line.size() + 1));
      if (line.size() > kLineMost) return told.lines.push_back("error");
      // What no LF ends is a line as it is.
      if (end != std::string_view::npos && line.ends_with('\r')) line.remove_suffix(1);
      if (line.empty()) continue;
      const bool token = first && line.starts_with("token ");
      first = false;
      if (!token) told.lines.push_back(answer_to(line));
    }
  }

  void error(unsigned code) {
    told.frames.push_back("\x83" + std::string(1, static_cast<char>(code)) + '\0');
  }

 private:
  static unsigned fault_of_hello(Bytes body) {
    if (!body.empty() && body[0] != 1) return 5;
    if (body.size() < 3) return 2;
    const std::uint64_t token = number(body.subspan(1, 2));
    return token <= kTokenMost && token == body.size() - 3 ? 0 : 2;
  }

  // A TX frame; not 0: what is wrong with it as a frame.
  unsigned take(Bytes body) {
    if (body.size() < 2 || body[1] > 3) return 2;
    const bool has_time = body[1] % 2 == 1;
    const bool has_slot = body[1] >= 2;
    const std::size_t head = 2 + (has_time ? 8U : 0U) + (has_slot ? 8U : 0U);
    if (body.size() < head) return 2;
    auto time_us = rules_.now_us;
    if (has_time) time_us = static_cast<std::int64_t>(number(body.subspan(2, 8)));
    const std::uint64_t slot = has_slot ? number(body.subspan(head - 8, 8)) : 0;
    told.outcomes.push_back(judge(body[0], time_us, slot, body.subspan(head)));
    return 0;
  }

  Outcome judge(std::uint8_t chain, std::int64_t time_us, std::uint64_t slot, Bytes raw) {
    if (chain != 1) return Outcome::unsupported;
    if (raw.size() > 4'096) return Outcome::too_large;
    if (time_us > rules_.now_us + rules_.max_future_us ||
        time_us < rules_.now_us - rules_.max_age_us) {
      return Outcome::time_out_of_range;
    }
    if (slot >> 63 != 0) return Outcome::malformed;
    const auto transaction = test::read_solana(raw);
    if (!transaction) return fault_of(raw);
    if (store_refuses(transaction->addresses.at(0))) return Outcome::refused_by_database;
    txid_ = transaction->signatures.at(0);
    return stored_.emplace(as_text(txid_)).second ? Outcome::committed : Outcome::duplicate;
  }

  std::string answer_to(std::string_view line) {
    constexpr std::string_view kReasons[] = {"committed",          "duplicate",   "malformed",
                                             "bad_signature",      "unsupported", "too_large",
                                             "refused_by_database"};
    const auto raw = base64(line);
    const Outcome outcome = raw ? judge(1, rules_.now_us, 0, *raw) : Outcome::malformed;
    const std::string reason(kReasons[static_cast<std::size_t>(outcome)]);
    return outcome > Outcome::duplicate ? "rejected " + reason : reason + " " + base58(txid_);
  }

  const ServerRules rules_;
  std::set<std::string> stored_;
  Bytes txid_;
};

}  // namespace

Told expected_answers(Bytes stream, const ServerRules& rules) {
  constexpr auto kPreface = "\0TXI"sv;
  Server server(rules);
  const std::string_view text = as_text(stream);
  if (text.empty()) return {};
  if (text.starts_with(kPreface)) {
    server.frames(stream.subspan(kPreface.size()));
  } else if (text[0] == '\0') {
    if (!kPreface.starts_with(text)) server.error(1);
  } else if ((text[0] >= ' ' && text[0] <= '~') || (text[0] >= '\t' && text[0] <= '\r')) {
    server.lines(text);
  } else {
    server.error(1);
  }
  return server.told;
}

}  // namespace txindex::fuzz

#include "access/tokens.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "txindex/limits.h"
#include "txindex/stats_layout.h"

#include "config/units.h"
#include "text/hex.h"

namespace txindex::access {
namespace {

constexpr std::string_view kHashPrefix = "sha256:";
constexpr std::string_view kDomain = "txi1";
constexpr std::uint64_t kRateMax = 1'000'000'000;
constexpr std::uint64_t kVolumeMax = std::uint64_t{1} << 33;
// A volume lets at least some transactions through at once.
constexpr std::uint64_t kVolumeBurstMin = 64 * limits::kKiB;

std::optional<Hash> parse_hash(std::string_view text) {
  if (!text.starts_with(kHashPrefix)) return std::nullopt;
  text.remove_prefix(kHashPrefix.size());
  Hash hash;
  if (text.size() != 2 * hash.size()) return std::nullopt;
  for (std::size_t i = 0; i < hash.size(); ++i) {
    const char* digits = text.data() + 2 * i;
    const auto [end, error] = std::from_chars(digits, digits + 2, hash[i], 16);
    if (error != std::errc() || end != digits + 2) return std::nullopt;
  }
  return hash;
}

std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t most) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || at != end || value == 0 || value > most) return std::nullopt;
  return value;
}

// "1000/s" without its unit.
std::optional<std::string_view> per_second(std::string_view text) {
  if (!text.ends_with("/s")) return std::nullopt;
  return text.substr(0, text.size() - 2);
}

// One word behind the hash; empty, or why it cannot be taken.
std::string read_limit(std::string_view word, Token& token) {
  const auto equals = std::min(word.find('='), word.size());
  const std::string_view key = word.substr(0, equals);
  const std::string_view value = word.substr(std::min(equals + 1, word.size()));
  if (key == "rate") {
    const auto text = per_second(value);
    const auto rate = text ? parse_number(*text, kRateMax) : std::nullopt;
    if (!rate) return "rate= takes transactions a second, such as rate=1000/s";
    token.rate.per_second = *rate;
    return {};
  }
  if (key == "burst") {
    const auto burst = parse_number(value, kRateMax);
    if (!burst) return "burst= takes a number of transactions, such as burst=5000";
    token.rate.burst = *burst;
    return {};
  }
  if (key == "volume") {
    const auto text = per_second(value);
    const auto volume = text ? config::parse_size(*text) : std::nullopt;
    if (!volume || *volume == 0 || *volume > kVolumeMax)
      return "volume= takes bytes a second, such as volume=1MiB/s";
    token.volume = {*volume, std::max(*volume, kVolumeBurstMin)};
    return {};
  }
  return "behind the hash there may be rate=N/s, burst=N and volume=SIZE/s";
}

// Empty, or why the line is none.
std::string read_line(std::string_view line, Token& token) {
  std::istringstream words{std::string(line)};
  std::string hash;
  words >> token.name >> hash;
  if (const auto problem = name_problem(token.name); !problem.empty()) return std::string(problem);
  const auto parsed = parse_hash(hash);
  if (!parsed) {
    return "behind the name there has to be a hash, sha256: and 64 hexadecimal digits; "
           "`txindex token NAME` makes such a line";
  }
  token.hash = *parsed;
  for (std::string word; words >> word;) {
    if (auto problem = read_limit(word, token); !problem.empty()) return problem;
  }
  if (token.rate.burst != 0 && token.rate.per_second == 0) return "burst= needs rate=";
  if (token.rate.burst == 0) token.rate.burst = token.rate.per_second;
  return {};
}

}  // namespace

Hash hash_of(std::string_view token) {
  std::string text(kDomain);
  text += token;
  Hash hash;
  if (EVP_Digest(text.data(), text.size(), hash.data(), nullptr, EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("OpenSSL has no SHA-256");
  OPENSSL_cleanse(text.data(), text.size());
  return hash;
}

std::string to_string(const Hash& hash) {
  return std::string(kHashPrefix) + text::hex(hash);
}

std::string make_token() {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::array<std::uint8_t, 32> bytes;
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    throw std::runtime_error("OpenSSL has no random numbers");
  std::string text;
  std::uint32_t bits = 0;
  int have = 0;
  for (const std::uint8_t byte : bytes) {
    bits = bits << 8 | byte;
    for (have += 8; have >= 6; have -= 6)
      text += kDigits[bits >> (have - 6) & 63];
  }
  text += kDigits[bits << (6 - have) & 63];
  return text;
}

std::string_view name_problem(std::string_view name) {
  const bool good = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-';
  });
  if (good && !name.empty() && name.size() <= stats::kTokenNameMaxBytes) return {};
  return "a name has 1 to 32 of A-Z, a-z, 0-9, '.', '_' and '-'";
}

result<std::vector<Token>> parse_tokens(std::string_view text, const std::string& file) {
  std::vector<Token> tokens;
  std::istringstream lines{std::string(text)};
  int number = 0;
  const auto wrong = [&](const std::string& why) {
    return configuration_failure("tokens: " + file + ":" + std::to_string(number) + ": " + why);
  };
  for (std::string line; std::getline(lines, line);) {
    ++number;
    const auto begin = line.find_first_not_of(" \t\r");
    if (begin == std::string::npos || line[begin] == '#') continue;
    Token token;
    if (const auto problem = read_line(line, token); !problem.empty()) return wrong(problem);
    for (const auto& other : tokens) {
      if (other.name == token.name) return wrong("the name " + token.name + " is there twice");
      if (other.hash == token.hash)
        return wrong(token.name + " has the same token as " + other.name);
    }
    if (tokens.size() == limits::kTokensMax)
      return wrong("more than " + std::to_string(limits::kTokensMax) + " tokens");
    tokens.push_back(std::move(token));
  }
  return tokens;
}

result<std::vector<Token>> read_tokens(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  if (in.peek() != std::ifstream::traits_type::eof()) text << in.rdbuf();
  // A folder can be opened, and not read.
  if (!in.is_open() || in.bad() || ::access(file.c_str(), R_OK) != 0) {
    return configuration_failure("tokens: " + file + ": cannot be read: " + std::strerror(errno));
  }
  return parse_tokens(text.str(), file);
}

std::optional<std::size_t> find_token(const std::vector<Token>& tokens, std::string_view token) {
  const Hash hash = hash_of(token);
  std::size_t found = tokens.size();
  // To the end, whatever was found: the time tells nothing of where.
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const bool equal = CRYPTO_memcmp(tokens[i].hash.data(), hash.data(), hash.size()) == 0;
    found = equal ? i : found;
  }
  if (found == tokens.size()) return std::nullopt;
  return found;
}

}  // namespace txindex::access

// Producers' tokens: the file that lists them, and finding out whose a token is.
//
//   file = lines; empty ones and those that begin with # are passed over
//   line = NAME HASH [rate=N/s] [burst=N] [volume=SIZE/s]
//
// NAME   1 to 32 of A-Z a-z 0-9 . _ -; it stands for the token in logs and metrics
// HASH   sha256: and 64 hexadecimal digits, as hash_of() makes it
// rate   transactions a second, of all connections with the token together
// burst  transactions at once before the rate holds; as many as in one second if not given
// volume bytes of transactions a second, with a unit or without (1MiB/s)
//
// Why a fast hash is right here: passwords need slow, salted ones because they can be guessed. A
// token is 32 random bytes: there is nothing to guess, from however many hashes, and a slow hash
// would let strangers keep the server busy. The prefix that is hashed with it keeps the hashes
// apart from any others of the same bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "txindex/result.h"

#include "access/bucket.h"

namespace txindex::access {

using Hash = std::array<std::uint8_t, 32>;

Hash hash_of(std::string_view token);
// As it stands in the file.
std::string to_string(const Hash& hash);

// A new token: 43 characters of base64url.
std::string make_token();

struct Token {
  std::string name;
  Hash hash{};
  Limit rate;    // transactions
  Limit volume;  // bytes
};

// Why a name cannot be one; empty: it can.
std::string_view name_problem(std::string_view name);

// At most limits::kTokensMax. A failure is an error of the configuration that names the file and
// the line; never a token, in case one was put where its hash belongs.
result<std::vector<Token>> parse_tokens(std::string_view text, const std::string& file);
result<std::vector<Token>> read_tokens(const std::string& file);

// The place of the one whose token this is. Takes the same time for every token, right or wrong, of
// the same length.
std::optional<std::size_t> find_token(const std::vector<Token>& tokens, std::string_view token);

}  // namespace txindex::access

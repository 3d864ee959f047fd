#include "support/solana_builder.h"

#include <sodium.h>

namespace txindex::test {
namespace {

template <typename Range>
void append(Blob& out, const Range& range) {
  out.insert(out.end(), range.begin(), range.end());
}

template <typename Integer>
void append_little_endian(Blob& out, Integer value) {
  for (std::size_t i = 0; i < sizeof(value); ++i) {
    out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  }
}

SolanaAddress seed_of(std::uint64_t number, std::uint8_t purpose) {
  SolanaAddress seed{};
  for (std::size_t i = 0; i < 8; ++i)
    seed[i] = static_cast<std::uint8_t>(number >> (8 * i));
  seed[8] = purpose;
  SolanaAddress hash;
  crypto_generichash(hash.data(), hash.size(), seed.data(), seed.size(), nullptr, 0);
  return hash;
}

std::uint8_t u8(std::size_t value) {
  return static_cast<std::uint8_t>(value);
}

std::vector<SolanaAddress> accounts_of(const SolanaTransaction& tx) {
  if (tx.accounts) return *tx.accounts;
  std::vector<SolanaAddress> all;
  for (const SolanaKey& key : tx.signers)
    all.push_back(key.address);
  all.insert(all.end(), tx.others.begin(), tx.others.end());
  return all;
}

void append_header(Blob& out, const SolanaTransaction& tx) {
  out.push_back(tx.required_signatures.value_or(u8(tx.signers.size())));
  out.push_back(tx.readonly_signed);
  out.push_back(tx.readonly_unsigned);
}

Blob legacy_or_v0_message(const SolanaTransaction& tx) {
  Blob out;
  if (tx.version == 0 || tx.version_byte) out.push_back(tx.version_byte.value_or(0x80));
  append_header(out, tx);
  const auto accounts = accounts_of(tx);
  append(out, tx.account_count.value_or(compact_u16(accounts.size())));
  for (const SolanaAddress& account : accounts)
    append(out, account);
  append(out, tx.blockhash);
  append(out, tx.instruction_count.value_or(compact_u16(tx.instructions.size())));
  for (const SolanaInstruction& instruction : tx.instructions) {
    out.push_back(instruction.program);
    append(out, instruction.account_count.value_or(compact_u16(instruction.accounts.size())));
    append(out, instruction.accounts);
    append(out, instruction.data_count.value_or(compact_u16(instruction.data.size())));
    append(out, instruction.data);
  }
  if (tx.version != 0) return out;
  append(out, tx.lookup_count.value_or(compact_u16(tx.lookups.size())));
  for (const SolanaLookup& lookup : tx.lookups) {
    append(out, lookup.table);
    append(out, compact_u16(lookup.writable.size()));
    append(out, lookup.writable);
    append(out, compact_u16(lookup.readonly.size()));
    append(out, lookup.readonly);
  }
  return out;
}

Blob v1_message(const SolanaTransaction& tx) {
  Blob out = {tx.version_byte.value_or(0x81)};
  append_header(out, tx);
  const SolanaConfig& config = tx.config;
  const std::uint32_t mask =
      (config.priority_fee ? 0b11U : 0U) | (config.compute_unit_limit ? 0b100U : 0U) |
      (config.loaded_accounts_data_limit ? 0b1000U : 0U) | (config.heap_bytes ? 0b10000U : 0U);
  append_little_endian(out, config.mask.value_or(mask));
  append(out, tx.blockhash);
  const auto accounts = accounts_of(tx);
  append(out, tx.instruction_count.value_or(Blob{u8(tx.instructions.size())}));
  append(out, tx.account_count.value_or(Blob{u8(accounts.size())}));
  for (const SolanaAddress& account : accounts)
    append(out, account);
  if (config.priority_fee) append_little_endian(out, *config.priority_fee);
  if (config.compute_unit_limit) append_little_endian(out, *config.compute_unit_limit);
  if (config.loaded_accounts_data_limit) {
    append_little_endian(out, *config.loaded_accounts_data_limit);
  }
  if (config.heap_bytes) append_little_endian(out, *config.heap_bytes);
  for (const SolanaInstruction& instruction : tx.instructions) {
    out.push_back(instruction.program);
    out.push_back(u8(instruction.accounts.size()));
    append_little_endian(out, static_cast<std::uint16_t>(instruction.data.size()));
  }
  for (const SolanaInstruction& instruction : tx.instructions) {
    append(out, instruction.accounts);
    append(out, instruction.data);
  }
  return out;
}

}  // namespace

SolanaKey solana_key(std::uint64_t number) {
  const SolanaAddress seed = seed_of(number, 'k');
  SolanaKey key;
  crypto_sign_seed_keypair(key.address.data(), key.secret.data(), seed.data());
  return key;
}

SolanaAddress solana_address(std::uint64_t number) {
  return seed_of(number, 'a');
}

Blob compact_u16(std::size_t value) {
  Blob out;
  for (; value > 0x7f; value >>= 7)
    out.push_back(u8((value & 0x7f) | 0x80));
  out.push_back(u8(value));
  return out;
}

Blob SolanaTransaction::message() const {
  return version == 1 ? v1_message(*this) : legacy_or_v0_message(*this);
}

Blob SolanaTransaction::bytes() const {
  const Blob covered = message();
  Blob signatures;
  for (const SolanaKey& key : signers) {
    std::array<std::uint8_t, 64> signature;
    crypto_sign_detached(signature.data(), nullptr, covered.data(), covered.size(),
                         key.secret.data());
    append(signatures, signature);
  }
  Blob out;
  if (version == 1) {
    out = covered;
    append(out, signatures);
  } else {
    out = signature_count.value_or(compact_u16(signers.size()));
    append(out, signatures);
    append(out, covered);
  }
  append(out, after_the_end);
  return out;
}

const chain::Codec& solana_codec() {
  return *chain::find_codec(1);
}

SolanaTransaction solana_transfer(int version, std::uint64_t number) {
  SolanaTransaction tx;
  tx.version = version;
  tx.signers = {solana_key(number)};
  tx.others = {solana_address(number), SolanaAddress{}};  // the system program is all zeros
  tx.readonly_unsigned = 1;
  tx.blockhash = solana_address(number + 1'000'000);
  SolanaInstruction transfer{.program = 2, .accounts = {0, 1}, .data = {2, 0, 0, 0}};
  append_little_endian(transfer.data, number);
  tx.instructions = {transfer};
  return tx;
}

SolanaTransaction solana_mixture(int version, std::uint64_t number) {
  SolanaTransaction tx = solana_transfer(version, number);
  tx.signers.push_back(solana_key(number + 1'000));
  tx.signers.push_back(solana_key(number + 2'000));
  tx.readonly_signed = 1;
  tx.others = {solana_address(number), solana_address(number + 1), solana_address(number + 2),
               solana_address(number + 3)};
  tx.readonly_unsigned = 2;
  tx.instructions = {{.program = 5, .accounts = {0, 1, 2, 3}, .data = Blob(130, 7)},
                     {.program = 6, .accounts = {}, .data = {}},
                     {.program = 5, .accounts = {4, 4}, .data = {1}}};
  if (version == 0) {
    tx.lookups = {{.table = solana_address(number + 4), .writable = {0, 200}, .readonly = {1}},
                  {.table = solana_address(number + 5), .writable = {}, .readonly = {255}}};
    tx.instructions[1].accounts = {7, 10};
  }
  if (version == 1) {
    tx.config = {.priority_fee = number,
                 .compute_unit_limit = 200'000,
                 .loaded_accounts_data_limit = 0,
                 .heap_bytes = 64 * 1024};
  }
  return tx;
}

}  // namespace txindex::test

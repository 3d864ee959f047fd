#include "tools/gen_transactions.h"

#include <sodium.h>

#include <algorithm>
#include <string>
#include <thread>

namespace txindex::tools {
namespace {

using wire::Buffer;

constexpr std::size_t kSignatureBytes = crypto_sign_BYTES;
constexpr std::array<std::uint8_t, 32> kSystemProgram = {};  // 11111111111111111111111111111111
// MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr
constexpr std::array<std::uint8_t, 32> kMemoProgram = {
    0x05, 0x4a, 0x53, 0x5a, 0x99, 0x29, 0x21, 0x06, 0x4d, 0x24, 0xe8, 0x71, 0x60, 0xda, 0x38, 0x7c,
    0x7c, 0x35, 0xb5, 0xdd, 0xbc, 0x92, 0xbb, 0x81, 0xe4, 0x1f, 0xa8, 0x40, 0x41, 0x05, 0x44, 0x8d};
constexpr std::uint8_t kV0Byte = 0x80;
constexpr std::uint8_t kV1Byte = 0x81;
// Transactions in a row have the same recent block hash, as on the chain.
constexpr std::uint64_t kTransactionsPerBlock = 1000;

// SplitMix64's finaliser: neighbours come out far apart.
std::uint64_t scatter(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

void add(Buffer& out, Bytes bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}
void add(Buffer& out, std::initializer_list<std::uint8_t> bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

// The system program's Transfer: u32 2, u64 lamports.
constexpr std::uint8_t kTransferDataBytes = 12;
void add_transfer_data(Buffer& out, std::uint64_t lamports) {
  wire::append(out, std::uint32_t{2});
  wire::append(out, lamports);
}

// An instruction as legacy and v0 have it. All counts here are below 128, so one byte each.
void add_transfer(Buffer& out, std::uint8_t program, std::uint8_t from, std::uint8_t to,
                  std::uint64_t lamports) {
  add(out, {program, 2, from, to, kTransferDataBytes});
  add_transfer_data(out, lamports);
}

}  // namespace

Kind kind_of(std::uint64_t index, Mix mix) {
  if (mix == Mix::transfer) return Kind::transfer;
  const std::uint64_t of_100 = scatter(index) % 100;
  if (of_100 < 84) return Kind::transfer;
  if (of_100 < 90) return Kind::memo;
  if (of_100 < 94) return Kind::two_signers;
  return of_100 < 98 ? Kind::v0 : Kind::v1;
}

TransactionMaker::TransactionMaker(std::uint64_t seed, std::uint32_t accounts, Mix mix,
                                   unsigned threads, std::size_t bytes)
    : seed_(seed), mix_(mix), bytes_(bytes), accounts_(std::max(accounts, 1U)) {
  const auto make_every = [this](std::size_t first, std::size_t step) {
    for (std::size_t i = first; i < accounts_.size(); i += step) {
      const PublicKey secret_seed = derive("account", i);
      crypto_sign_seed_keypair(accounts_[i].address.data(), accounts_[i].secret.data(),
                               secret_seed.data());
    }
  };
  std::vector<std::jthread> makers;
  threads = std::max(threads, 1U);
  for (unsigned i = 0; i < threads; ++i)
    makers.emplace_back(make_every, i, threads);
}

TransactionMaker::PublicKey TransactionMaker::derive(std::string_view purpose,
                                                     std::uint64_t n) const {
  Buffer input;
  add(input, as_bytes("txindex gen "));
  add(input, as_bytes(purpose));
  wire::append(input, seed_);
  wire::append(input, n);
  PublicKey out;
  crypto_generichash(out.data(), out.size(), input.data(), input.size(), nullptr, 0);
  return out;
}

TransactionMaker::Parties TransactionMaker::parties(std::uint64_t index) const {
  const std::size_t payer = index % accounts_.size();
  std::size_t second = scatter(index ^ seed_) % accounts_.size();
  if (second == payer) second = (second + 1) % accounts_.size();
  return {accounts_[payer], accounts_[second],
          // With one account only, somebody else must be paid.
          second == payer ? derive("payee", 0) : accounts_[second].address,
          derive("block", index / kTransactionsPerBlock),
          // What makes each one different.
          index + 1};
}

void TransactionMaker::append(std::uint64_t index, Buffer& out) const {
  const Parties p = parties(index);
  Kind kind = bytes_ == 0                               ? kind_of(index, mix_)
              : bytes_ <= limits::kSolanaPacketMaxBytes ? Kind::memo
                                                        : Kind::v1;
  if (kind == Kind::two_signers && accounts_.size() == 1) kind = Kind::transfer;
  thread_local Buffer message;
  message.clear();
  switch (kind) {
    case Kind::transfer:
      append_legacy(p, message);
      break;
    case Kind::memo:
      append_memo(p, index, message);
      break;
    case Kind::two_signers:
      append_two_signers(p, message);
      break;
    case Kind::v0:
      append_v0(p, message);
      break;
    case Kind::v1:
      append_v1(p, index, message);
      break;
  }

  std::array<std::uint8_t, 2 * kSignatureBytes> signatures;
  const std::size_t count = kind == Kind::two_signers ? 2 : 1;
  for (std::size_t i = 0; i < count; ++i) {
    const Account& signer = i == 0 ? p.payer : p.second;
    crypto_sign_detached(signatures.data() + i * kSignatureBytes, nullptr, message.data(),
                         message.size(), signer.secret.data());
  }
  const Bytes signed_by = Bytes(signatures).first(count * kSignatureBytes);
  if (kind == Kind::v1) {
    add(out, message);
    add(out, signed_by);
  } else {
    out.push_back(static_cast<std::uint8_t>(count));
    add(out, signed_by);
    add(out, message);
  }
}

// `others` are the bytes of the transaction that are not in the memo. A memo of 128 bytes or more
// has two for its length, in every version.
std::string TransactionMaker::memo(std::uint64_t index, std::size_t others) const {
  std::string text = "invoice " + std::to_string(index);
  if (bytes_ != 0) text.resize(bytes_ - others, '.');
  return text;
}

// Header: required signatures, of which readonly; readonly accounts that do not sign.
void TransactionMaker::append_legacy(const Parties& p, Buffer& message) const {
  add(message, {1, 0, 1, 3});
  add(message, p.payer.address);
  add(message, p.payee);
  add(message, kSystemProgram);
  add(message, p.blockhash);
  add(message, {1});
  add_transfer(message, 2, 0, 1, p.lamports);
}

void TransactionMaker::append_memo(const Parties& p, std::uint64_t index, Buffer& message) const {
  add(message, {1, 0, 2, 4});
  add(message, p.payer.address);
  add(message, p.payee);
  add(message, kSystemProgram);
  add(message, kMemoProgram);
  add(message, p.blockhash);
  add(message, {2});
  add_transfer(message, 2, 0, 1, p.lamports);
  add(message, {3, 0});
  const std::string text = memo(index, 1 + kSignatureBytes + message.size() + 2);
  if (text.size() < 0x80) {
    message.push_back(static_cast<std::uint8_t>(text.size()));
  } else {
    add(message, {static_cast<std::uint8_t>(text.size() | 0x80),
                  static_cast<std::uint8_t>(text.size() >> 7)});
  }
  add(message, as_bytes(text));
}

// One pays the fee, another the amount: both must sign.
void TransactionMaker::append_two_signers(const Parties& p, Buffer& message) const {
  add(message, {2, 0, 1, 4});
  add(message, p.payer.address);
  add(message, p.second.address);
  add(message, derive("payee", p.lamports % 100));
  add(message, kSystemProgram);
  add(message, p.blockhash);
  add(message, {1});
  add_transfer(message, 3, 1, 2, p.lamports);
}

// The payee comes from a lookup table: its index follows those of the static accounts.
void TransactionMaker::append_v0(const Parties& p, Buffer& message) const {
  add(message, {kV0Byte, 1, 0, 1, 2});
  add(message, p.payer.address);
  add(message, kSystemProgram);
  add(message, p.blockhash);
  add(message, {1});
  add_transfer(message, 1, 0, 2, p.lamports);
  const auto writable = static_cast<std::uint8_t>(p.lamports % 250);
  const auto readonly = static_cast<std::uint8_t>(writable + 1);
  add(message, {1});
  add(message, derive("table", p.lamports % 10));
  add(message, {1, writable, 1, readonly});
}

// SIMD-0385: heads of all instructions first, then what they hold; the signatures come last.
void TransactionMaker::append_v1(const Parties& p, std::uint64_t index, Buffer& message) const {
  constexpr std::uint32_t kPriorityFeeAndUnitLimit = 0b111;
  add(message, {kV1Byte, 1, 0, 2});
  wire::append(message, kPriorityFeeAndUnitLimit);
  add(message, p.blockhash);
  add(message, {2, 4});
  add(message, p.payer.address);
  add(message, p.payee);
  add(message, kSystemProgram);
  add(message, kMemoProgram);
  wire::append(message, std::uint64_t{5000});   // priority fee, lamports
  wire::append(message, std::uint32_t{20000});  // compute units
  add(message, {2, 2});
  wire::append(message, std::uint16_t{kTransferDataBytes});
  add(message, {3, 0});
  const std::string text =
      memo(index, message.size() + 2 + 2 + kTransferDataBytes + kSignatureBytes);
  wire::append(message, static_cast<std::uint16_t>(text.size()));
  add(message, {0, 1});
  add_transfer_data(message, p.lamports);
  add(message, as_bytes(text));
}

}  // namespace txindex::tools

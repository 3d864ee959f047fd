#include "chain/solana/draft.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "txindex/limits.h"

namespace txindex::chain::solana {
namespace {

// What a transaction has room for: the duplicate check compares every pair, which is the quickest
// way up to here and must stay cheaper than a signature check at the worst.
constexpr std::size_t kStaticAccountsMax = 64;
static_assert(limits::kSolanaPacketMaxBytes / kAddressBytes <= kStaticAccountsMax);
static_assert(kV1AddressesMax <= kStaticAccountsMax);

template <typename Column>
Range end_of(const Column& column) {
  return {static_cast<std::uint32_t>(column.size()), 0};
}

template <typename Column>
void cut(Column& column, Range range) {
  column.erase(column.begin() + range.begin, column.end());
}

std::uint8_t roles_of(std::size_t index, std::size_t accounts, const Header& header) {
  std::uint8_t roles = index == 0 ? kFeePayer : 0;
  bool writable = false;
  if (index < header.required_signatures) {
    roles |= kSigner;
    writable = index + header.readonly_signed < header.required_signatures;
  } else {
    writable = index + header.readonly_unsigned < accounts;
  }
  if (writable) roles |= kWritable;
  return roles;
}

}  // namespace

Draft::Draft(Bytes raw, TransactionTable& table) : table_(table) {
  transaction_.chain = ChainId::solana;
  transaction_.raw = raw;
  transaction_.signatures = end_of(table.signatures);
  transaction_.accounts = end_of(table.accounts);
  transaction_.instructions = end_of(table.instructions);
  transaction_.lookups = end_of(table.lookups);
}

Draft::~Draft() {
  if (kept_) return;
  cut(table_.signatures, transaction_.signatures);
  cut(table_.accounts, transaction_.accounts);
  cut(table_.instructions, transaction_.instructions);
  cut(table_.lookups, transaction_.lookups);
}

Verdict Draft::add_accounts(const Header& header, Bytes addresses) {
  const std::size_t count = addresses.size() / kAddressBytes;
  if (header.required_signatures > count) return &kSignersOverAccounts;
  if (std::size_t{header.required_signatures} + header.readonly_unsigned > count) {
    return &kReadonlyOverAccounts;
  }
  if (header.readonly_signed >= header.required_signatures) return &kFeePayerReadonly;

  for (std::size_t i = 0; i < count; ++i) {
    table_.accounts.push_back(
        {addresses.subspan(i * kAddressBytes, kAddressBytes), roles_of(i, count, header)});
  }
  transaction_.accounts.count = static_cast<std::uint32_t>(count);
  transaction_.fee_payer = addresses.first(kAddressBytes);
  return has_duplicate_accounts() ? &kDuplicateAccount : nullptr;
}

bool Draft::has_duplicate_accounts() const {
  const auto accounts = table_.accounts_of(transaction_);
  assert(accounts.size() <= kStaticAccountsMax);
  std::array<std::uint64_t, kStaticAccountsMax> heads;
  for (std::size_t i = 0; i < accounts.size(); ++i) {
    const std::uint8_t* const address = accounts[i].address.data();
    std::memcpy(&heads[i], address, sizeof(heads[i]));
    for (std::size_t k = 0; k < i; ++k) {
      if (heads[k] == heads[i] &&
          std::memcmp(accounts[k].address.data(), address, kAddressBytes) == 0) {
        return true;
      }
    }
  }
  return false;
}

void Draft::add_signatures(Bytes signatures) {
  const std::size_t count = signatures.size() / kSignatureBytes;
  assert(count >= 1 && count <= transaction_.accounts.count);
  const auto accounts = table_.accounts_of(transaction_);
  for (std::size_t i = 0; i < count; ++i) {
    table_.signatures.push_back(
        {accounts[i].address, signatures.subspan(i * kSignatureBytes, kSignatureBytes)});
  }
  transaction_.signatures.count = static_cast<std::uint32_t>(count);
  transaction_.txid = signatures.first(kSignatureBytes);
}

Verdict Draft::add_instruction(std::uint8_t program, Bytes accounts, Bytes data) {
  if (program == 0) return &kProgramIsFeePayer;
  if (program >= transaction_.accounts.count) return &kProgramNotStatic;
  if (accounts.size() > kInstructionAccountsMax) return &kTooManyInstructionAccounts;
  for (const std::uint8_t index : accounts) {
    accounts_named_ = std::max<std::size_t>(accounts_named_, index + std::size_t{1});
  }
  table_.accounts[transaction_.accounts.begin + program].roles |= kProgram;
  table_.instructions.push_back({program, accounts, data});
  ++transaction_.instructions.count;
  return nullptr;
}

Verdict Draft::add_lookup(Bytes table, Bytes writable, Bytes readonly) {
  if (writable.empty() && readonly.empty()) return &kEmptyLookup;
  looked_up_accounts_ += writable.size() + readonly.size();
  table_.lookups.push_back({table, writable, readonly});
  ++transaction_.lookups.count;
  return nullptr;
}

Verdict Draft::check_totals() const {
  const std::size_t total = transaction_.accounts.count + looked_up_accounts_;
  if (total > kAccountsMax) return &kTooManyAccounts;
  if (accounts_named_ > total) return &kAccountIndex;
  return nullptr;
}

void Draft::keep() {
  table_.transactions.push_back(transaction_);
  kept_ = true;
}

}  // namespace txindex::chain::solana

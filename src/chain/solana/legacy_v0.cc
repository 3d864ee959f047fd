#include "chain/solana/cursor.h"
#include "chain/solana/formats.h"

namespace txindex::chain::solana {
namespace {

// A version byte, if there is one, and the three counts. A legacy message begins with its count
// of signatures, which never has the high bit.
Verdict read_header(Cursor& in, Header& header, std::int8_t& version) {
  std::uint8_t first = 0;
  if (const Verdict why = in.u8(first)) return why;
  version = Transaction::kLegacy;
  if ((first & kVersionBit) != 0) {
    if (first != kV0Byte) return &kUnknownMessageVersion;
    version = 0;
    if (const Verdict why = in.u8(first)) return why;
  }
  header.required_signatures = first;
  if (const Verdict why = in.u8(header.readonly_signed)) return why;
  return in.u8(header.readonly_unsigned);
}

Verdict read_instructions(Cursor& in, Draft& draft) {
  std::size_t count = 0;
  if (const Verdict why = in.compact_u16(count)) return why;
  if (count > kInstructionsMax) return &kTooManyInstructions;
  for (; count > 0; --count) {
    std::uint8_t program = 0;
    Bytes accounts;
    Bytes data;
    if (const Verdict why = in.u8(program)) return why;
    if (const Verdict why = in.counted_bytes(accounts)) return why;
    if (const Verdict why = in.counted_bytes(data)) return why;
    if (const Verdict why = draft.add_instruction(program, accounts, data)) return why;
  }
  return nullptr;
}

Verdict read_lookups(Cursor& in, Draft& draft) {
  std::size_t count = 0;
  if (const Verdict why = in.compact_u16(count)) return why;
  for (; count > 0; --count) {
    Bytes table;
    Bytes writable;
    Bytes readonly;
    if (const Verdict why = in.bytes(kAddressBytes, table)) return why;
    if (const Verdict why = in.counted_bytes(writable)) return why;
    if (const Verdict why = in.counted_bytes(readonly)) return why;
    if (const Verdict why = draft.add_lookup(table, writable, readonly)) return why;
  }
  return nullptr;
}

}  // namespace

Verdict parse_legacy_or_v0(Bytes raw, Draft& draft) {
  Cursor in(raw);

  std::uint8_t signature_count = 0;  // a compact-u16 that is too small for a second byte
  Bytes signatures;
  if (const Verdict why = in.u8(signature_count)) return why;
  if (signature_count == 0) return &kNoSignatures;
  if (signature_count > kSignaturesMax) return &kTooManySignatures;
  if (const Verdict why = in.bytes(signature_count * kSignatureBytes, signatures)) return why;

  const std::size_t message_begin = in.position();
  Header header;
  std::int8_t version = Transaction::kLegacy;
  if (const Verdict why = read_header(in, header, version)) return why;
  if (header.required_signatures != signature_count) return &kSignatureCount;
  draft.set_version(version);

  std::size_t address_count = 0;
  Bytes addresses;
  if (const Verdict why = in.compact_u16(address_count)) return why;
  if (const Verdict why = in.bytes(address_count * kAddressBytes, addresses)) return why;
  if (const Verdict why = draft.add_accounts(header, addresses)) return why;
  draft.add_signatures(signatures);

  Bytes blockhash;
  if (const Verdict why = in.bytes(kBlockhashBytes, blockhash)) return why;
  draft.set_recent_blockhash(blockhash);

  if (const Verdict why = read_instructions(in, draft)) return why;
  if (version == 0) {
    if (const Verdict why = read_lookups(in, draft)) return why;
  }
  if (const Verdict why = in.end()) return why;
  draft.set_message(in.since(message_begin));
  return draft.check_totals();
}

}  // namespace txindex::chain::solana

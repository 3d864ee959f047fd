#include <bit>

#include "chain/solana/cursor.h"
#include "chain/solana/formats.h"

namespace txindex::chain::solana {
namespace {

// u8 program, u8 count of accounts, u16 bytes of data.
constexpr std::size_t kInstructionHeadBytes = 4;

Verdict read_header(Cursor& in, Header& header) {
  if (const Verdict why = in.u8(header.required_signatures)) return why;
  if (const Verdict why = in.u8(header.readonly_signed)) return why;
  if (const Verdict why = in.u8(header.readonly_unsigned)) return why;
  if (header.required_signatures == 0) return &kNoSignatures;
  if (header.required_signatures > kSignaturesMax) return &kTooManySignatures;
  return nullptr;
}

Verdict read_mask(Cursor& in, std::uint32_t& mask) {
  if (const Verdict why = in.u32(mask)) return why;
  if ((mask & ~kConfigKnown) != 0) return &kConfigUnknownBits;
  const std::uint32_t fee = mask & kConfigPriorityFee;
  if (fee != 0 && fee != kConfigPriorityFee) return &kConfigHalfFee;
  return nullptr;
}

// One word for each bit, in the order of the bits, so that the heap's is the last. Any fee, compute
// limit and data limit is allowed; the chain clamps them.
Verdict read_config(Cursor& in, std::uint32_t mask) {
  std::uint32_t value = 0;
  for (int words = std::popcount(mask); words > 0; --words) {
    if (const Verdict why = in.u32(value)) return why;
  }
  if ((mask & kConfigHeap) == 0) return nullptr;
  if (value % kHeapStepBytes != 0) return &kHeapStep;
  if (value < kHeapMinBytes || value > kHeapMaxBytes) return &kHeapRange;
  return nullptr;
}

// All heads come first, then what they tell the length of.
Verdict read_instructions(Cursor& in, std::size_t count, Draft& draft) {
  Bytes heads;
  if (const Verdict why = in.bytes(count * kInstructionHeadBytes, heads)) return why;
  for (; !heads.empty(); heads = heads.subspan(kInstructionHeadBytes)) {
    Bytes accounts;
    Bytes data;
    if (const Verdict why = in.bytes(heads[1], accounts)) return why;
    const auto data_bytes = wire::load<std::uint16_t>(heads.data() + 2);
    if (const Verdict why = in.bytes(data_bytes, data)) return why;
    if (const Verdict why = draft.add_instruction(heads[0], accounts, data)) return why;
  }
  return nullptr;
}

}  // namespace

Verdict parse_v1(Bytes raw, Draft& draft) {
  Cursor in(raw);

  std::uint8_t version_byte = 0;
  Header header;
  std::uint32_t mask = 0;
  Bytes blockhash;
  if (const Verdict why = in.u8(version_byte)) return why;
  if (const Verdict why = read_header(in, header)) return why;
  if (const Verdict why = read_mask(in, mask)) return why;
  if (const Verdict why = in.bytes(kBlockhashBytes, blockhash)) return why;
  draft.set_version(1);
  draft.set_recent_blockhash(blockhash);

  std::uint8_t instruction_count = 0;
  std::uint8_t address_count = 0;
  if (const Verdict why = in.u8(instruction_count)) return why;
  if (const Verdict why = in.u8(address_count)) return why;
  if (instruction_count > kInstructionsMax) return &kTooManyInstructions;
  if (address_count > kV1AddressesMax) return &kTooManyAddresses;

  Bytes addresses;
  if (const Verdict why = in.bytes(address_count * kAddressBytes, addresses)) return why;
  if (const Verdict why = draft.add_accounts(header, addresses)) return why;
  if (const Verdict why = read_config(in, mask)) return why;
  if (const Verdict why = read_instructions(in, instruction_count, draft)) return why;
  draft.set_message(in.since(0));

  Bytes signatures;
  const std::size_t signature_bytes = header.required_signatures * kSignatureBytes;
  if (const Verdict why = in.bytes(signature_bytes, signatures)) return why;
  if (const Verdict why = in.end()) return why;
  draft.add_signatures(signatures);
  return draft.check_totals();
}

}  // namespace txindex::chain::solana

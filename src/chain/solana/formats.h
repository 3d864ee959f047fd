// The two layouts on the wire, each read by one function.
//
//   legacy, 0   = compact n, n * signature, message
//   message     = [0x80 if version 0], header, compact n, n * address, blockhash,
//                 compact n, n * instruction, [compact n, n * lookup if version 0]
//   header      = u8 required signatures, u8 read-only signed, u8 read-only unsigned
//   instruction = u8 program, compact n, n * u8 account, compact n, n bytes of data
//   lookup      = address of the table, compact n, n * u8 writable, compact n, n * u8 read-only
//
//   1           = message, (required signatures) * signature
//   message     = 0x81, header, u32 mask, blockhash, u8 instructions, u8 addresses,
//                 addresses * address, (bits in mask) * u32 value,
//                 instructions * (u8 program, u8 accounts, u16 data bytes),
//                 instructions * (accounts * u8 account, data)
//
// The signatures cover the message, with its version byte.
#pragma once

#include "txindex/bytes.h"

#include "chain/solana/draft.h"
#include "chain/solana/rules.h"

namespace txindex::chain::solana {

// The caller has checked the size and the first byte, which says which of the two it is. What is
// parsed goes into `draft`; nullptr if all of it was as it must be.
Verdict parse_legacy_or_v0(Bytes raw, Draft& draft);
Verdict parse_v1(Bytes raw, Draft& draft);

}  // namespace txindex::chain::solana

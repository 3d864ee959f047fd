#!/usr/bin/env python3
"""Makes files for PostgreSQL's COPY from a .txs file: the rows of txindexd's table `transactions`.

    txs_to_copy.py IN.txs OUT_PREFIX PARTS text|binary

Writes OUT_PREFIX.0 to OUT_PREFIX.(PARTS - 1), the rows dealt out in turn, and prints how many there
are, the first one's time stamp, and which columns they have. Nothing is verified. Only transactions that txindexd would take are expected; what does not
parse ends with an error.
"""

import struct
import sys
import time

CHAIN_SOLANA = 1
LEGACY = -1
TX = 0x02
FLAG_TIME = 1
FLAG_SLOT = 2
COLUMNS = ("ts,id,slot,received_at,chain,version,signature_count,account_count,instruction_count,"
           "txid,fee_payer,recent_blockhash,raw")
# PostgreSQL counts from 2000, Unix from 1970.
EPOCH_2000_US = 946_684_800 * 1_000_000


def frames(data):
    """Yields (time in microseconds or None, slot or None, transaction)."""
    if data[:4] != b"TXS1":
        raise ValueError("not a .txs file")
    at = 4
    while at < len(data):
        length, kind, chain, flags = struct.unpack_from("<IBBB", data, at)
        end = at + 4 + length
        if kind != TX or chain != CHAIN_SOLANA or end > len(data):
            raise ValueError(f"no transaction of Solana at byte {at}")
        at += 7
        stamp = slot = None
        if flags & FLAG_TIME:
            (stamp,) = struct.unpack_from("<q", data, at)
            at += 8
        if flags & FLAG_SLOT:
            (slot,) = struct.unpack_from("<Q", data, at)
            at += 8
        yield stamp, slot, data[at:end]
        at = end


def compact_u16(raw, at):
    value = shift = 0
    while True:
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def parse(raw):
    """(version, signatures, accounts, instructions, txid, fee payer, blockhash)"""
    if raw[0] == 0x81:
        signatures, instructions, accounts = raw[1], raw[40], raw[41]
        first = len(raw) - 64 * signatures
        return 1, signatures, accounts, instructions, raw[first : first + 64], raw[42:74], raw[8:40]
    signatures = raw[0]
    at = 1 + 64 * signatures
    version = LEGACY
    if raw[at] & 0x80:
        version = raw[at] & 0x7F
        at += 1
    accounts, keys = compact_u16(raw, at + 3)
    blockhash = keys + 32 * accounts
    instructions, _ = compact_u16(raw, blockhash + 32)
    return (version, signatures, accounts, instructions, raw[1:65], raw[keys : keys + 32],
            raw[blockhash : blockhash + 32])


def timestamp_text(us):
    seconds, rest = divmod(us, 1_000_000)
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds)) + f".{rest:06}+00"


def text_row(ts, number, slot, received, fields):
    *counts, txid, payer, blockhash, raw = fields
    columns = [timestamp_text(ts), str(number), "\\N" if slot is None else str(slot),
               timestamp_text(received), str(CHAIN_SOLANA)]
    columns += [str(n) for n in counts]
    columns += ["\\\\x" + value.hex() for value in (txid, payer, blockhash, raw)]
    return ("\t".join(columns) + "\n").encode()


def binary_row(ts, number, slot, received, fields):
    *counts, txid, payer, blockhash, raw = fields
    out = [struct.pack(">hiqiq", COLUMNS.count(",") + 1, 8, ts - EPOCH_2000_US, 8, number)]
    out.append(struct.pack(">i", -1) if slot is None else struct.pack(">iq", 8, slot))
    out.append(struct.pack(">iqih", 8, received - EPOCH_2000_US, 2, CHAIN_SOLANA))
    out += [struct.pack(">ih", 2, n) for n in counts]
    for value in (txid, payer, blockhash, raw):
        out += [struct.pack(">i", len(value)), value]
    return b"".join(out)


def main():
    if len(sys.argv) != 5 or sys.argv[4] not in ("text", "binary"):
        sys.exit(__doc__)
    source, prefix, parts, form = sys.argv[1:]
    parts = int(parts)
    row = text_row if form == "text" else binary_row
    with open(source, "rb") as file:
        data = file.read()
    outs = [open(f"{prefix}.{i}", "wb") for i in range(parts)]
    for out in outs:
        out.write(b"" if form == "text" else b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0))
    received = time.time_ns() // 1000
    number = 0
    first = None
    for stamp, slot, raw in frames(data):
        ts = received if stamp is None else stamp
        first = ts if first is None else first
        outs[number % parts].write(row(ts, number, slot, received, (*parse(raw), raw)))
        number += 1
    for out in outs:
        out.write(b"" if form == "text" else struct.pack(">h", -1))
        out.close()
    if number == 0:
        sys.exit(f"txs_to_copy.py: {source} is empty")
    print(number, first, COLUMNS)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Writes the first inputs of each fuzz target below tests/fuzz/corpus, from the test data, the
configuration file and what is written down here of the protocols. Other inputs, which
scripts/fuzz.sh --keep has found to reach further, are left alone: their names are hashes."""
import base64
import json
import pathlib
import random
import struct

HERE = pathlib.Path(__file__).resolve().parent
DATA = HERE.parent / "data"
TRANSACTIONS = [json.loads(line) for name in ("solana_mainnet.jsonl", "solana_sdk.jsonl")
                for line in (DATA / name).read_text().splitlines()]
SMALL = [base64.b64decode(t["base64"]) for t in TRANSACTIONS if t["bytes"] < 300]


def put(target, name, content):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def frame(kind, body=b""):
    return struct.pack("<IB", 1 + len(body), kind) + body


def tx(transaction, time_us=None, slot=None, chain=1):
    flags = (time_us is not None) | (slot is not None) << 1
    head = bytes([chain, flags])
    if time_us is not None:
        head += struct.pack("<q", time_us)
    if slot is not None:
        head += struct.pack("<Q", slot)
    return frame(2, head + transaction)


HELLO = b"\0TXI" + frame(1, struct.pack("<BH", 1, 0))
NOW = 1_790_000_000_000_000
FRAMES = (HELLO + tx(SMALL[0]) + tx(SMALL[1], NOW) + frame(3, b"12345678") + tx(SMALL[2], NOW, 42)
          + tx(SMALL[0]) + frame(4))


def lines(transactions, end=b"\n"):
    return b"".join(base64.b64encode(t) + end for t in transactions)


# The first byte of frame, line, txs, http and session says how the stream is cut.
put("frame", "stream", b"\x06" + FRAMES[4:])
put("frame", "large", b"\x3f" + frame(2, bytes(5000)) + frame(3, b"12345678"))
put("frame", "longest", b"\x3f" + frame(2, bytes(32767)) + frame(3, b"12345678"))
put("frame", "too-long", b"\x00" + frame(3, b"12345678") + struct.pack("<I", 32769) + b"x")
put("frame", "empty-frame", b"\x10" + struct.pack("<I", 0) + b"x")

put("line", "lines", b"\x07" + lines(SMALL[:3]))
put("line", "crlf", b"\x20" + lines(SMALL[:2], b"\r\n") + b"\r\n\n" + base64.b64encode(SMALL[3]))
put("line", "not-base64", b"\x00hello\nAAAA====\nAAA=\n")
put("line", "too-long", b"\x3f" + b"A" * 8193 + b"\n")

shapes = {}
for t in TRANSACTIONS:
    if t["bytes"] <= 700:
        shapes.setdefault((t["version"], len(t["signers"]) > 1, len(t["lookups"]) > 0,
                           len(t["instructions"]) > 1, bool((t.get("config") or {}).get("mask"))), t)
for t in shapes.values():
    put("solana", t["name"].replace("/", "-"), base64.b64decode(t["base64"]))

put("config", "txindexd.conf", (HERE.parent.parent / "config" / "txindexd.conf").read_bytes())
put("config", "sections", b"# c\n[limits]\nin_flight_bytes = 64MiB # c\nmax_connections=4096\n"
    b"[]\n")
put("config", "quoted", b'listen = "127.0.0.1:9400"\r\ndatabase = "host=\\"x\\" password=\\\\\\t # no"\n'
    b"batch.linger = 2.5ms\nretention = 30 d\nindex.level = accounts\ndrain_timeout= 30\n")
put("config", "hash", b'a =#1\nb = #1\n[s] # c\nc="x"#y\nd=x#1 # 2\n[t]#\n')
put("config", "twice", b"workers = 1\nworkers = 2\n")

for name, request in {
    "get": b"GET /status HTTP/1.1\r\nHost: 127.0.0.1:9464\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n",
    "two": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nHEAD /readyz?a=b HTTP/1.1\r\nHost: [::1]\r\nConnection: close\r\n\r\n",
    "plain": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /readyz?a HTTP/1.1\r\nhost: METRICS.example.:80\r\n\r\n"
             b"HEAD /nothing HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept:\r\n\r\nPUT /metrics HTTP/1.1\r\nHost: localhost:1\r\n\r\n"
             b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\nGET /statu HTTP/1.1\r\nHost: localhost\r\n\r\n"
             b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\nGET /status HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n",
    "hosts": b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\nGET / HTTP/1.0\r\n\r\n",
    "old": b"GET / HTTP/1.0\r\n\r\n",
    "body": b"POST /metrics HTTP/1.1\r\nHost: metrics.example.\r\nContent-Length: 3\r\n\r\nabc",
    "chunked": b"GET /history HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "rebinding": b"GET /status HTTP/1.1\r\nHost: evil.example:80\r\n\r\n",
    "large": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nCookie: " + b"c" * 8200 + b"\r\n\r\n",
    "tls": bytes.fromhex("1603010200010001fc0303") + bytes(range(40)),
}.items():
    put("http", name, b"\x20" + request)


def message(kind, slot=1, pid=4711, generation=3, value=0, text=b"", version=1):
    head = struct.pack("=HHiiIQq", version, kind, slot, pid, len(text), generation, value)
    return head + text + bytes(1024 - len(head) - len(text))


for kind in range(1, 8):
    put("control", f"type-{kind}", message(kind, text=b"no database" if kind == 2 else b""))
put("control", "version-2", message(1, version=2))
put("control", "short", message(3)[:100])

SLOT = {"slot": 0, "state": 3, "pid": 100, "generation": 5, "restarts": 4, "deaths": 1,
        "ready_since": 123456789012345, "hold_until": 0, "was_ready": True,
        "latest_deaths": [1, 2, 3, 4, 0]}
CHILD = {"pid": 100, "slot": 0, "side": 1, "generation": 5, "control_fd": 20, "in_charge": True,
         "ready": True}
STATE = {"version": 1, "address": "[::1]:9400", "address_fd": 5, "lock_fd": 6, "stats_fd": 7,
         "started_unix_us": NOW, "reexecs": 2, "rolls": 9, "rolls_aborted": 4,
         "listeners": [{"slot": 0, "fd": 10}, {"slot": 256, "fd": 11}], "slots": [SLOT],
         "children": [CHILD, CHILD | {"in_charge": False, "kill_at": 5}]}
put("takeover", "state", json.dumps(STATE, separators=(",", ":")).encode())
put("takeover", "nothing-yet", json.dumps(STATE | {"listeners": [], "slots": [], "children": []}).encode())
put("takeover", "another-version", json.dumps(STATE | {"version": 2}).encode())

SENT = struct.pack("<BIQqq", 1, 0, 0, NOW, NOW) + SMALL[0][1:65]
ACKED = struct.pack("<BIQqB", 2, 0, 0, NOW + 900, 0)
JOURNAL = b"TXJ1" + struct.pack("<I", 0) + SENT + ACKED
put("journal", "whole", JOURNAL + b"\x03")
put("journal", "torn", JOURNAL + SENT[:50])
put("journal", "damaged", JOURNAL + b"\x09")

put("txs", "frames", b"\x05TXS1" + tx(SMALL[0], NOW) + tx(SMALL[1], NOW + 1, 7) + tx(SMALL[2]))
put("txs", "cut-off", b"\x30TXS1" + tx(SMALL[0], NOW)[:-9])
put("txs", "lines", b"\x11" + lines(SMALL[:2]) + b"\r\n" + base64.b64encode(SMALL[4]))
put("txs", "neither", b"\x00\x1f\x8b\x08")

put("session", "stream", b"\x09" + FRAMES)
put("session", "pings", b"\x00" + HELLO + frame(3, b"abcdefgh") * 3)
put("session", "rejected", b"\x21" + HELLO + tx(SMALL[0][:-1]) + tx(bytes(4100)) + tx(SMALL[1], chain=9)
    + tx(SMALL[2], slot=2**64 - 1) + frame(4))
put("session", "before-hello", b"\x02\0TXI" + tx(SMALL[0]))
put("session", "bad-frame", b"\x40" + HELLO + tx(SMALL[0]) + struct.pack("<I", 0) + b"more")
put("session", "lines", b"\x33" + lines(SMALL[:4]) + b"nonsense\n\n" + base64.b64encode(SMALL[0]))
put("session", "http", b"\x01GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
put("session", "tls", b"\x01" + bytes.fromhex("1603010200010001fc0303") + bytes(30))

LEGACY = next(t for t in SMALL if t[0] == 1 and t[65] < 128)


def with_byte(transaction, at, byte):
    return transaction[:at] + bytes([byte]) + transaction[at + 1:]


MINUTE = 60_000_000
OLDEST = NOW - 30 * 24 * 60 * MINUTE
put("session", "times", b"\x30" + HELLO + tx(SMALL[0], NOW + 5 * MINUTE) + tx(SMALL[1], NOW + 5 * MINUTE + 1)
    + tx(SMALL[2], OLDEST) + tx(SMALL[3], OLDEST - 1) + tx(SMALL[0], slot=2**63 - 1) + tx(SMALL[1], slot=2**63))
# A version that is not known, before and in the message; version 0 in front; nothing; a row that is refused.
put("session", "versions", b"\x05" + HELLO + tx(with_byte(LEGACY, 0, 0x82)) + tx(with_byte(LEGACY, 65, 0x81))
    + tx(with_byte(LEGACY, 0, 0x80)) + tx(b"") + tx(with_byte(LEGACY, 69, 0)) + tx(LEGACY + bytes(1232)))
put("session", "hello-twice", b"\x10" + HELLO + HELLO[4:])
put("session", "hello-version", b"\x10" + b"\0TXI" + frame(1, struct.pack("<BH", 2, 0)))
put("session", "unknown-type", b"\x10" + HELLO + tx(SMALL[0]) + frame(9))
put("session", "finish-not-empty", b"\x10" + HELLO + frame(4, b"x"))
put("session", "flags", b"\x10" + HELLO + tx(SMALL[0]) + frame(2, b"\x01\x04" + SMALL[1]))
put("session", "many-pings", b"\x77" + HELLO + frame(3, b"abcdefgh") * 300)
put("session", "empty-lines", b"\x00" + b"\n" * 300 + b"\r\n" * 300 + base64.b64encode(SMALL[0]) + b"\n")
put("session", "token-line", b"\x00" + b"token abc\ntoken abc\n" + lines([SMALL[1], SMALL[1], with_byte(LEGACY, 69, 0)]))
put("session", "long-line", b"\xff" + lines(SMALL[:1]) + b"A" * 8193)

# How many signatures, less one. What follows chooses them.
CHOSEN = random.Random(1)
for name, first, size in (("one", 0, 40), ("two", 1, 60), ("eight", 7, 160), ("nine", 8, 180),
                          ("seventeen", 16, 400), ("many", 33, 400), ("others", 50, 400)):
    put("verify", name, bytes([first]) + CHOSEN.randbytes(size))
plain = bytes([7]) + CHOSEN.randbytes(200)
put("verify", "plain-code", plain + bytes([-sum(plain) % 32]))
put("verify", "zeros", bytes([16]))

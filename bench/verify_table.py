#!/usr/bin/env python3
"""Makes a table of what verify_bench measures: microseconds of processor time for each signature.

    bench/verify_table.py build/release/bench/verify_bench [FLAGS...]   runs it; FLAGS are its own
    bench/verify_table.py RESULT.json                                   of an earlier run

The figures are medians of the repetitions, which are interleaved at random. Behind each is how far
from it the farther quartile is, and in parentheses how many times as fast as libsodium that is.
"""
import json
import re
import statistics
import subprocess
import sys

FLAGS = ["--benchmark_enable_random_interleaving=true", "--benchmark_repetitions=7",
         "--benchmark_min_time=0.1", "--benchmark_format=json"]
REFERENCE = "libsodium"


def load(arguments):
    if arguments[0].endswith(".json"):
        with open(arguments[0], encoding="utf-8") as file:
            return json.load(file)
    run = subprocess.run([arguments[0], *FLAGS, *arguments[1:]], stdout=subprocess.PIPE, check=True)
    return json.loads(run.stdout)


def collect(result):
    """{(bytes, batch): {backend: [microseconds per signature of each repetition]}}"""
    rows = {}
    for one in result["benchmarks"]:
        named = re.fullmatch(r"verify/backend:(\w+)/bytes:(\d+)/batch:(\d+)", one["run_name"])
        if named is None or one["run_type"] != "iteration":
            continue
        backend, size, batch = named.groups()
        of_row = rows.setdefault((int(size), int(batch)), {})
        of_row.setdefault(backend, []).append(one["time/signature"] * 1e6)
    return rows


def cell(samples, reference):
    median = statistics.median(samples)
    quartiles = statistics.quantiles(samples, n=4, method="inclusive")
    spread = max(median - quartiles[0], quartiles[2] - median) / median
    text = f"{median:.2f} ±{spread:.0%}"
    if reference is not None and reference is not samples:
        text += f" ({statistics.median(reference) / median:.2f}×)"
    return text


def print_table(rows):
    # libsodium first, and OpenSSL, which the server does not use, last.
    backends = sorted({backend for row in rows.values() for backend in row},
                      key=lambda backend: (backend != REFERENCE, backend == "OpenSSL", backend))
    print("| message, bytes | batch | " + " | ".join(backends) + " |")
    print("|" + "--:|" * (2 + len(backends)))
    for (size, batch), row in sorted(rows.items()):
        cells = [cell(row[b], row.get(REFERENCE)) if b in row else "" for b in backends]
        print(f"| {size} | {batch} | " + " | ".join(cells) + " |")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    try:
        rows = collect(load(sys.argv[1:]))
    except (OSError, ValueError, subprocess.CalledProcessError) as problem:
        sys.exit(f"verify_table.py: {problem}")
    if not rows:
        sys.exit("verify_table.py: there are no measurements in the result")
    print_table(rows)


main()

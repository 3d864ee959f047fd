#!/usr/bin/env python3
"""All benchmarks: tables on the terminal; results.json and plots in a folder. scripts/bench.sh builds
what is needed and calls this."""
import argparse
import pathlib
import sys
import time

import curves
import end_to_end
import growth
import peers
import report
from harness import Bench, Failure, Samples, say
from stages import stages_part

THROUGHPUT = [("per_second", "per second"), ("server_us", "server, µs"), ("postgres_us", "PostgreSQL, µs"),
              ("generator_us", "generator, µs"), ("resident_mb", "resident, MB"), ("private_mb", "private, MB")]
LATENCY = [("per_second", "per second"), ("p50_ms", "p50, ms"), ("p99_ms", "p99, ms"), ("p999_ms", "p999, ms")]
EFFICIENCY = [("verify_us", "verification, µs"), ("store_us", "PostgreSQL, µs"), ("send_us", "sending, µs"),
              ("allowed_per_second", "allowed, per second"), ("per_second", "reached, per second"),
              ("efficiency", "efficiency")]


def end_to_end_part(bench, parts):
    parts["throughput"] = end_to_end.throughput(bench)
    say(report.table("End to end", parts["throughput"], THROUGHPUT, "index.level"))
    report.bars(bench.out / "throughput.svg", "Committed and acknowledged", parts["throughput"], "per_second",
                "transactions a second")
    parts["latency"] = end_to_end.latency(bench, parts["throughput"])
    say(report.table("Latency, from when it should have been sent to its acknowledgement", parts["latency"], LATENCY,
                     "index.level, part of the maximum"))
    parts["efficiency"] = end_to_end.efficiency(bench)
    say(report.table("Efficiency: what the machine allows, and what is reached", parts["efficiency"], EFFICIENCY,
                     "index.level"))
    parts["idle"] = {"worker": {key: Samples([value]) for key, value in end_to_end.idle(bench).items()}}
    say(report.table("Memory of an idle worker", parts["idle"], THROUGHPUT[-2:], ""))


PARTS = {
    "stages": stages_part,
    "end-to-end": end_to_end_part,
    "connections": curves.connections,
    "sizes": curves.sizes,
    "batches": curves.batches,
    "peers": peers.part,
    "growth": growth.part,
    "growth-accounts": growth.accounts,
}
# Take long, and much disk.
BY_NAME_ONLY = {"growth", "growth-accounts"}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="folder of the release build")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for results.json and the plots")
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--quick", dest="extent", action="store_const", const="quick", default="full",
                        help="fewer cases, shorter and less often")
    extent.add_argument("--trial", dest="extent", action="store_const", const="trial",
                        help="only whether it works; the figures mean nothing")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; default: all but growth")
    parser.add_argument("--rows", type=lambda text: [float(n) for n in text.split(",")], metavar="N,N...", default=(),
                        help="millions of rows, for growth; default: 0,1,10,30, with --quick 0,1")
    parser.add_argument("--postgres", action="append", metavar="NAME=VALUE", default=[],
                        help="a setting of PostgreSQL, beside those that the parts have; can be repeated")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    options.out.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    parts = {}
    try:
        say(" ".join(f"{key}={value}" for key, value in report.machine().items()))
        with Bench(options.build.resolve(), options.out.resolve(), options.extent, tuple(options.postgres),
                   tuple(options.rows)) as bench:
            for name, measure in PARTS.items():
                if name in (options.parts or set(PARTS) - BY_NAME_ONLY):
                    say(f"\n== {name}")
                    measure(bench, parts)
    except (Failure, OSError) as problem:
        sys.exit(f"bench: {problem}")
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        if parts:
            report.write_json(options.out / "results.json", parts)
    say(f"\nresults.json and plots are in {options.out}; {time.monotonic() - begin:.0f} s")


main()

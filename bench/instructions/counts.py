#!/usr/bin/env python3
"""Counts the instructions that each stage takes for a transaction, and compares with baseline.json.

    counts.py PROGRAM            fails if a stage takes more than the tolerance over its baseline
    counts.py PROGRAM --update   writes a new baseline

PROGRAM is stage_instructions of a release build; tests/release/instruction_counts.sh makes it and
calls this. The counts depend on the compiler, so with another one than the baseline's it is skipped
(exit status 77); of the processor they depend on nothing but its kind.
"""
import argparse
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile

BASELINE = pathlib.Path(__file__).parent / "baseline.json"
SKIPPED = 77
# The C library has functions for many processors: memcpy() and the like are to be those that run on
# each of them, and not to look at the size of caches.
TUNABLES = ("glibc.cpu.hwcaps=-AVX2,-AVX_Fast_Unaligned_Load,-ERMS,-FSRM,-SSSE3,-SSE4_1,-SSE4_2:"
            "glibc.cpu.x86_non_temporal_threshold=0xc0000")


def skip(why):
    if os.environ.get("TXINDEX_TEST_REQUIRE_ALL") == "1":
        sys.exit(f"counts.py: {why}, and TXINDEX_TEST_REQUIRE_ALL asks for it")
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


def measure(program):
    """(compiler, {stage: instructions for each transaction})"""
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(
                ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={folder}/out", program],
                env={**os.environ, "GLIBC_TUNABLES": TUNABLES}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                text=True, check=False)
        except FileNotFoundError:
            skip("there is no valgrind")
        if done.returncode != 0:
            sys.exit(f"counts.py: {program}: exit status {done.returncode}\n{done.stderr}{done.stdout}")
        said = dict(line.rsplit(": ", 1) for line in done.stdout.splitlines())
        counted = {}
        for path in pathlib.Path(folder).glob("out.*"):
            text = path.read_text(encoding="utf-8")
            stage = re.search(r"^desc: Trigger: Client Request: (.*)$", text, re.M)[1]
            counted[stage] = int(re.search(r"^totals: (\d+)$", text, re.M)[1])
    compiler = said.pop("compiler")
    if set(said) != set(counted):
        sys.exit(f"counts.py: callgrind has counted {sorted(counted)}, but what ran is {sorted(said)}")
    return compiler, {stage: round(counted[stage] / int(said[stage]), 1) for stage in said}


def write(compiler, counts, tolerance):
    lines = ",\n".join(f"  {json.dumps(stage)}: {count}" for stage, count in counts.items())
    BASELINE.write_text(f'{{\n "compiler": {json.dumps(compiler)},\n "processor": "{platform.machine()}",\n'
                        f' "tolerance_percent": {tolerance},\n "instructions_per_transaction": {{\n{lines}\n }}\n}}\n',
                        encoding="utf-8")


def compare(counts, baseline, tolerance):
    """What there is to say of each stage, and how many of them fail and are better than the baseline."""
    failed = better = 0
    width = max(map(len, [*counts, *baseline]))
    for stage in [*counts, *(stage for stage in baseline if stage not in counts)]:
        now, before = counts.get(stage), baseline.get(stage)
        line = f"{stage:{width}}"
        if before is None:
            line += f" {now:12,.1f}   FAILED: it is not in the baseline"
            failed += 1
        elif now is None:
            line += f" {'':12}   FAILED: it is in the baseline, and there is no such stage"
            failed += 1
        else:
            change = (now / before - 1) * 100
            line += f" {now:12,.1f} {change:+7.1f} %"
            if change > tolerance:
                line += f"   FAILED: the baseline is {before:,.1f}, and up to {tolerance} % more are allowed"
                failed += 1
            elif change < -tolerance:
                line += f"   better: the baseline is {before:,.1f}"
                better += 1
        print(line)
    return failed, better


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--update", action="store_true", help="write a new baseline")
    parser.add_argument("--command", default=" ".join(sys.argv), help="what to say that is called")
    options = parser.parse_args()
    with open(BASELINE, encoding="utf-8") as file:
        baseline = json.load(file)
    tolerance = baseline["tolerance_percent"]
    if platform.machine() != baseline["processor"] and not options.update:
        skip(f"the baseline is of {baseline['processor']}, and this is {platform.machine()}")
    compiler, counts = measure(options.program)
    if options.update:
        write(compiler, counts, tolerance)
        print(f"written: {BASELINE}")
        return
    if compiler != baseline["compiler"]:
        skip(f"the baseline is of {baseline['compiler']}, and this is {compiler}")
    print("instructions for each transaction, and the difference from the baseline")
    failed, better = compare(counts, baseline["instructions_per_transaction"], tolerance)
    if better:
        print(f"{better} better than the baseline by more than {tolerance} %: so that this is kept, write a new one:\n"
              f"    {options.command} --update")
    if failed:
        sys.exit(f"{failed} FAILED. If that is the price of something that is worth it, write a new baseline, and say "
                 f"why in the commit:\n    {options.command} --update")


main()

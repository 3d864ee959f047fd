"""Each stage of a transaction's way by itself: time, and calls of malloc()."""
import json
import re

import report
from harness import Samples, run, say

COLUMNS = [("per_second", "per second"), ("each_ns", "each, ns"), ("mb_per_second", "MB/s"),
           ("allocations", "allocations")]
# Messages a second between two threads of Node.js, which the system that users have is built of.
RING_PER_SECOND = 850_000
COPIED_PER_SECOND = 8_300
HAND_OVER = [("per_second", "per second"), ("parcels_per_second", "parcels per second"),
             ("of_ring", "of a ring in shared memory"), ("of_copied", "of copied messages")]


def google_benchmark(bench, program, *flags):
    """{run name: the results of its repetitions}, in the order of the program"""
    repetitions, seconds = bench.choose((9, 0.1), (5, 0.03), (1, 0.001))
    said = run([bench.build / "bench" / program, "--benchmark_enable_random_interleaving=true",
                f"--benchmark_repetitions={repetitions}", f"--benchmark_min_time={seconds}",
                "--benchmark_format=json", *flags])
    results = {}
    for one in sorted(json.loads(said)["benchmarks"], key=lambda one: one["family_index"]):
        if one["run_type"] == "iteration":
            results.setdefault(one["run_name"].removesuffix("/real_time"), []).append(one)
    return results


def stages(bench):
    results = {}
    for name, runs in google_benchmark(bench, "stage_bench").items():
        per_second = [one["items_per_second"] for one in runs]
        results[name] = {"per_second": Samples(per_second),
                         "each_ns": Samples([1e9 / rate for rate in per_second]),
                         "allocations": Samples([one["allocations"] for one in runs])}
        if "bytes_per_second" in runs[0]:
            results[name]["mb_per_second"] = Samples([one["bytes_per_second"] / 1e6 for one in runs])
    return results


def verification(bench):
    """The rest of verify_bench is for bench/verify_table.py."""
    results = {}
    for name, runs in google_benchmark(bench, "verify_bench", "--benchmark_filter=bytes:200/batch:(1|64)$").items():
        backend, batch = re.fullmatch(r"verify/backend:(\w+)/bytes:\d+/batch:(\d+)", name).groups()
        seconds = [one["time/signature"] for one in runs]
        results[f"verification, {backend}, {batch} at once"] = {
            "per_second": Samples([1 / each for each in seconds]), "each_ns": Samples([1e9 * each for each in seconds])}
    return results


def hand_over(results):
    """Of the stages those between threads: parcels, and against what Node.js's threads do."""
    table = {}
    for name, figures in results.items():
        if found := re.fullmatch(r"threads.*?(\d+)(?: a parcel)?", name):
            rates = figures["per_second"].values
            table[name] = {"per_second": figures["per_second"],
                           "parcels_per_second": Samples([rate / int(found[1]) for rate in rates]),
                           "of_ring": Samples([rate / RING_PER_SECOND for rate in rates]),
                           "of_copied": Samples([rate / COPIED_PER_SECOND for rate in rates])}
    return table


def stages_part(bench, parts):
    parts["stages"] = stages(bench)
    say(report.table("Stages, a transaction", parts["stages"], COLUMNS, "stage"))
    parts["verification"] = verification(bench)
    say(report.table("Stages, a signature", parts["verification"], COLUMNS[:2], "stage"))
    parts["hand-over"] = hand_over(parts["stages"])
    say(report.table("Hand-over between threads, transactions; and as parts of what threads of Node.js do with messages",
                     parts["hand-over"], HAND_OVER, "what goes round"))
    report.bars(bench.out / "stages.svg", "Stages", parts["stages"], "each_ns", "ns for each transaction")
    report.bars(bench.out / "verification.svg", "Verification", parts["verification"], "each_ns",
                "ns for each signature")

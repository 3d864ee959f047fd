"""How the throughput changes with the number of connections, the size of a transaction, and of a batch."""
import report
from harness import count_for, interleaved, say

COLUMNS = [("per_second", "per second"), ("mb_per_second", "MB a second"), ("server_us", "server, µs"),
           ("postgres_us", "PostgreSQL, µs"), ("generator_us", "generator, µs"), ("private_mb", "private, MB")]
# Of Solana: a payment as it comes; then with a memo, up to what a packet holds; then version 1, up to its limit.
TRANSFER_BYTES = 215
V1_BYTES = 4096
# One client address may have so many, of each worker.
MANY = ("--limits-max-connections=10000", "--limits-max-connections-per-address=10000")


def sweep(bench, name, title, x_label, cases, seconds=2, logarithmic=True):
    """cases: {x: settings of Bench.ingest}. {x: {figure: Samples}}, shown as a table and a plot."""
    repetitions, seconds = (2, seconds / 2) if bench.quick else (5, seconds)
    counts = {x: count_for(lambda n, one=one: bench.ingest(n, **one), seconds, 10_000) for x, one in cases.items()}

    def measure(x):
        figures = bench.ingest(counts[x], **cases[x])
        size = bench.transactions(counts[x], bytes=cases[x].get("bytes", 0)).stat().st_size / counts[x]
        return figures | {"mb_per_second": figures["per_second"] * size / 1e6}
    results = interleaved({x: (lambda x=x: measure(x)) for x in cases}, repetitions, name)
    say(report.table(title, {f"{x:,}": figures for x, figures in results.items()}, COLUMNS, x_label))
    report.curve(bench.out / f"{name}.svg", title, {x: figures["per_second"] for x, figures in results.items()},
                 x_label, "transactions a second", logarithmic)
    return results


def connections(bench, parts):
    # They are made meanwhile: the time that takes is in the rate.
    parts["connections"] = sweep(
        bench, "connections", "Connections, index.level = transactions", "connections",
        {n: {"connections": n, "server_flags": MANY} for n in ((1, 16, 1000) if bench.quick else (1, 16, 256, 1000, 5000))})


def sizes(bench, parts):
    parts["sizes"] = sweep(
        bench, "sizes", "Sizes of a transaction, index.level = transactions", "bytes",
        {n: {"bytes": 0 if n == TRANSFER_BYTES else n}
         for n in (TRANSFER_BYTES, *(() if bench.quick else (500,)), 1232, *(() if bench.quick else (2000,)), V1_BYTES)},
        logarithmic=False)


def batches(bench, parts):
    parts["batches"] = sweep(
        bench, "batches", "Sizes of a batch, index.level = transactions", "batch.max_rows",
        {n: {"server_flags": (f"--batch-max-rows={n}", "--batch-max-bytes=64MiB")}
         for n in ((20, 200, 2000) if bench.quick else (20, 100, 500, 2000, 10_000))})

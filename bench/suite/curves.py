"""How the throughput changes with the number of connections, the size of a transaction, and of a batch."""
import report
from harness import RUN_SECONDS, interleaved, say

COLUMNS = [("per_second", "per second"), ("mb_per_second", "MB a second"), ("server_us", "server, µs"),
           ("postgres_us", "PostgreSQL, µs"), ("generator_us", "generator, µs"), ("private_mb", "private, MB")]
# Of Solana: a payment as it comes; then with a memo, up to what a packet holds; then version 1, up to its limit.
TRANSFER_BYTES = 215
PACKET_BYTES = 1232
V1_BYTES = 4096
# One client address may have so many, of each worker.
MANY = ("--limits-max-connections=10000", "--limits-max-connections-per-address=10000")


def sweep(bench, name, title, x_label, cases, count=None, logarithmic=True):
    """cases: {x: settings of Bench.ingest}. {x: {figure: Samples}}, shown as a table and a plot. `count`
    transactions for each, or as many as take about as long."""
    repetitions = bench.choose(5, 2, 1)
    counts = {x: count or bench.count_for(RUN_SECONDS, **one) for x, one in cases.items()}

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
    # They are made meanwhile. That takes the longer the more there are, and is in the rate: hence as many
    # transactions for all.
    numbers = bench.choose((1, 16, 256, 1000, 5000), (1, 16, 1000), (1, 200))
    parts["connections"] = sweep(
        bench, "connections", "Connections, index.level = transactions", "connections",
        {n: {"connections": n, "server_flags": MANY} for n in numbers}, bench.count_for(RUN_SECONDS))


def sizes(bench, parts):
    numbers = bench.choose((TRANSFER_BYTES, 600, PACKET_BYTES, 2400, V1_BYTES),
                           (TRANSFER_BYTES, PACKET_BYTES, V1_BYTES), (PACKET_BYTES, V1_BYTES))
    parts["sizes"] = sweep(
        bench, "sizes", "Sizes of a transaction, index.level = transactions", "bytes",
        {n: {"bytes": 0 if n == TRANSFER_BYTES else n} for n in numbers}, logarithmic=False)


def batches(bench, parts):
    numbers = bench.choose((20, 100, 500, 2000, 10_000), (20, 200, 2000), (20, 2000))
    parts["batches"] = sweep(
        bench, "batches", "Sizes of a batch, index.level = transactions", "batch.max_rows",
        {n: {"server_flags": (f"--batch-max-rows={n}", "--batch-max-bytes=64MiB")} for n in numbers})

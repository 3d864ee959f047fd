"""txindex load -> server -> PostgreSQL: throughput, latency at a part of it, where the processor time
goes, and what of the machine's capacity is reached."""
import re

from harness import RUN_SECONDS, Failure, Server, interleaved, load, memory_bytes, run

LEVELS = ["transactions", "accounts", "instructions"]
# Of the throughput, at which latency is measured.
SHARES = (0.5, 0.9)


def throughput(bench):
    """At each index.level, with one, two and four workers."""
    repetitions = bench.choose(5, 3, 1)
    settings = {f"{level}": {"level": level} for level in LEVELS}
    settings["transactions, libsodium"] = {"backend": "libsodium"}
    settings["accounts, libsodium"] = {"level": "accounts", "backend": "libsodium"}
    if bench.extent == "full":
        settings |= {f"{level}, {n} worker{'s'[: n != 1]}": {"level": level, "workers": n}
                     for level in LEVELS for n in (1, 4)}
        settings["transactions, mixed"] = {"mix": "mixed"}
    counts = {name: bench.count_for(RUN_SECONDS, **one) for name, one in settings.items()}
    cases = {name: (lambda one=one, n=counts[name]: bench.ingest(n, **one)) for name, one in settings.items()}
    return interleaved(cases, repetitions, "throughput")


def latency(bench, maximum):
    """Open loop, at half and at nine tenths of what is reached just before, because the speed of a machine
    drifts. `maximum`, of throughput(), says how many transactions take about how long."""
    repetitions, seconds = bench.choose((5, 6), (3, 3), (1, 0.2))
    reached = {}

    def measure(level, share, count):
        if share == SHARES[0]:
            reached[level] = bench.ingest(count, level=level)["per_second"]
        return bench.ingest(count, level=level, load_flags=("--rate", reached[level] * share))
    cases = {}
    for level in ("transactions", "accounts"):
        count = int(maximum[level]["per_second"].median() * SHARES[0] * seconds)
        for share in SHARES:
            cases[f"{level}, {share:.0%}"] = lambda level=level, share=share, count=count: measure(level, share, count)
    return interleaved(cases, repetitions, "latency")


def parts_alone(bench, level, count):
    """Microseconds of processor time for each transaction: verification, PostgreSQL with the same
    rows and batches from a bare writer, and sending, each with nothing else going on."""
    path = bench.transactions(count)
    said = run([bench.build / "txindex", "verify", "--threads", "1", path])
    verify = 1e6 / float(re.search(r"^per_second (\S+)", said, re.M)[1])
    with bench.postgres.database() as database:
        run([bench.build / "txindexd", "migrate", "--database", bench.postgres.conninfo(database)])
        before = bench.postgres.cpu_seconds()
        run([bench.build / "bench/store_bench", bench.postgres.conninfo(database), path, "2", level])
        store = (bench.postgres.cpu_seconds() - before) * 1e6 / count
    return verify, store


def efficiency(bench, level="transactions"):
    """The rate divided by what the machine allows: cores / (verification + PostgreSQL + sending)."""
    repetitions, count = bench.choose(5, 3, 1), bench.count_for(RUN_SECONDS, level=level)

    def measure():
        verify, store = parts_alone(bench, level, count)
        whole = bench.ingest(count, level=level)
        allowed = 2e6 / (verify + store + whole["generator_us"])
        return {"verify_us": verify, "store_us": store, "send_us": whole["generator_us"],
                "allowed_per_second": allowed, "per_second": whole["per_second"],
                "efficiency": whole["per_second"] / allowed}
    return interleaved({level: measure}, repetitions, "efficiency")


def idle(bench):
    """Memory of a worker that has served nobody."""
    with bench.postgres.database() as database:
        with Server(bench.build, bench.postgres.conninfo(database), "--workers=2", folder=bench.folder) as server:
            load(bench.build, server.address, "--connections", 1, "--file", bench.transactions(10))
            sizes = [memory_bytes(pid) for pid in server.workers()]
    if not sizes:
        raise Failure("the server has no worker")
    return {"resident_mb": max(size[0] for size in sizes) / 1e6, "private_mb": max(size[1] for size in sizes) / 1e6}

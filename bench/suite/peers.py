"""What people would run instead (bench/peers), and txindexd: the same transactions, sent in the same way to
servers on the same PostgreSQL, each in its turn."""
import os
import re
import signal
import socket
import subprocess

import report
from harness import (QUICK_COUNT, ROOT, TRIAL_COUNT, WARM_UP, Samples, check_stored, cpu_seconds, interleaved,
                     line_with, load, run, say, window)

PEERS = ROOT / "bench/peers"
# So that a just-in-time compiler has done its work.
PEER_WARM_UP = 5 * WARM_UP
CONNECTIONS = 16
INSTALL_SECONDS = 300  # npm, the first time
COLUMNS = [("per_second", "per second"), ("server_us", "server, µs"), ("postgres_us", "PostgreSQL, µs"),
           ("gap_ms", "longest silence, ms")]
# What the ratio should be, by verifier.
GOAL, GOAL_LIBSODIUM = 3.0, 1.15


def free_port():
    """One that nobody listens on. (The peer's workers share theirs, so it cannot be 0.)"""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Node:
    """The server in Node.js, until the end of the block."""

    def __init__(self, bench, database, *flags):
        self.address = f"127.0.0.1:{free_port()}"
        self.log = bench.folder / "node.log"
        url = f"postgresql:///{database}?host={bench.postgres.folder}&user=txindex"
        with open(self.log, "w", encoding="utf-8") as output:
            self._process = subprocess.Popen(
                [PEERS / "node/run.sh", "--build", bench.build.parent / "peers/node", "--listen", self.address,
                 "--database", url, *map(str, flags)], stdout=output, stderr=output, start_new_session=True)
        try:
            line_with(r"listening on (\S+)", self.log, self._process, INSTALL_SECONDS)
        except BaseException:
            self.stop()
            raise

    def cpu_seconds(self):
        return cpu_seconds(self._process.pid)

    def stop(self):
        if self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def node(bench, count, *flags):
    """One run with the server in Node.js: {figure: number}."""
    with bench.postgres.database() as database:
        with Node(bench, database, *flags) as server:
            load(bench.build, server.address, "--connections", CONNECTIONS, "--file",
                 bench.transactions(PEER_WARM_UP, seed=2))
            before = server.cpu_seconds(), bench.postgres.cpu_seconds()
            said = load(bench.build, server.address, "--connections", CONNECTIONS, "--window", window(CONNECTIONS),
                        "--file", bench.transactions(count))
            after = server.cpu_seconds(), bench.postgres.cpu_seconds()
        stored = int(bench.postgres.sql("SELECT count(*) FROM peer_transactions", database)) - PEER_WARM_UP
    check_stored(said, stored)
    return {"per_second": said["per_second"],
            "server_us": (after[0] - before[0]) * 1e6 / stored,
            "postgres_us": (after[1] - before[1]) * 1e6 / stored,
            "gap_ms": said["longest_gap_seconds"] * 1e3}


def copy(bench, count, form):
    """\\copy of the same rows: {figure: number}."""
    with bench.postgres.database() as database:
        said = run([PEERS / "copy.sh", "--database", bench.postgres.conninfo(database), "--connections", 2,
                    "--format", form, "--txindexd", bench.build / "txindexd", bench.transactions(count)])
    return {"per_second": float(re.match(r"\d+", said)[0])}


def ratios(results):
    """The rate of each case of txindexd, divided by that of the fastest form in Node.js in the same turn."""
    rates = {name: figures["per_second"] for name, figures in results.items()}
    best = max((name for name in rates if name.startswith("Node.js")), key=lambda name: rates[name].median())
    found = {}
    for name, rate in rates.items():
        if name.startswith("txindexd"):
            found[name] = {"ratio": Samples([one / other for one, other in zip(rate.values, rates[best].values)]),
                           "goal": Samples([GOAL_LIBSODIUM if "libsodium" in name else GOAL])}
    return best, found


def part(bench, parts):
    repetitions, count = bench.choose((5, 120_000), (3, QUICK_COUNT), (1, TRIAL_COUNT))
    warm_up = bench.transactions(PEER_WARM_UP, seed=2)

    def txindexd(backend, workers=2):
        with bench.postgres.database() as database:
            return bench.ingest_into(database, bench.transactions(count), warm_up, backend=backend,
                                     workers=workers, connections=CONNECTIONS)
    cases = {
        "txindexd": lambda: txindexd("auto"),
        "txindexd, libsodium": lambda: txindexd("libsodium"),
        "txindexd, libsodium, 1 worker": lambda: txindexd("libsodium", 1),
        "Node.js, 2 workers, 2 threads each": lambda: node(bench, count),
        "Node.js, 2 workers, 1 thread each": lambda: node(bench, count, "--verify-threads", 1),
        "Node.js, 1 worker, 2 threads": lambda: node(bench, count, "--workers", 1),
        "Node.js, handed out over IPC": lambda: node(bench, count, "--ipc"),
        "\\copy, text, unverified": lambda: copy(bench, count, "text"),
        "\\copy, binary, unverified": lambda: copy(bench, count, "binary"),
    }
    if bench.extent == "quick":
        del cases["Node.js, 2 workers, 1 thread each"], cases["txindexd, libsodium, 1 worker"]
    if bench.extent == "trial":  # is short, and does without npm
        cases = {name: cases[name] for name in cases if name == "txindexd" or "copy" in name}
    parts["peers"] = interleaved(cases, repetitions, "peers")
    say(report.table("Peers, index.level = transactions", parts["peers"], COLUMNS, ""))
    if bench.extent != "trial":
        best, parts["peers, ratio"] = ratios(parts["peers"])
        say(report.table(f"Divided by the rate of \"{best}\"", parts["peers, ratio"],
                         [("ratio", "times"), ("goal", "goal")], ""))
    report.bars(bench.out / "peers.svg", "The same transactions, durable in the same PostgreSQL", parts["peers"],
                "per_second", "transactions a second")

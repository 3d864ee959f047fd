"""What the benchmarks have in common: a PostgreSQL and a server of their own, a load on them, and the
processor time of each. Everything that is started here is ended here, also when something fails."""
import concurrent.futures
import contextlib
import dataclasses
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TICKS = os.sysconf("SC_CLK_TCK")
START_SECONDS = 60
WARM_UP = 4_000
PARTITION_SECONDS = 3600
# All of it; less of it; and just whether it works, by runs that are much too short to mean anything.
EXTENTS = ("full", "quick", "trial")
RUN_SECONDS = 2
FEWEST = 15_000
QUICK_COUNT = 30_000
TRIAL_COUNT = 2_000


class Failure(Exception):
    """Ends the benchmark with its text."""


def say(text):
    print(text, flush=True)


def run(command, **options):
    """Its output. Fails with what it said."""
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False, **options)
    if done.returncode != 0:
        raise Failure(f"{' '.join(map(str, command))}: exit status {done.returncode}\n{done.stderr}")
    return done.stdout


# ---------------------------------------------------------------------------- processor time

def _stat(pid):
    """(parent, own ticks, ticks of children that have ended), or None if there is no such process."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(fields[1]), int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])


def family(pid):
    """The process and all that come from it."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (stat := _stat(int(name))):
            parents.setdefault(stat[0], []).append(int(name))
    found = [pid]
    for one in found:
        found += parents.get(one, [])
    return found


def cpu_seconds(pid):
    """Of a process, all that come from it, and those of them that have ended."""
    total = 0
    for one in family(pid):
        if stat := _stat(one):
            total += stat[1] + stat[2]
    return total / TICKS


def memory_bytes(pid):
    """(resident, private) of one process."""
    resident = private = 0
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if found := re.match(r"(Rss|Private_Clean|Private_Dirty):\s+(\d+) kB", line):
            size = int(found[2]) * 1024
            if found[1] == "Rss":
                resident = size
            else:
                private += size
    return resident, private


# ---------------------------------------------------------------------------- what is measured

@dataclasses.dataclass
class Samples:
    """The repetitions of one figure."""
    values: list

    def median(self):
        return statistics.median(self.values)

    def spread(self):
        """How far from the median the farther quartile is, as a part of it."""
        if len(self.values) < 2:
            return 0.0
        low, _, high = statistics.quantiles(self.values, n=4, method="inclusive")
        middle = self.median()
        return max(middle - low, high - middle) / middle if middle else 0.0


def interleaved(cases, repetitions, what):
    """Runs every case, then every case again, and so on: what else the machine does falls on all of
    them alike. cases: {name: function that returns {figure: number}}. Returns {name: {figure: Samples}}."""
    results = {name: {} for name in cases}
    for repetition in range(repetitions):
        say(f"   {what}: {repetition + 1} of {repetitions}")
        for name, measure in cases.items():
            for figure, value in measure().items():
                results[name].setdefault(figure, Samples([])).values.append(value)
    return results


# ---------------------------------------------------------------------------- PostgreSQL

class Postgres:
    """A cluster of its own, fsync on, reached through a socket. scripts/private-postgres.sh has what is
    not as PostgreSQL has it; `settings`, NAME=VALUE, come after that."""

    def __init__(self, folder, settings=()):
        self.folder = folder / "postgres"
        self._number = 0
        self._script("private_postgres_start", *settings)
        self.postmaster = int((self.folder / "data/postmaster.pid").read_text(encoding="ascii").split()[0])

    def _script(self, function, *settings):
        run(["bash", "-euc", f'. "{ROOT}/scripts/private-postgres.sh"; {function} "$@"', "-", self.folder, *settings])

    def conninfo(self, database):
        return f"host={self.folder} user=txindex dbname={database}"

    def sql(self, text, database="postgres"):
        return run(["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-d", self.conninfo(database), "-c", text]).strip()

    @contextlib.contextmanager
    def database(self):
        """A fresh one. What earlier ones have left to write is written before."""
        self._number += 1
        name = f"bench_{self._number}"
        self.sql(f"CREATE DATABASE {name}")
        self.sql("CHECKPOINT")
        try:
            yield name
        finally:
            self.sql(f"DROP DATABASE {name} WITH (FORCE)")

    def cpu_seconds(self):
        return cpu_seconds(self.postmaster)

    def stop(self):
        self._script("private_postgres_stop")


# ---------------------------------------------------------------------------- the server

def line_with(pattern, log, process, seconds):
    """The first group of the pattern, once the file `log` has it. Fails with all of the file when the
    process ends, or has not said so within that time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ended = process.poll() is not None
        if found := re.search(pattern, log.read_text(encoding="utf-8")):
            return found[1]
        if ended:
            break
        time.sleep(0.02)
    raise Failure(f"{process.args[0]} did not start:\n{log.read_text(encoding='utf-8')}")


class Server:
    """txindexd on free ports, until the end of the block."""

    def __init__(self, build, conninfo, *flags, folder):
        self.log = folder / "server.log"
        self._output = open(self.log, "w", encoding="utf-8")
        self._process = subprocess.Popen(
            [build / "txindexd", "--listen=127.0.0.1:0", "--admin=off", f"--database={conninfo}", *flags],
            stderr=self._output, start_new_session=True)
        self.pid = self._process.pid
        try:
            self.address = line_with(r"listening on ([^\s,]+)", self.log, self._process, START_SECONDS)
        except BaseException:
            self.stop()
            raise

    def workers(self):
        return [pid for pid in family(self.pid) if pid != self.pid]

    def cpu_seconds(self):
        return cpu_seconds(self.pid)

    def stop(self):
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(60)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._output.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def load(build, address, *flags):
    """What `txindex load --json` reports, and `cpu_seconds`, its own."""
    process = subprocess.Popen([build / "txindex", "load", "--server", address, "--json", "--quiet", *map(str, flags)],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    output, errors = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise Failure(f"txindex load: exit status {process.returncode}\n{errors}{output}")
    report = json.loads(output)
    report["cpu_seconds"] = usage.ru_utime + usage.ru_stime
    return report


def meanwhile(work, beside):
    """What `work` returns. Until then `beside`, if there is one, is called again and again."""
    if beside is None:
        return work()
    with concurrent.futures.ThreadPoolExecutor() as other:
        going = other.submit(work)
        while not going.done():
            beside()
    return going.result()


def allow_open_files():
    """As many as the machine lets this user have: for the server's connections."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def middle_of_an_hour():
    """Microseconds since 1970: half past of the hour before this one. Stamps from there on are far from
    the boundaries of partitions, close to which every row has one more to write."""
    return (int(time.time()) // PARTITION_SECONDS * PARTITION_SECONDS - PARTITION_SECONDS // 2) * 1_000_000


@dataclasses.dataclass(frozen=True)
class Kind:
    """What `txindex gen` makes: the first `count` of so many."""
    count: int
    mix: str = "transfer"
    bytes: int = 0  # of each; 0: as it comes
    seed: int = 1
    accounts: int = 1000
    at: int = 0  # seconds after Bench.begin, the stamp of the first


def window(connections):
    """How many each may have unacknowledged: 32,768 together, which keeps a server busy. With more of them
    a short run would all be sent at once, and a worker that has been given less would be idle at its end."""
    return max(1, min(8192, 32_768 // connections))


def check_stored(report, stored):
    """That all that were sent were new, acknowledged as such, and are in the database."""
    if not report["total"] == report["committed"] == stored:
        raise Failure(f"of {report['total']} transactions {report['committed']} were acknowledged as committed and "
                      f"{stored} are stored")


class Bench:
    """The programs, the PostgreSQL and the transactions that all parts use."""

    def __init__(self, build, out, extent, settings=(), millions=()):
        """extent: one of EXTENTS."""
        self.build, self.out, self.extent = build, out, extent
        self.settings = settings  # of PostgreSQL
        self.millions = millions  # of rows, for growth; empty: as it likes
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="txindex-bench."))
        self.folder.chmod(0o755)
        self.postgres = None
        self._files = {}
        self.begin = middle_of_an_hour()

    def __enter__(self):
        allow_open_files()
        self.postgres = Postgres(self.folder, self.settings)
        return self

    def __exit__(self, *_):
        if self.postgres is not None:
            self.postgres.stop()
        shutil.rmtree(self.folder)

    def choose(self, full, quick, trial):
        """What belongs to the extent."""
        return dict(zip(EXTENTS, (full, quick, trial)))[self.extent]

    def count_for(self, seconds, **settings):
        """As many transactions as take about so long to ingest with these settings, if all is measured."""
        if self.extent != "full":
            return self.choose(None, QUICK_COUNT, TRIAL_COUNT)
        return max(FEWEST, int(round(self.ingest(FEWEST, **settings)["per_second"] * seconds, -3)))

    def transactions(self, count, **what):
        """A .txs file of them; `what` as in Kind. The same ones are sent in every run, each time to a
        database of its own."""
        kind = Kind(count, **what)
        if kind not in self._files:
            path = self.folder / f"{len(self._files)}.txs"
            made = ["--bytes", kind.bytes] if kind.bytes else ["--mix", kind.mix]
            run([self.build / "txindex", "gen", "--quiet", "--count", kind.count, *made, "--seed", kind.seed,
                 "--accounts", kind.accounts, "--time", self.begin + kind.at * 1_000_000, "--out", path])
            self._files[kind] = path
        return self._files[kind]

    def forget(self, path):
        """Removes a file of transactions() that is not needed again."""
        self._files = {kind: file for kind, file in self._files.items() if file != path}
        path.unlink()

    def ingest(self, count, **settings):
        """One end-to-end run with a database of its own: {figure: number}. `settings` as of ingest_into."""
        what = {key: settings.pop(key) for key in ("mix", "bytes") if key in settings}
        with self.postgres.database() as database:
            return self.ingest_into(database, self.transactions(count, **what),
                                    self.transactions(WARM_UP, seed=2, **what), **settings)

    def ingest_into(self, database, path, warm_up, *, level="transactions", backend="auto", workers=2, connections=16,
                    server_flags=(), load_flags=(), beside=None):
        """One end-to-end run: the transactions of the file `path`, after those of `warm_up`, which do not
        count. The database must have none of them. `beside` is called again and again while they are sent."""
        with Server(self.build, self.postgres.conninfo(database), f"--workers={workers}", f"--index-level={level}",
                    f"--verify-backend={backend}", *server_flags, folder=self.folder) as server:
            # Makes the partitions, and the writers' plans.
            load(self.build, server.address, "--connections", workers * 4, "--file", warm_up)
            stored = self.stored(database)
            before = server.cpu_seconds(), self.postgres.cpu_seconds()
            flags = ("--connections", connections, "--window", window(connections), "--file", path, *load_flags)
            report = meanwhile(lambda: load(self.build, server.address, *flags), beside)
            after = server.cpu_seconds(), self.postgres.cpu_seconds()
            memory = [memory_bytes(pid) for pid in server.workers()]
        stored = self.stored(database) - stored
        check_stored(report, stored)
        each = 1e6 / stored
        return {
            "per_second": report["per_second"],
            "server_us": (after[0] - before[0]) * each,
            "postgres_us": (after[1] - before[1]) * each,
            "generator_us": report["cpu_seconds"] * each,
            "gap_ms": report["longest_gap_seconds"] * 1e3,
            "p50_ms": report["latency_us"]["p50"] / 1e3,
            "p99_ms": report["latency_us"]["p99"] / 1e3,
            "p999_ms": report["latency_us"]["p99_9"] / 1e3,
            "resident_mb": max(resident for resident, _ in memory) / 1e6,
            "private_mb": max(private for _, private in memory) / 1e6,
        }

    def stored(self, database):
        """How many there are with the stamps that transactions() gives."""
        since = f"timestamptz 'epoch' + {self.begin} * interval '1 microsecond'"
        return int(self.postgres.sql(f"SELECT count(*) FROM txindex.transactions WHERE ts >= {since}", database))

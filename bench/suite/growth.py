"""Whether the rate falls as the partition that is written to grows. Rows that are there already are made by
SQL in PostgreSQL itself, from some that the server has written, with its tables and indexes. The machine's
speed changes meanwhile; so each ingest follows one of the same transactions into an empty database, of
another PostgreSQL, and what counts is the ratio of the two."""
import concurrent.futures
import contextlib
import itertools
import math
import re
import shutil

import report
from harness import ROOT, TRIAL_COUNT, WARM_UP, Bench, Failure, Samples, say

COLUMNS = [("per_second", "per second"), ("empty_per_second", "empty, per second"), ("ratio", "ratio"),
           ("postgres_us", "PostgreSQL, µs"), ("empty_postgres_us", "empty, µs"), ("wal_bytes", "WAL, bytes"),
           ("empty_wal_bytes", "empty, bytes"), ("checkpoints", "checkpoints"), ("bytes", "stored, bytes a row"),
           ("index_bytes", "of them indexes")]
HISTORY = [("alone_ms", "nothing else, ms"), ("beside_ms", "beside an ingest, ms"),
           ("per_second", "the ingest, per second")]
# So many of an address's newest transactions are a page; so many addresses are asked for, a part of them at once.
PAGE, ADDRESSES, AT_ONCE = 50, 100, 10
MILLIONS = {"full": (0, 1, 10, 30), "quick": (0, 1), "trial": (0, 0.01)}
# What users are told to set.
RECOMMENDED = ROOT / "config/postgresql/ingest.conf"
SHARED_MEMORY_MIB = 4400  # what PostgreSQL takes with these
# So many accounts take part, so many transactions are written by the server for the others to be made from, and
# so many are sent each time. After a checkpoint PostgreSQL logs each page whole that is touched for the first time:
# `after_checkpoint` are sent meanwhile, and measured apart. Of `sustained` at a stretch, last, the indexes do not
# stay in the processor's caches even where they begin empty.
FULL = {"accounts": 100_000, "models": 100_000, "count": 200_000, "after_checkpoint": 600_000,
        "sustained": 1_000_000}
TRIAL = {"accounts": 100, "models": TRIAL_COUNT, "count": TRIAL_COUNT, "after_checkpoint": TRIAL_COUNT,
         "sustained": 2 * TRIAL_COUNT}
# What is made has stamps of eighteen minutes, which end a minute before those of what is sent, and begin so
# late in the hour that the rows are not close to the boundary between partitions.
FILL_SECONDS = 18 * 60
# Bytes of disk for each: tables, indexes, and sorting for the largest of these.
ROW_BYTES = {"transactions": 600 + 90, "accounts": 1200 + 270}
OTHER_BYTES = 5 << 30
# What of PostgreSQL's log stays, at the most: max_wal_size.
LOG_MAX_BYTES = 16 << 30
MAINTENANCE = "SET maintenance_work_mem = '1GB'; SET max_parallel_maintenance_workers = 2;"
# Keys that come in no order leave a B-tree's pages so full, in per cent; one that is made at once is fuller.
RANDOM_FILL = 70
HOUR = 3600


def recommended():
    lines = RECOMMENDED.read_text(encoding="utf-8").splitlines()
    return tuple(re.sub(r"\s*=\s*", "=", line) for line in lines if re.match(r"\w+\s*=", line))


def huge_pages_suffice():
    """For two PostgreSQL with the recommended shared_buffers."""
    return report.machine()["huge_pages_free_mib"] >= 2 * SHARED_MEMORY_MIB


def check_disk(bench, level, sizes, repetitions, extent):
    rows = sizes[-1] * 1_000_000
    sent = (len(sizes) * (extent["after_checkpoint"] + repetitions * extent["count"])
            + repetitions * extent["sustained"])
    stored = (rows + sent) * ROW_BYTES[level]
    needed = stored + min(stored, LOG_MAX_BYTES) + OTHER_BYTES
    free = shutil.disk_usage(bench.folder).free
    if free < needed:
        raise Failure(f"growth to {rows / 1e6:g} million rows (index.level = {level}) needs {needed / 1e9:.0f} GB, "
                      f"and {bench.folder.parent} has {free / 1e9:.0f}; set TMPDIR to where there is more, or take "
                      f"fewer, for example --rows 0,1,10")


class Grown:
    """A database whose one partition grows."""

    def __init__(self, bench, database, level, most, extent):
        self._bench, self.database = bench, database
        self._filled = 0
        self._step = FILL_SECONDS * 1_000_000 / max(most, 1)
        models = bench.transactions(extent["models"], seed=3, accounts=extent["accounts"])
        bench.ingest_into(database, models, bench.transactions(WARM_UP, seed=4), level=level)
        parents = ["transactions", "transaction_accounts"][: 1 if level == "transactions" else 2]
        self._leaves = {parent: self._sql(f"SELECT leaf FROM txindex.leaves() WHERE parent = '{parent}'")
                        for parent in parents}
        if any("\n" in leaf or not leaf for leaf in self._leaves.values()):
            raise Failure(f"not one partition, but: {self._leaves}")
        self._make_models()

    def _sql(self, text):
        return self._bench.postgres.sql(text, self.database)

    def rows(self):
        return int(self._sql(f"SELECT count(*) FROM {self._leaves['transactions']}"))

    def bytes(self):
        """(tables and indexes, indexes alone)"""
        sizes = [self._sql(f"SELECT pg_total_relation_size('{leaf}') || ' ' || pg_indexes_size('{leaf}')").split()
                 for leaf in self._leaves.values()]
        return tuple(sum(int(size[i]) for size in sizes) for i in range(2))

    def addresses(self):
        """(the one that is in most transactions, some others)"""
        found = self._sql(f"""
            SELECT txindex.base58(account)
              FROM (SELECT account, row_number() OVER (ORDER BY count(*) DESC) AS rank
                      FROM public.postings GROUP BY account) ranked
              ORDER BY rank > 1, md5(account) LIMIT {ADDRESSES + 1}""").splitlines()
        return found[0], found[1:]

    def history_ms(self, addresses):
        """How long PostgreSQL takes for a page of each address's newest, in one session."""
        said = self._sql("; ".join(f"EXPLAIN (ANALYZE, TIMING off) SELECT * FROM txindex.account_history('{address}', "
                                   f"NULL, {PAGE})" for address in addresses))
        return [float(ms) for ms in re.findall(r"^Execution Time: (\S+) ms", said, re.M)]

    def _make_models(self):
        self._sql(f"""CREATE UNLOGGED TABLE public.models AS
            SELECT row_number() OVER (ORDER BY ts, id) - 1 AS model, t.* FROM {self._leaves['transactions']} t;
            ANALYZE public.models""")
        self._models = int(self._sql("SELECT count(*) FROM public.models"))
        if "transaction_accounts" in self._leaves:
            self._sql(f"""CREATE UNLOGGED TABLE public.postings AS
                SELECT m.model, a.chain, a.roles, a.account
                  FROM public.models m JOIN {self._leaves['transaction_accounts']} a USING (ts, id);
                ANALYZE public.postings""")

    def fill(self, rows):
        """Until there are so many."""
        missing = rows - self.rows()
        if missing <= 0:
            return
        say(f"   making {missing:,} rows")
        before = self._definitions()
        for leaf in self._leaves.values():
            # Their indexes are made anew from all rows, in a fraction of the time.
            self._sql(f"UPDATE pg_index SET indisready = false WHERE indrelid = '{leaf}'::regclass")
        first, last = self._filled + 1, self._filled + missing
        ids = self._ids(missing) - first
        self._filled = last
        self._insert("transactions", first, last, f"""
            (ts, id, slot, received_at, chain, version, signature_count, account_count, instruction_count,
             txid, fee_payer, recent_blockhash, raw)
            SELECT {self._stamp()}, {ids} + n, m.slot, {self._stamp()}, m.chain, m.version, m.signature_count,
                   m.account_count, m.instruction_count, sha512(int8send(n)), m.fee_payer, m.recent_blockhash,
                   overlay(m.raw PLACING sha512(int8send(n)) FROM 2)
              FROM numbers n JOIN public.models m ON m.model = n % {self._models}""")
        if "transaction_accounts" in self._leaves:
            self._insert("transaction_accounts", first, last, f"""
                (ts, id, chain, roles, account)
                SELECT {self._stamp()}, {ids} + n, p.chain, p.roles, p.account
                  FROM numbers n JOIN public.postings p ON p.model = n % {self._models}""")
        self._make_indexes()
        after = self._definitions()
        if after != before:
            raise Failure(f"the tables are not as the server made them, but\n{after}\nin place of\n{before}")
        for leaf in self._leaves.values():
            self._sql(f"VACUUM (FREEZE, ANALYZE) {leaf}")

    def _definitions(self):
        """What must be the same before and after."""
        leaves = ", ".join(f"'{leaf}'::regclass" for leaf in self._leaves.values())
        return self._sql(f"""
            SELECT pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisready, i.indislive, i.indisunique, c.reloptions,
                   inhparent::regclass
              FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid LEFT JOIN pg_inherits ON inhrelid = c.oid
              WHERE i.indrelid IN ({leaves}) ORDER BY 1;
            SELECT oid::regclass, reloptions FROM pg_class WHERE oid IN ({leaves}) ORDER BY 1""")

    def _stamp(self):
        begin = self._bench.begin - (FILL_SECONDS + 60) * 1_000_000
        return f"timestamptz 'epoch' + ({begin} + floor(n * {self._step})) * interval '1 microsecond'"

    def _ids(self, count):
        """The first of so many that nobody else has: the server takes them in blocks of 2^20."""
        blocks = math.ceil(count / 2**20)
        first = int(self._sql("SELECT nextval('txindex.transaction_id_block')"))
        self._sql(f"SELECT setval('txindex.transaction_id_block', {first + blocks})")
        return first << 20

    def _insert(self, parent, first, last, what):
        """INSERT of `what`, which is made from numbers n, first to last; by two sessions."""
        middle = (first + last) // 2
        statement = f"SET work_mem = '256MB'; SET jit = off; INSERT INTO {self._leaves[parent]} {what}"
        with concurrent.futures.ThreadPoolExecutor() as sessions:
            done = [sessions.submit(self._sql, statement.replace("numbers n", f"generate_series({a}::bigint, {b}) n"))
                    for a, b in ((first, middle), (middle + 1, last))]
        for one in done:
            one.result()

    def _make_indexes(self):
        for leaf in self._leaves.values():
            indexes = self._sql(f"""SELECT indexrelid::regclass, pg_get_indexdef(indexrelid, 1, false) = 'ts'
                                      FROM pg_index WHERE indrelid = '{leaf}'::regclass""")
            for name, ascending in (line.split("|") for line in indexes.splitlines()):
                if ascending == "f":
                    self._sql(f"ALTER INDEX {name} SET (fillfactor = {RANDOM_FILL})")
                self._sql(f"{MAINTENANCE} REINDEX INDEX {name}")
                if ascending == "f":
                    self._sql(f"ALTER INDEX {name} RESET (fillfactor)")


def ingest(bench, database, level, count, files, **settings):
    """Bench.ingest_into, and how much log was written meanwhile, and how many checkpoints there were."""
    numbers = "SELECT pg_current_wal_lsn() - '0/0', checkpoints_timed + checkpoints_req FROM pg_stat_bgwriter"
    before = bench.postgres.sql(numbers).split("|")
    figures = bench.ingest_into(database, *files, level=level, **settings)
    after = bench.postgres.sql(numbers).split("|")
    wal, checkpoints = (int(end) - int(begin) for begin, end in zip(before, after))
    return figures | {"wal_bytes": wal / (count + WARM_UP), "checkpoints": checkpoints}


class Pair:
    """Measures ingests into the database of one PostgreSQL against empty ones of another."""

    def __init__(self, own, reference, level, extent):
        self._own, self._reference, self._level, self._extent = own, reference, level, extent
        self._turn = 0

    @contextlib.contextmanager
    def _files(self, count, hours=0):
        """Transactions, those that warm up last, that nobody has sent yet."""
        self._turn += 1
        files = [self._own.transactions(n, seed=1000 + self._turn + number, accounts=self._extent["accounts"],
                                        at=self._turn + hours * HOUR)
                 for number, n in ((0, count), (500, WARM_UP))]
        try:
            yield files
        finally:
            for path in files:
                self._own.forget(path)

    def ingest_alone(self, database, count, beside):
        """One ingest into the database, with nothing to compare it to; `beside` as Bench.ingest_into has it."""
        with self._files(count) as files:
            return ingest(self._own, database, self._level, count, files, beside=beside)

    def measure(self, database, count, hours=0):
        """One ingest into the database, or into an empty one if that is None, after one of the same into an empty
        one. The transactions are others each time; they belong to the partition so many hours later."""
        with self._files(count, hours) as files:
            with self._reference.postgres.database() as empty:
                reference = ingest(self._reference, empty, self._level, count, files)
            if database is not None:
                figures = ingest(self._own, database, self._level, count, files)
            else:
                with self._own.postgres.database() as empty:
                    figures = ingest(self._own, empty, self._level, count, files)
        return (figures | {f"empty_{key}": value for key, value in reference.items()}
                | {"ratio": figures["per_second"] / reference["per_second"]})


def history(grown, ingest):
    """Pages of addresses: alone, and beside `ingest`, which calls what it is given while transactions are sent."""
    busiest, others = grown.addresses()
    parts = [others[at : at + AT_ONCE] for at in range(0, len(others), AT_ONCE)]
    found = {}
    for name, turns in (("", parts), (", the busiest", [[busiest] * AT_ONCE])):
        turns = itertools.cycle(turns)
        alone = [ms for _ in range(ADDRESSES // AT_ONCE) for ms in grown.history_ms(next(turns))]
        beside = []
        figures = ingest(lambda: beside.extend(grown.history_ms(next(turns))))
        found[name] = {"alone_ms": Samples(alone), "beside_ms": Samples(beside),
                       "per_second": Samples([figures["per_second"]])}
    return found


def part(bench, parts, level="transactions"):
    repetitions, extent = bench.choose((5, FULL), (2, FULL), (1, TRIAL))
    sizes = sorted(bench.millions or MILLIONS[bench.extent])
    check_disk(bench, level, sizes, repetitions, extent)
    results = parts[f"growth, {level}"] = {}
    pages = {}
    # For both or for neither: one of two would get what there is of large pages.
    settings = (*recommended(), f"huge_pages={'on' if huge_pages_suffice() else 'off'}", *bench.settings)
    say(f"   {' '.join(settings)}")
    with (Bench(bench.build, bench.out, bench.extent, settings) as own,
          Bench(bench.build, bench.out, bench.extent, settings) as reference):
        # Hours that are over are left for the partitions of the last row.
        own.begin -= repetitions * HOUR * 1_000_000
        reference.begin = own.begin
        pair = Pair(own, reference, level, extent)

        def repeat(name, database, count, times, hours=0):
            for repetition in range(times):
                say(f"   {name}: {repetition + 1} of {times}")
                for figure, value in pair.measure(database, count, hours * (repetition + 1)).items():
                    results.setdefault(name, {}).setdefault(figure, Samples([])).values.append(value)

        with own.postgres.database() as database:
            grown = Grown(own, database, level, sizes[-1] * 1_000_000, extent)
            for millions in sizes:
                grown.fill(round(millions * 1_000_000))
                name = f"{millions:g} million"
                if millions:
                    own.postgres.sql("CHECKPOINT")
                    repeat(f"{name}, just after a checkpoint", database, extent["after_checkpoint"], 1)
                repeat(name, database if millions else None, extent["count"], repetitions)
                for figure, size in zip(("bytes", "index_bytes"), grown.bytes()):
                    results[name][figure] = Samples([size / grown.rows()])
                if level == "accounts" and millions:
                    for which, page in history(grown, lambda beside: pair.ingest_alone(
                            database, extent["count"], beside)).items():
                        pages[name + which] = page
            repeat(f"{sizes[-1]:g} million, {extent['sustained']:,} at a stretch", database, extent["sustained"],
                   repetitions)
            repeat(f"{sizes[-1]:g} million, in another partition", database, extent["count"], repetitions, 1)
    say(report.table(f"Rows that are in the partition already, index.level = {level}", results, COLUMNS, "rows"))
    if pages:
        parts["history"] = pages
        say(report.table(f"The newest {PAGE} of an address", pages, HISTORY, "rows"))
    report.curve(bench.out / f"growth_{level}.svg", f"Growth, index.level = {level}",
                 {size: results[f"{size:g} million"]["ratio"] for size in sizes},
                 "million rows in the partition", "rate, divided by that into an empty database")


def accounts(bench, parts):
    part(bench, parts, "accounts")

"""What must hold, whatever happens. Each check gives sentences about what is wrong, none when all is well."""
import re
import threading
from dataclasses import dataclass, field

import psycopg

from services import processes_left

COORDINATOR_KIB_MAX = 512 << 10
REGIONS = ("usa", "chn")
# Tables that one publication of a kind replaces together.
TABLES = {
    "correlation": ("correlation_{}", "correlation_neighbours_{}", "correlation_edges_{}"),
    "cross-correlation": ("correlation_unsubmitted_{}",),
    "features": ("alpha_features_{}",),
    "clusters": ("alpha_clusters_{}", "alpha_cluster_methods_{}", "alpha_tree_{}"),
    "selection": ("alpha_selection_{}",),
}
# What differs from one publication of the same result to the next.
VOLATILE = "{job_id,last_updated,correlation_id}"


@dataclass(frozen=True)
class Content:
    """A table as one snapshot shows it."""
    rows: int
    jobs: tuple
    digest: str

    @property
    def result(self):
        return self.rows, self.digest


def content(connection, table, job=None):
    """Rows, jobs, and a digest of all rows in an order of their own."""
    where = "" if job is None else f"WHERE job_id = {int(job)}"
    row = connection.execute(f"""
        SELECT count(*), array_agg(DISTINCT job_id), md5(coalesce(string_agg(h, '' ORDER BY h), ''))
        FROM (SELECT job_id, md5((to_jsonb(t) - '{VOLATILE}'::text[])::text) AS h FROM {table} t {where}) hashed
        """).fetchone()
    return Content(row[0], tuple(row[1] or ()), row[2])


def region_tables():
    return [(kind, region, [name.format(region) for name in names]) for region in REGIONS for kind, names in TABLES.items()]


@dataclass
class Expected:
    """The outcome of every job without faults."""
    digests: dict = field(default_factory=dict)
    tables: dict = field(default_factory=dict)
    job_rows: dict = field(default_factory=dict)

    @staticmethod
    def of(connection, ended):
        """Taken when each kind of job has ended once."""
        expected = Expected()
        for _, _, names in region_tables():
            for name in names:
                expected.tables[name] = content(connection, name).result
        for number, spec, _, _, digest in ended:
            expected.digests[spec.name] = digest
            expected.job_rows[spec.name] = rows_of_job(connection, number, spec)
        return expected


def rows_of_job(connection, number, spec):
    """What a job published to the tables that are keyed by job; empty when it went to the region's own."""
    names = [name.format(spec.body["region"].lower()) + "_jobs" for name in TABLES[spec.body["kind"]]]
    return tuple(content(connection, name, number).result for name in names)


class Reader:
    """Somebody who looks at the results all the time, and remembers what is wrong with them."""

    def __init__(self, database, expected, say):
        self.database, self.expected, self.say = database, expected, say
        self.wrong, self.looks, self.last, self.epoch = [], 0, {}, 0
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True, name="reader")
        self.thread.start()

    def run(self):
        connection = None
        while not self.is_over.wait(0.3):
            try:
                connection = connection if connection and not connection.closed else self.database.connect()
                with connection.transaction():
                    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                    self.look(connection)
            except psycopg.Error:
                connection = None

    def stop(self):
        self.is_over.set()
        self.thread.join(30)

    def note(self, sentence):
        self.say(f"VIOLATION: {sentence}")
        self.wrong.append(sentence)

    def look(self, connection):
        """One snapshot of everything."""
        self.looks += 1
        epoch = connection.execute("SELECT epoch FROM coordinator_lease").fetchone()[0]
        if epoch < self.epoch:
            self.note(f"the epoch went from {self.epoch} back to {epoch}")
        if epoch > self.epoch:
            self.say(f"epoch {epoch}")
        self.epoch = epoch
        for kind, region, names in region_tables():
            found = {name: content(connection, name) for name in names}
            for name, now in found.items():
                if now.result != self.expected.tables[name]:
                    self.note(f"{name} showed {now.rows} rows of jobs {now.jobs} that are not the whole result")
            self.look_at_jobs(connection, kind, region, found)

    def look_at_jobs(self, connection, kind, region, found):
        jobs = {job for now in found.values() for job in now.jobs}
        if len(jobs) > 1:
            self.note(f"{', '.join(found)} showed rows of jobs {sorted(jobs)} at once")
        newest = connection.execute(
            """SELECT max(job_id) FROM jobs WHERE state = 'done' AND kind = %s AND lower(region) = %s
               AND result_table NOT LIKE '%%\\_jobs'""", (kind, region)).fetchone()[0]
        if jobs and newest not in jobs:
            self.note(f"{', '.join(found)} showed job {max(jobs)} when job {newest} was the last one done")
        if jobs and max(jobs) < self.last.get((kind, region), 0):
            self.note(f"{', '.join(found)} showed job {max(jobs)} after job {self.last[kind, region]}")
        self.last[kind, region] = max(jobs, default=self.last.get((kind, region), 0))


def check_jobs(connection, ended, expected):
    """Every job is done, with the digest and the rows of a run without faults."""
    wrong = []
    for number, spec, state, error, digest in ended:
        if state != "done":
            wrong.append(f"job {number} ({spec.name}) is {state}: {error}")
        elif digest != expected.digests[spec.name]:
            wrong.append(f"job {number} ({spec.name}) has digest {digest}, not {expected.digests[spec.name]}")
        elif rows_of_job(connection, number, spec) != expected.job_rows[spec.name]:
            wrong.append(f"job {number} ({spec.name}) has lost, doubled or changed rows")
    rest = connection.execute("SELECT job_id, state, error FROM jobs WHERE state <> 'done' ORDER BY job_id").fetchall()
    return wrong + [f"job {number} is {state}: {error}" for number, state, error in rest]


def check_tables(connection, expected):
    """The regions' tables hold the whole result, once."""
    return [f"{name} has lost, doubled or changed rows" for name, result in expected.tables.items()
            if content(connection, name).result != result]


def check_epochs(services):
    """Of all coordinators together, no epoch was taken twice."""
    taken = []
    for service in services:
        with open(service.log, encoding="utf-8", errors="replace") as log:
            taken += [int(number) for number in re.findall(r"coordinator ready.*?epoch=(\d+)|epoch=(\d+).*?coordinator ready",
                      log.read()) for number in number if number]
    return [] if len(taken) == len(set(taken)) else [f"an epoch was taken twice: {sorted(taken)}"]


def check_memory(coordinators):
    return [f"{service.name} grew to {service.rss_kib_max >> 10} MiB" for service in coordinators
            if service.rss_kib_max > COORDINATOR_KIB_MAX]


def check_logs(services):
    return [line for service in services for line in service.complaints()]


def check_nothing_left(but):
    return [f"{process} is left behind" for process in processes_left(but)]

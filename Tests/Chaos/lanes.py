"""Jobs in a row. A lane has one job at a time; several lanes run at once."""
import threading
import time
import urllib.error
from dataclasses import dataclass

import psycopg

FINAL = ("done", "failed", "cancelled")
# A coordinator that is taken for dead can write nothing after so long, so a request of unknown fate has none by then.
DOUBT_SECONDS = 25
# One that has answered, if only that it could not, is through with the request.
REFUSED_SECONDS = 5


@dataclass(frozen=True)
class Spec:
    """A kind of job, as it is asked for."""
    name: str
    request: tuple

    @property
    def body(self):
        return dict(self.request)


def spec(kind, region, **more):
    name = f"{kind} {region}" + (" of other parameters" if "convention" in more else "")
    return Spec(name, tuple({"kind": kind, "region": region, "window": "all", **more}.items()))


def own(kind, region, **more):
    """With the region's own parameters, so that it publishes to the region's own tables."""
    return Spec(f"{kind} {region}", tuple({"kind": kind, "region": region, **more}.items()))


# No two lanes publish to the same table, so each table's job numbers only grow.
LANES = [
    [own("correlation", "USA", block_edge=8, fresh=True, top=5, threshold=0.4)],
    [own("features", "USA", block_edge=8),
     own("clusters", "USA", block_edge=16, params={"methods": "hdbscan,average,mst", "min_cluster_size": "5"}),
     own("cross-correlation", "USA", block_edge=8),
     own("selection", "USA", block_edge=16, threshold=0.5)],
    [own("correlation", "CHN", block_edge=8, fresh=True, top=3, threshold=0.5), own("features", "CHN", block_edge=8),
     own("clusters", "CHN", block_edge=16, params={"methods": "umap,dbscan,single"})],
    [spec("correlation", "USA", block_edge=8, convention="ffill-diff", top=2, precision="float32"),
     spec("correlation", "CHN", block_edge=16, convention="common-dates", fresh=True)],
]


class Lane:
    """One of the rows of jobs; its number is the priority of its jobs, by which the database knows them."""

    def __init__(self, number, specs, cluster, say):
        self.number, self.specs, self.cluster, self.say = number, specs, cluster, say
        self.ended = []
        self.failure = None
        self.is_over = threading.Event()
        self.thread = None

    def begin(self, jobs=None):
        """As many jobs as that, or until it is told to stop; a job that has begun is waited for."""
        self.thread = threading.Thread(target=self.run, args=[jobs], daemon=True, name=f"lane {self.number}")
        self.thread.start()

    def run(self, jobs):
        try:
            while not self.is_over.is_set() and not self.failure and len(self.ended) != jobs:
                self.job(self.specs[len(self.ended) % len(self.specs)])
        except Exception as error:  # pylint: disable=broad-except
            self.failure = f"lane {self.number}: {error!r}"

    def job(self, wanted):
        """Asks for a job and waits for its end, however long that takes: who waits for the lane has the bound."""
        started = time.monotonic()
        number = self.submit(wanted)
        while True:
            row = self.row("SELECT state, error, digest FROM jobs WHERE job_id = %s", number)
            if row and row[0] in FINAL:
                break
            time.sleep(0.1)
        self.ended.append((number, wanted, *row))
        self.say(f"job {number} ({wanted.name}) is {row[0]} after {time.monotonic() - started:.1f} s")
        if row[0] != "done":
            self.failure = f"job {number} ({wanted.name}) is {row[0]}: {row[1]}"

    def submit(self, wanted):
        last = self.newest()
        while True:
            leader = self.cluster.ready_leader()
            if not leader:
                time.sleep(0.3)
                continue
            doubt = DOUBT_SECONDS
            try:
                return leader.ask("/v1/jobs", {**wanted.body, "priority": self.number})["job_id"]
            except urllib.error.HTTPError as error:
                self.say(f"lane {self.number}: refused with {error.code}: {error.read(300)!r}")
                # One that was taken for dead and wakes up says that there is a conflict.
                if error.code < 500 and error.code != 409:
                    raise
                doubt = REFUSED_SECONDS
            except (OSError, ValueError) as error:
                self.say(f"lane {self.number}: no answer: {error!r}")
            # The row may be there, or appear later, although nobody said so.
            deadline = time.monotonic() + doubt
            while time.monotonic() < deadline:
                if (found := self.newest()) != last:
                    return found
                time.sleep(0.2)

    def newest(self):
        return self.row("SELECT coalesce(max(job_id), 0) FROM jobs WHERE priority = %s", self.number)[0]

    def row(self, query, *parameters):
        """Asked again until the database answers."""
        while True:
            try:
                with self.cluster.database.connect() as connection:
                    return connection.execute(query, parameters).fetchone()
            except psycopg.Error:
                time.sleep(0.2)

"""Figures 8 and 9: a whole region from PostgreSQL and back, cold and warm."""
import contextlib
import glob
import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from datetime import timedelta
from urllib.parse import urlparse

import psycopg

from harness import Figure, median, number

ALPHAS, DAYS = 3_000, 1_250
PSQL = max(glob.glob("/usr/lib/postgresql/*/bin/psql"), default="psql")


@contextlib.contextmanager
def cluster(bench, workers=1):
    """A cluster of its own on this machine; of one worker with a slot for every core, as hosts are meant to have."""
    state = tempfile.mkdtemp(prefix="state-", dir=bench.folder)
    # Its database's own user has to get here too; otherwise its files would be kept elsewhere, and stay.
    os.chmod(state, 0o711)
    environment = bench.environment | {"ALPHAGRID_STATE": state}
    up = subprocess.Popen([bench.program("alphagrid"), "up", "--workers", str(workers), "--state", state,
                           "--slots", str(max(1, bench.cores // workers))],
                          env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        connection = os.path.join(state, "connection.json")
        deadline = time.time() + 60
        while not os.path.exists(connection) and time.time() < deadline and up.poll() is None:
            time.sleep(0.1)
        with open(connection) as file:
            place = json.load(file)
        bench.environment["ALPHAGRID_STATE"] = state
        while bench.json("status")["status"]["workers_connected"] < workers and time.time() < deadline:
            time.sleep(0.1)
        yield state, place
    finally:
        bench.environment.pop("ALPHAGRID_STATE", None)
        up.send_signal(signal.SIGTERM)
        up.wait(timeout=60)


def seconds(bench, *arguments):
    """Of a whole `alphagrid run --wait`, from its start to published rows."""
    start = time.perf_counter()
    bench.json("run", *arguments, "--region", "USA", "--wait")
    return time.perf_counter() - start


class Submitter:
    """Submits correlation jobs over HTTP, and looks every 5 ms whether their rows are published."""

    def __init__(self, state, place):
        with open(f"{state}/token") as file:
            self.headers = {"Authorization": f"Bearer {file.read().strip()}", "Content-Type": "application/json"}
        self.connection = http.client.HTTPConnection(urlparse(place["url"]).netloc)

    def connect(self):
        """Anew for every job: a connection that is idle for long, while a peer computes, is closed by the coordinator."""
        self.connection.close()
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, method, path, body=None):
        self.connection.request(method, path, body, self.headers)
        answer = self.connection.getresponse()
        text = answer.read()
        assert answer.status in (200, 201), text
        return json.loads(text)

    def run(self, region):
        """Seconds from the request to published rows."""
        self.connect()
        start = time.perf_counter()
        job = self.ask("POST", "/v1/jobs", json.dumps({"kind": "correlation", "region": region}))
        while job["state"] != "done":
            assert job["state"] not in ("failed", "cancelled"), job
            time.sleep(0.005)
            job = self.ask("GET", f"/v1/jobs/{job['job_id']}")
        return time.perf_counter() - start


def wait_for_kept(state):
    """Panel and state are written behind the job's back."""
    deadline = time.time() + 30
    while time.time() < deadline:
        if all(glob.glob(f"{state}/panels/*{end}") for end in (".entry", ".state")) and not glob.glob(
                f"{state}/panels/*.partial"):
            break
        time.sleep(0.05)
    # What the last job began to write may not be there yet, and a change's own writing goes on behind it.
    time.sleep(1.2)


def figures(bench):
    if not bench.has_peer("pipeline_pandas.py"):
        return []
    bench.say("figures 8 and 9: a region from PostgreSQL")
    # A cold run is of a region that was never computed: its panel is nowhere, its blocks have not been sent to any worker, and
    # its tables of results are empty.
    regions = ["WARMUP"] + [f"COLD{turn}" for turn in range(bench.rounds)]
    with cluster(bench) as (state, place), psycopg.connect(place["database"], autocommit=True) as database:
        for region in regions:
            bench.alphagrid("db", "import", bench.synthetic(ALPHAS, DAYS, "--region", region), "--region", region)
            bench.alphagrid("db", "configure", "--region", region, "--window", "all")
        # PostgreSQL would do this by itself, but in the middle of a run.
        database.execute("VACUUM ANALYZE")
        submitter = Submitter(state, place)
        submitter.run("WARMUP")
        cold, peer, copies, computes = [], [], [], []
        for region in regions[1:]:
            wait_for_kept(state)
            cold.append(submitter.run(region))
            copies.append(raw_copy(bench, place["database"], region))
            data = bench.synthetic(ALPHAS, DAYS, "--region", region)
            computes.append(bench.json("correlate", data, "--window", "all", "--quiet")["seconds"]["compute"])
            peer.append(number(r"total ([0-9.]+) s", bench.peer("pipeline_pandas.py", place["database"], region)))
        whole = f"whole region from PostgreSQL and back, cold, float64, {ALPHAS:,} x {DAYS:,}"
        found = [
            Figure.at_least("8", whole + ", against pandas", 20, cold, peer),
            Figure.at_most("8", "the same over one raw COPY of its rows plus the bare compute", 1.5, cold,
                           [a + b for a, b in zip(copies, computes)],
                           note=f"COPY {median(copies):.2f} s, compute {median(computes):.2f} s, cold {median(cold):.2f} s"),
        ]
        return found + warm(bench, submitter, database, state, regions[-1], cold)


def raw_copy(bench, url, region):
    """By psql, which does nothing with the rows but write them away."""
    start = time.perf_counter()
    with open("/dev/null", "w") as nowhere:
        subprocess.run([PSQL, "-X", "-q", url, "-c",
                        f"COPY (SELECT alpha_id, date, pnl FROM pnl_{region.lower()}) TO STDOUT (FORMAT binary)"],
                       stdout=nowhere, check=True, env=bench.environment)
    return time.perf_counter() - start


def warm(bench, submitter, database, state, region, cold):
    """Each change is made by plain SQL, as another program would make it."""
    pnl = f"pnl_{region.lower()}"

    def nothing(_):
        pass

    def alphas(turn):
        for place in range(10):
            name = f"NEW{turn}X{place}"
            database.execute(
                "INSERT INTO alphas (alpha_id, region_id, alpha_type) SELECT %s, region_id, 'REGULAR' FROM regions "
                "WHERE region_name = %s", (name, region))
            database.execute(
                f"INSERT INTO {pnl} (alpha_id, date, pnl) SELECT %s, date, pnl + random() * 1000 FROM {pnl} "
                f"WHERE alpha_id = (SELECT min(alpha_id) FROM {pnl})", (name,))

    def day(turn):
        last = database.execute(f"SELECT max(date) FROM {pnl}").fetchone()[0]
        database.execute(
            f"INSERT INTO {pnl} (alpha_id, date, pnl) SELECT alpha_id, %s, pnl + random() * 1000 FROM {pnl} "
            "WHERE date = %s", (last + timedelta(days=1), last))

    found = []
    for what, bar, change in [("nothing changed", 0.15, nothing), ("10 new alphas", 0.25, alphas), ("one new day", 0.35, day)]:
        taken = []
        submitter.run(region)
        for turn in range(bench.rounds):
            wait_for_kept(state)
            change(turn)
            taken.append(submitter.run(region))
        found.append(Figure.at_most("9", f"the same warm, {what}, over cold", bar, taken, [median(cold)] * len(taken),
                                    note=f"{median(taken):.2f} s"))
    return found

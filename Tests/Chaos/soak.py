"""Many jobs in a row while workers come and go: the coordinator's memory must stay as it is. See Scripts/soak."""
import argparse
import collections
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

from database import Database
from services import Service, Supervisor, count, resident_kib
from storm import Storm

WARM_UP_JOBS = 50
GROWTH_MAX = 0.05
JOB_SECONDS_MAX = 120

JOBS = [
    {"kind": "correlation", "region": "USA", "block_edge": 16, "fresh": True, "threshold": 0.5},
    {"kind": "features", "region": "USA"},
    {"kind": "clusters", "region": "USA", "block_edge": 32, "params": {"methods": "hdbscan,average", "min_cluster_size": "5"}},
    {"kind": "correlation", "region": "CHN", "block_edge": 16, "fresh": True},
    {"kind": "selection", "region": "USA", "block_edge": 32, "threshold": 0.5},
    {"kind": "correlation", "region": "USA", "block_edge": 32, "window": "all", "convention": "ffill-diff", "fresh": True},
    {"kind": "cross-correlation", "region": "USA", "block_edge": 16},
]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Soak:
    """A coordinator, two workers and a database on this machine."""

    def __init__(self, folder, options):
        self.folder, self.options = folder, options
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("OPENBLAS_", "PG", "ALPHAGRID_"))}
        self.environment = {**kept, "HOME": folder, "NO_COLOR": "1"}
        self.database = Database(folder, "127.0.0.1", self.environment, port=free_port())
        self.environment["ALPHAGRID_DATABASE"] = self.database.url()
        self.state, self.port, self.http = os.path.join(folder, "state"), free_port(), f"127.0.0.1:{free_port()}"
        self.environment["ALPHAGRID_STATE"] = self.state
        self.coordinator = self.service("coordinator", [
            "alphagrid", "coordinator", "--bind", f"tcp://127.0.0.1:{self.port}", "--http", self.http])
        self.workers = [self.service(f"worker{number}", [
            "alphagrid-worker", "--connect", f"tcp://127.0.0.1:{self.port}", "--slots", "1", "--memory", "128MiB"])
            for number in (1, 2)]
        self.samples, self.kinds = [], collections.Counter()

    def service(self, name, command):
        program = [os.path.join(self.options.bin, command[0]), *command[1:]]
        return Service(name, program, os.path.join(self.folder, f"{name}.log"), self.environment, restarts=False)

    @property
    def services(self):
        return [*self.workers, self.coordinator, self.database.service]

    def command(self, *words):
        done = subprocess.run(
            [os.path.join(self.options.bin, words[0]), *words[1:]], capture_output=True, text=True, env=self.environment)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(words)} failed: {done.stderr.strip()}")
        return done.stdout

    def ask(self, path, body=None):
        request = urllib.request.Request(f"http://{self.http}{path}", json.dumps(body).encode() if body else None)
        with open(os.path.join(self.state, "token"), encoding="ascii") as file:
            request.add_header("Authorization", f"Bearer {file.read().strip()}")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def start(self):
        self.database.start()
        self.command("alphagrid", "db", "init")
        for region, alphas, seed, more in (("USA", 120, 1, []), ("CHN", 80, 3, []), ("USA", 30, 2, ["--unsubmitted"])):
            file = os.path.join(self.folder, f"pnl-{seed}.csv")
            self.command("alphagrid-synthetic", "--region", "EUR" if more else region, "--alphas", str(alphas), "--days", "200",
                         "--seed", str(seed), "--out", file)
            self.command("alphagrid", "db", "import", file, "--region", region, *more)
        profile = json.loads(self.command("alphagrid-worker", "--describe"))
        profile["epilogue_version"] = int(profile["profile"].rsplit("/e", 1)[1])
        self.coordinator.start()
        self.until(lambda: os.path.exists(os.path.join(self.state, "connection.json")), "the coordinator")
        for worker in self.workers:
            worker.start()
        self.until(lambda: self.ask("/v1/status")["workers_connected"] == 2, "the workers")
        return profile

    def until(self, ready, what):
        deadline = time.monotonic() + JOB_SECONDS_MAX
        while not ready():
            if time.monotonic() > deadline or self.coordinator.pid is None:
                raise RuntimeError(f"waited in vain for {what}")
            time.sleep(0.05)

    def run(self, profile):
        storm = Storm(self.port, profile, self.options.workers)
        began, released = time.monotonic(), 0
        for number in range(self.options.jobs):
            due = self.options.workers * (number + 1) // self.options.jobs
            storm.release(due - released)
            released = due
            self.job(JOBS[number % len(JOBS)])
            self.samples.append(resident_kib(self.coordinator.pid))
        storm.thread.join(60)
        seconds = time.monotonic() - began
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.kinds.items()))
        print(f"{self.options.jobs} jobs in {seconds:.0f} s: {kinds}")
        print(f"{storm.welcomed} workers came and went, {storm.goodbyes} with a goodbye, {storm.leases} messages unanswered")
        if storm.failures or storm.welcomed != self.options.workers:
            raise RuntimeError(f"not all workers of the storm were let in: {storm.failures[:3]}")

    def job(self, wanted):
        number = self.ask("/v1/jobs", wanted)["job_id"]
        self.until(lambda: self.ask(f"/v1/jobs/{number}")["state"] in ("done", "failed", "cancelled"), f"job {number}")
        view = self.ask(f"/v1/jobs/{number}")
        if view["state"] != "done":
            raise RuntimeError(f"job {number} ({wanted['kind']}) is {view['state']}: {view.get('error')}")
        self.kinds[wanted["kind"]] += 1

    def judge(self):
        """The coordinator's memory per quarter, and whether it has grown."""
        counted = self.samples[min(WARM_UP_JOBS, len(self.samples) // 2):]
        size = max(1, len(counted) // 4)
        quarters = [statistics.median(counted[place * size:(place + 1) * size]) / 1024 for place in range(4)]
        growth = quarters[3] / quarters[0] - 1
        print("resident memory of the coordinator, median MiB per quarter: " + "  ".join(f"{q:.1f}" for q in quarters))
        print(f"first to last quarter: {growth:+.1%} (bar: at most +{GROWTH_MAX:.0%})")
        return growth <= GROWTH_MAX


def main():
    parser = argparse.ArgumentParser(prog="Scripts/soak")
    parser.add_argument("--bin", required=True, help="folder of the programs")
    parser.add_argument("--jobs", type=count, default=500, help="how many, one after another (500)")
    parser.add_argument("--workers", type=count, default=1000, help="how many workers come and go meanwhile (1000)")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    folder = tempfile.mkdtemp(prefix="alphagrid-soak-")
    os.chmod(folder, 0o711)
    soak = Soak(folder, options)
    supervisor = Supervisor(soak.services, lambda text: print(text, file=sys.stderr))
    try:
        soak.run(soak.start())
        fine = soak.judge()
    except BaseException:
        print("".join(soak.coordinator.tail()), file=sys.stderr)
        raise
    finally:
        supervisor.stop()
        for service in soak.services:
            service.stop(30)
        complaints = [line for service in soak.services for line in service.complaints()]
        shutil.rmtree(folder, ignore_errors=True)
    for line in complaints:
        print(line)
    sys.exit(0 if fine and not complaints else 1)


if __name__ == "__main__":
    main()

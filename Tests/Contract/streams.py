"""What 200 open streams of events and 100 requests a second cost a running job: the same run, with and without. See
Scripts/contract.

Every round runs the job three times: alone; with the load; and beside a program that uses the CPU as much as the load's own
program did, and talks to nobody. What the third costs is what measuring costs: the load comes from the same machine here. The
CPU seconds of the coordinator and of PostgreSQL say the same once more, without a clock on the wall.
"""
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

import psycopg

from cluster import Cluster

COST_MAX = 0.05
PATHS = ["/v1/status", "/v1/jobs?limit=5", "/v1/workers", "/v1/regions/USA/results/correlation?limit=20"]
ROUNDS_MIN = 3
# What a round begins with, until everybody is connected and has been told of the present.
SETTLE_SECONDS = 1.5
ARMS = ["alone", "loaded", "burning"]


class Beside:
    """The program that goes on beside a job."""

    def __init__(self, order):
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(os.path.dirname(__file__), "load.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True)
        # Not an argument: it has a token.
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        if self.process.stdout.readline() != "ready\n":
            sys.exit("streams: the load does not start")

    def stop(self):
        said, _ = self.process.communicate()
        if self.process.returncode != 0:
            sys.exit("streams: the load has failed")
        return json.loads(said)


class Accounts:
    """CPU seconds that have gone into the coordinator, the workers and PostgreSQL with all who have left it."""

    def __init__(self, cluster):
        with open(f"{cluster.folder}/state/postgres/data/postmaster.pid") as file:
            self.postgres = int(file.readline())
        self.coordinator = cluster.coordinator_id()
        self.worker = next(pid for pid, (name, parent, _, _) in self.processes().items()
                           if parent == cluster.process.pid and name.startswith("alphagrid-work"))

    @staticmethod
    def processes():
        found, ticks = {}, os.sysconf("SC_CLK_TCK")
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat") as file:
                    head, _, tail = file.read().rpartition(")")
            except OSError:
                continue
            fields = tail.split()
            own, children = (sum(map(int, fields[at:at + 2])) / ticks for at in (11, 13))
            found[int(pid)] = (head.partition("(")[2], int(fields[1]), own, children)
        return found

    def now(self):
        found = self.processes()
        postgres = sum(found[self.postgres][2:]) + sum(
            own for _, parent, own, _ in found.values() if parent == self.postgres)
        return {"coordinator": found[self.coordinator][2], "postgres": postgres, "worker": found[self.worker][2]}


def seconds_of_job(cluster):
    """From the first lease to the last merge, as the coordinator's log has it."""
    body = json.dumps({"kind": "correlation", "region": "USA", "fresh": True}).encode()
    request = urllib.request.Request(cluster.url + "/v1/jobs", body, {
        "Authorization": f"Bearer {cluster.token}", "Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        job = json.load(answer)["job_id"]
    while True:
        view = json.loads(cluster.get(f"/v1/jobs/{job}"))
        if view["state"] in ("done", "failed", "cancelled"):
            break
        time.sleep(0.5)
    if view["state"] != "done":
        sys.exit(f"streams: job {job} is {view['state']}: {view.get('error')}")
    with open(os.path.join(cluster.environment["ALPHAGRID_STATE"], "logs", "coordinator.log")) as log:
        for line in log:
            # The log is text or JSON.
            found = re.search(r'"?running_seconds"?[=:] ?"?([0-9.]+)', line)
            if "job done" in line and found and re.search(rf'"?job"?[=:] ?"?{job}\b', line):
                return float(found.group(1))
    sys.exit(f"streams: the log says nothing of job {job}")


def run(cluster, accounts, order):
    """One job, beside a load, a burner or nobody: its seconds, CPU seconds per second by program, and what the other one says."""
    beside = Beside(order) if order else None
    time.sleep(SETTLE_SECONDS)
    before, began = accounts.now(), time.monotonic()
    seconds = seconds_of_job(cluster)
    spent, after = time.monotonic() - began, accounts.now()
    told = beside.stop() if beside else {}
    return {"seconds": seconds, "told": told, "cpu": {name: (after[name] - before[name]) / spent for name in after}}


def rounds_of(cluster, options):
    accounts = Accounts(cluster)
    load = {"url": cluster.url, "token": cluster.token, "streams": options.streams, "rate": options.rate, "paths": PATHS}
    share = None
    for number in range(options.rounds):
        found = {}
        # Each is the first in its turn; the very first is not the one that burns as much as the last load.
        for arm in ARMS[number % 3:] + ARMS[:number % 3]:
            orders = {"alone": None, "loaded": load, "burning": {"burn": share, "rate": options.rate}}
            found[arm] = run(cluster, accounts, orders[arm])
            told = found[arm]["told"]
            if arm == "loaded":
                share = told["cpu_seconds"] / told["seconds"]
                expect_load(told, options)
        print(f"round {number + 1}: " + ", ".join(f"{arm} {found[arm]['seconds']:.2f} s" for arm in ARMS), flush=True)
        yield found


def expect_load(told, options):
    if told["failures"]:
        sys.exit(f"streams: {told['failures']} requests failed")
    # Less than it was meant to be proves nothing.
    if told["answers"] < 0.9 * options.rate * told["seconds"] or told["events"] < 0.7 * (told["seconds"] - 1):
        sys.exit(f"streams: in {told['seconds']:.1f} s only {told['answers']} answers and {told['events']:.1f} events a stream")


def told_of(name, costs):
    """The median, and between which two it is seven times in eight, given seven rounds."""
    inner = sorted(costs)[1:-1]
    print(f"{name}: {100 * statistics.median(costs):.1f} % ({100 * inner[0]:.1f} to {100 * inner[-1]:.1f}; "
          + ", ".join(f"{100 * cost:.1f}" for cost in costs) + ")")
    return statistics.median(costs)


def report(rounds, options):
    for arm in ARMS:
        cpu = {name: statistics.median(found[arm]["cpu"][name] for found in rounds) for name in rounds[0][arm]["cpu"]}
        print(f"{arm}: " + ", ".join(f"{found[arm]['seconds']:.2f}" for found in rounds) + " s; CPU seconds a second "
              + ", ".join(f"{name} {value:.3f}" for name, value in cpu.items()))
    told = [found["loaded"]["told"] for found in rounds]
    answers = sorted(seconds for one in told for seconds in one["answer_seconds"])

    def rate(name):
        return statistics.median(one[name] / one["seconds"] for one in told)

    print(f"load: {rate('answers'):.0f} requests/s, half of them within {1000 * statistics.median(answers):.1f} ms, 99 % within "
          f"{1000 * answers[len(answers) * 99 // 100]:.0f} ms; each stream {rate('events'):.2f} events/s, all together "
          f"{rate('bytes') / 1e3:.0f} kB/s; CPU seconds a second of its own {rate('cpu_seconds'):.3f}")
    for name in ("coordinator", "postgres"):
        costs = [found["loaded"]["cpu"][name] - found["alone"]["cpu"][name] for found in rounds]
        told_of(f"CPU that the load makes {name} use, of one core", costs)
    ratio = {arm: [found[arm]["seconds"] / found["alone"]["seconds"] - 1 for found in rounds] for arm in ARMS}
    whole = told_of("the job takes longer beside the load by", ratio["loaded"])
    told_of("and beside a program that only burns what the load's own does by", ratio["burning"])
    own = told_of(
        "which leaves", [loaded - burning for loaded, burning in zip(ratio["loaded"], ratio["burning"])])
    print(f"cost {100 * whole:.1f} % of the job with the load's own program on the same machine, {100 * own:.1f} % without it "
          f"(bar: {100 * COST_MAX:.0f} %)")
    return own < COST_MAX


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--alphas", type=int, default=12_000)
    parser.add_argument("--days", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--rate", type=int, default=100)
    options = parser.parse_args()
    if options.rounds < ROUNDS_MIN:
        parser.error(f"expected at least {ROUNDS_MIN} rounds")
    folder = tempfile.mkdtemp(prefix="agstreams-")
    os.chmod(folder, 0o711)
    try:
        cluster = Cluster(os.path.abspath(options.bin), folder)
        try:
            cluster.load(options.alphas, options.days)
            with open(f"{folder}/state/connection.json") as file:
                database = json.load(file)["database"]
            # PostgreSQL would tidy up behind the import in the middle of the first rounds, whoever is measured just then.
            with psycopg.connect(database, autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")
            seconds_of_job(cluster)
            rounds = list(rounds_of(cluster, options))
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(0 if report(rounds, options) else 1)


main()

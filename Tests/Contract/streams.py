"""What 200 open streams of events and 100 requests a second cost a running job: the same run, with and without. See
Scripts/contract."""
import argparse
import json
import os
import re
import shutil
import socket
import statistics
import sys
import tempfile
import threading
import time
import urllib.request
from urllib.parse import urlparse

from cluster import Cluster

COST_MAX = 0.05
PATHS = ["/v1/status", "/v1/jobs?limit=5", "/v1/workers", "/v1/regions/USA/results/correlation?limit=20"]


class Load:
    """Streams that read what they get, and a steady row of requests over a few connections."""

    def __init__(self, cluster, streams, rate):
        self.cluster, self.rate = cluster, rate
        self.place = urlparse(cluster.url)
        self.isOver, self.events, self.answers, self.failures = False, 0, 0, 0
        self.sockets = [self.stream() for _ in range(streams)]
        self.threads = [threading.Thread(target=self.read), threading.Thread(target=self.ask)]
        for thread in self.threads:
            thread.start()

    def connect(self):
        return socket.create_connection((self.place.hostname, self.place.port))

    def head(self, path):
        return (f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.cluster.token}\r\n\r\n").encode()

    def stream(self):
        connection = self.connect()
        connection.sendall(self.head("/v1/events"))
        connection.setblocking(False)
        return connection

    def read(self):
        while not self.isOver:
            for connection in self.sockets:
                try:
                    self.events += connection.recv(1 << 20).count(b"event: status")
                except BlockingIOError:
                    pass
            time.sleep(0.25)

    def ask(self):
        connection = self.connect()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader = connection.makefile("rb")
        began = time.monotonic()
        while not self.isOver:
            time.sleep(max(0, began + self.answers / self.rate - time.monotonic()))
            connection.sendall(self.head(PATHS[self.answers % len(PATHS)]))
            self.failures += b" 200 " not in reader.readline()
            length = 0
            while (line := reader.readline()) not in (b"\r\n", b""):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            reader.read(length)
            self.answers += 1

    def stop(self):
        self.isOver = True
        for thread in self.threads:
            thread.join()
        for connection in self.sockets:
            connection.close()


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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--alphas", type=int, default=12_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--rate", type=int, default=100)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="agstreams-")
    os.chmod(folder, 0o711)
    try:
        cluster = Cluster(os.path.abspath(options.bin), folder)
        try:
            cluster.load(options.alphas, 1_000)
            seconds_of_job(cluster)
            alone, loaded, told = [], [], []
            for _ in range(options.rounds):
                alone.append(seconds_of_job(cluster))
                load = Load(cluster, options.streams, options.rate)
                began = time.monotonic()
                loaded.append(seconds_of_job(cluster))
                spent = time.monotonic() - began
                load.stop()
                told.append((load.events / options.streams / spent, load.answers / spent))
                if load.failures:
                    sys.exit(f"streams: {load.failures} requests failed")
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    cost = statistics.median(b / a for a, b in zip(alone, loaded)) - 1
    print(f"alone {', '.join(f'{s:.2f}' for s in alone)} s; with {options.streams} streams and {options.rate} requests/s "
          f"{', '.join(f'{s:.2f}' for s in loaded)} s")
    print(f"each stream {statistics.median(e for e, _ in told):.2f} events/s, "
          f"{statistics.median(r for _, r in told):.0f} requests/s answered")
    print(f"cost {100 * cost:.1f} % of the job (bar: {100 * COST_MAX:.0f} %)")
    sys.exit(0 if cost < COST_MAX else 1)


main()

"""Many finished jobs: the coordinator's memory may not grow with them. See Scripts/contract."""
import argparse
import json
import os
import re
import shutil
import sys
import tempfile
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from cluster import Cluster

GROWTH_MIB_MAX = 10


def resident_mib(pid):
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) / 1024


def run_job(cluster, _):
    body = json.dumps({"kind": "features", "region": "USA", "fresh": True}).encode()
    request = urllib.request.Request(cluster.url + "/v1/jobs", body, {
        "Authorization": f"Bearer {cluster.token}", "Content-Type": "application/json"})
    while True:
        try:
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)["job_id"]
        except urllib.error.HTTPError as error:
            # As many wait as may.
            if error.code not in (409, 429, 503):
                raise
            time.sleep(0.2)


def wait_for(cluster, job):
    while json.loads(cluster.get(f"/v1/jobs/{job}"))["state"] not in ("done", "failed"):
        time.sleep(0.2)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--jobs", type=int, default=10_000)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="aghistory-")
    os.chmod(folder, 0o711)
    try:
        cluster = Cluster(os.path.abspath(options.bin), folder)
        try:
            cluster.load(4, 80)
            pid = cluster.coordinator_id()
            samples, began = [], time.monotonic()
            # The first tenth is for everything that is made once.
            for part in range(10):
                with ThreadPoolExecutor(4) as pool:
                    jobs = list(pool.map(lambda n: run_job(cluster, n), range(options.jobs // 10)))
                wait_for(cluster, max(jobs))
                samples.append(resident_mib(pid))
                print(f"{(part + 1) * options.jobs // 10} jobs finished: {samples[-1]:.1f} MiB, "
                      f"{time.monotonic() - began:.0f} s", flush=True)
            listed = json.loads(cluster.get("/v1/jobs?limit=1000&state=done,failed&sort=job_id"))
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    failed = [job for job in listed["jobs"] if job["state"] != "done"]
    growth = samples[-1] - samples[0]
    print(f"memory of the coordinator: {samples[0]:.1f} MiB after a tenth, {samples[-1]:.1f} MiB at the end: "
          f"{growth:+.1f} MiB (bar: {GROWTH_MIB_MAX} MiB); {len(failed)} of the first 1,000 jobs failed")
    sys.exit(0 if growth <= GROWTH_MIB_MAX and not failed else 1)


main()

"""The Slurm script with a real worker and made-up jobs: it takes the job's share of the node and drains before the job ends."""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SCRIPT = os.path.join(os.path.dirname(__file__), "..", "..", "Deploy", "slurm", "alphagrid-worker.sbatch")


class Grid:
    """A cluster of this machine without workers, which the script's are to join."""

    def __init__(self, binaries, folder):
        self.binaries, self.folder, self.jobs = binaries, folder, []
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("OPENBLAS_", "PG", "ALPHAGRID_", "SLURM_"))}
        self.environment = {**kept, "ALPHAGRID_STATE": folder, "XDG_CACHE_HOME": folder, "NO_COLOR": "1"}
        self.process = subprocess.Popen(
            [os.path.join(binaries, "alphagrid"), "up", "--workers", "1", "--slots", "1", "--http", "127.0.0.1:0", "--bind",
             "tcp://127.0.0.1:0"], env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        until("the cluster", lambda: self.workers() is not None)
        with open(os.path.join(folder, "connection.json"), encoding="utf-8") as file:
            self.endpoint = json.load(file)["endpoint"]

    def workers(self):
        """Of the script: by name, how many slots; None while there is no cluster."""
        done = subprocess.run([os.path.join(self.binaries, "alphagrid"), "workers", "--json"], capture_output=True, text=True,
                              env=self.environment, check=False)
        if done.returncode != 0:
            return None
        listed = json.loads(done.stdout)
        return {one["worker"]: one["slots"] for one in listed["workers"] if one["worker"].startswith("slurm-")}

    def job(self, number, tools="", **variables):
        """The script, as Slurm would start it."""
        self.jobs.append(subprocess.Popen(
            ["bash", SCRIPT], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            env={**self.environment, "ALPHAGRID_CONNECT": self.endpoint, "SLURM_JOB_ID": str(number), "SLURM_CPUS_PER_TASK": "1",
                 "SLURM_MEM_PER_NODE": "2048", "ALPHAGRID_DRAIN_SECONDS": "30",
                 "PATH": f"{tools}{self.binaries}:{os.environ['PATH']}", **variables}))
        return self.jobs[-1]

    def stop(self):
        for job in self.jobs:
            # The worker is of the script's session.
            if job.poll() is None:
                os.killpg(job.pid, signal.SIGKILL)
        self.process.terminate()
        self.process.communicate(timeout=60)


def until(what, ready, seconds=60):
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {seconds} s for {what}")
        time.sleep(0.1)


def expect(job, number, cause):
    """The job's worker has drained and its script has ended with 0; gives the seconds that took."""
    output, _ = job.communicate(timeout=60)
    for sentence in (cause, "drained; leaving", f"slurm job {number}: the worker left with status 0"):
        if sentence not in output:
            raise RuntimeError(f"job {number} does not say '{sentence}':\n{output}")
    if job.returncode != 0:
        raise RuntimeError(f"job {number} ended with {job.returncode}:\n{output}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True, help="folder of the programs")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="alphagrid-slurm-")
    os.chmod(folder, 0o711)
    grid = Grid(os.path.abspath(options.bin), folder)
    try:
        began = time.time()
        ends = grid.job(101, SLURM_JOB_END_TIME=str(int(began) + 36))
        asked = grid.job(102)
        cancelled = grid.job(103, SLURM_JOB_END_TIME=str(int(began) + 3600))
        tools = os.path.join(folder, "tools")
        os.makedirs(tools)
        with open(os.path.join(tools, "squeue"), "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n[ \"$*\" = '--noheader --jobs 104 --format %e' ] && "
                       f"date --date=@{int(began) + 36} +%Y-%m-%dT%H:%M:%S\n")
        os.chmod(file.name, 0o755)
        queued = grid.job(104, tools=f"{tools}:")
        until("four workers", lambda: grid.workers() == {f"slurm-{number}": 1 for number in range(101, 105)})
        # Of a job without an end that Slurm tells: the signal that the script asked for. Of one that is cancelled: Slurm sends
        # SIGTERM to the script and to the worker.
        asked.send_signal(signal.SIGUSR1)
        expect(asked, 102, "the end is near: draining")
        worker = subprocess.run(["pgrep", "-P", str(cancelled.pid), "alphagrid"], capture_output=True, text=True, check=True)
        for pid in (cancelled.pid, int(worker.stdout.split()[0])):
            os.kill(pid, signal.SIGTERM)
        expect(cancelled, 103, "draining")
        for job, number in ((ends, 101), (queued, 104)):
            expect(job, number, "s before the job ends")
            if not began + 5 <= time.time() <= began + 36:
                raise RuntimeError(f"job {number} drained after {time.time() - began:.1f} s of 36, not 30 before its end")
        print("Slurm: four jobs took their share of the node, and drained when the clock, squeue, a signal and scancel said so")
    finally:
        grid.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())

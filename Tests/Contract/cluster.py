"""A cluster of its own for those who ask it over HTTP."""
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pandas as pd

START_SECONDS_MAX = 60


class Cluster:
    """A coordinator with a database of its own and one worker, and a region in which everything is published."""

    def __init__(self, binaries, folder):
        self.binaries, self.folder = binaries, folder
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("OPENBLAS_", "PG", "ALPHAGRID_"))}
        self.environment = {**kept, "HOME": folder, "NO_COLOR": "1", "ALPHAGRID_STATE": f"{folder}/state"}
        self.log = open(f"{folder}/up.log", "w")
        self.process = subprocess.Popen(
            [f"{binaries}/alphagrid", "up", "--workers", "1", "--slots", "1"], env=self.environment, stdout=self.log,
            stderr=self.log, stdin=subprocess.DEVNULL, start_new_session=True)
        end = time.monotonic() + START_SECONDS_MAX
        while subprocess.run(
                [f"{binaries}/alphagrid", "workers"], env=self.environment, capture_output=True, text=True).stdout == "":
            if self.process.poll() is not None or time.monotonic() > end:
                sys.exit(f"contract: the cluster did not start: {open(self.log.name).read()[-2000:]}")
            time.sleep(0.2)
        with open(f"{folder}/state/connection.json") as file:
            self.url = json.load(file)["url"]
        with open(f"{folder}/state/token") as file:
            self.token = file.read().strip()

    def alphagrid(self, *arguments):
        done = subprocess.run(
            [f"{self.binaries}/alphagrid", *map(str, arguments)], env=self.environment, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"contract: alphagrid {' '.join(map(str, arguments))} failed: {done.stderr.strip()}")
        return done.stdout

    def get(self, path, accept="application/json"):
        request = urllib.request.Request(
            self.url + path, headers={"Authorization": f"Bearer {self.token}", "Accept": accept})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def coordinator_id(self):
        with open(f"{self.folder}/state/connection.json") as file:
            return json.load(file)["process_id"]

    def load(self, alphas, days):
        """Synthetic PnL of the region USA."""
        pnl = f"{self.folder}/pnl.csv"
        subprocess.run(
            [f"{self.binaries}/alphagrid-synthetic", "--alphas", str(alphas), "--days", str(days), "--seed", "1", "--out", pnl],
            check=True, env=self.environment, capture_output=True)
        self.alphagrid("db", "import", pnl, "--region", "USA")
        self.alphagrid("db", "configure", "--region", "USA", "--window", "all")
        return pnl

    def fill(self):
        """PnL with what is known of its alphas, and a result of every kind."""
        about = f"{self.folder}/alphas.csv"
        self.table = pd.read_csv(self.load(60, 300), index_col=0)
        ids = self.table.columns
        pd.DataFrame({
            "alpha_id": ids, "sharpe": np.linspace(0.5, 3, len(ids)), "universe": ["TOP3000", "TOP500"] * (len(ids) // 2),
            "delay": [0, 1] * (len(ids) // 2), "alpha_type": "REGULAR",
            "code": [f"group_rank(ts_delta(close, {n}), sector)" for n in range(1, len(ids) + 1)],
        }).to_csv(about, index=False)
        self.alphagrid("db", "import-alphas", about, "--region", "USA")
        # Numbers 1 to 4.
        self.alphagrid("run", "correlation", "--region", "USA", "--threshold", "0.3", "--wait")
        self.alphagrid("run", "features", "--region", "USA", "--wait")
        self.alphagrid("run", "clusters", "--region", "USA", "--param", "methods=hdbscan,average,umap", "--wait")
        self.alphagrid("run", "selection", "--region", "USA", "--threshold", "0.5", "--wait")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(60)
        self.process.kill()
        self.log.close()

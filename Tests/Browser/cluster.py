"""A cluster of its own with synthetic alphas, and the jobs whose results the page shows."""
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time

import psycopg

FORMULAS = [
    "group_rank(ts_rank(est_eps / close, 60), industry)", "-ts_corr(est_ptp, est_fcf, 252)",
    "slope = ts_regression(ts_backfill(news_pct_1min, 60), ts_step(1), 5, rettype=2);\nwinsorize(-slope * abs(slope), std = 4)",
    "rank(ts_delta(close, 5)) * -1", "zscore(volume / adv20)", "group_neutralize(ts_mean(returns, 20), subindustry)",
]


class Cluster:
    """`alphagrid up` in a folder of its own; everything goes when it is closed."""

    def __init__(self, programs, workers=2):
        self.programs = programs
        self.state = tempfile.mkdtemp(prefix="agpage-")
        os.chmod(self.state, 0o711)
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("ALPHAGRID_")}
        self.environment |= {"ALPHAGRID_STATE": f"{self.state}/grid", "NO_COLOR": "1"}
        assets = os.environ.get("ALPHAGRID_ASSETS") or os.path.abspath(".assets")
        self.environment["ALPHAGRID_ASSETS"] = assets
        with open(f"{self.state}/log", "wb") as log:
            self.process = subprocess.Popen(
                [f"{programs}/alphagrid", "up", "--workers", str(workers), "--slots", "1", "--state", f"{self.state}/grid"],
                env=self.environment, stdout=log, stderr=log, start_new_session=True)
        deadline = time.time() + 90
        while b"AlphaGrid is up" not in open(f"{self.state}/log", "rb").read():
            if self.process.poll() is not None or time.time() > deadline:
                raise RuntimeError("the cluster did not start: " + open(f"{self.state}/log").read()[-2000:])
            time.sleep(0.1)
        with open(f"{self.state}/grid/connection.json") as file:
            place = json.load(file)
        self.url, self.database = place["url"], place["database"]

    def run(self, *arguments, program="alphagrid"):
        """Standard output of a command that has to succeed."""
        result = subprocess.run([f"{self.programs}/{program}", *arguments], env=self.environment, capture_output=True, text=True)
        if result.returncode:
            raise RuntimeError(f"{program} {' '.join(arguments)} ended with {result.returncode}: {result.stderr[-1500:]}")
        return result.stdout

    def link(self, role="admin"):
        return json.loads(self.run("open", "--role", role, "--json"))["url"]

    def fill(self, alphas, days=500):
        """A region with PnL, metadata, and one job of every kind."""
        pnl, known = f"{self.state}/pnl.csv", f"{self.state}/alphas.json"
        self.run("--region", "USA", "--alphas", str(alphas), "--days", str(days), "--out", pnl, program="alphagrid-synthetic")
        self.run("db", "import", pnl, "--region", "USA")
        with open(pnl) as file:
            ids = file.readline().strip().split(",")[1:]
        dice = random.Random(1)
        rows = [{"alpha_id": name, "alpha_type": "SUPER" if i % 10 == 0 else "REGULAR",
                 "universe": ["TOP3000", "TOP1000", "TOPSP500"][i % 3], "delay": i % 2,
                 "code": FORMULAS[i % len(FORMULAS)], "is_sharpe": round(dice.uniform(0.5, 3), 2),
                 "is_fitness": round(dice.uniform(0.3, 2), 2)} for i, name in enumerate(ids)]
        with open(known, "w") as file:
            json.dump(rows, file)
        self.run("db", "import-alphas", known, "--region", "USA")
        self.run("run", "correlation", "--region", "USA", "--wait")
        self.run("run", "features", "--region", "USA", "--wait")
        self.run("run", "clusters", "--region", "USA", "--param", "methods=umap,hdbscan,average",
                 "--param", "min_cluster_size=5", "--param", "min_samples=3", "--wait")
        self.run("run", "selection", "--region", "USA", "--wait")
        return ids

    def fill_large(self, alphas):
        """A region that is large on the page alone: rows as jobs would publish them, without the days behind them."""
        pnl = f"{self.state}/small.csv"
        self.run("--region", "EUR", "--alphas", "40", "--days", "120", "--out", pnl, program="alphagrid-synthetic")
        self.run("db", "import", pnl, "--region", "EUR")
        with psycopg.connect(self.database) as connection:
            connection.execute(
                """INSERT INTO alphas (alpha_id, region_id, alpha_type, universe, delay)
                SELECT 'L' || lpad(i::text, 6, '0'), region_id, 'REGULAR',
                    CASE WHEN mod(i, 2) = 0 THEN 'TOP1200' ELSE 'TOP400' END,
                    mod(i, 2) FROM generate_series(1, %s) i, regions WHERE region_name = 'EUR'""", (alphas,))
            connection.execute(
                """INSERT INTO correlation_eur (alpha_id, min_correlation, max_correlation, avg_correlation, median_correlation,
                    max_abs_correlation, pair_count, most_correlated_alpha_id, least_correlated_alpha_id)
                SELECT alpha_id, -random(), random(), random() / 10, random() / 10, random(), %s, alpha_id, alpha_id
                FROM alphas WHERE left(alpha_id, 1) = 'L'""", (alphas - 1,))
            for method, label, place in (("hdbscan", "floor(random() * 20) - 1", "NULL"),
                                         ("umap", "NULL", "ARRAY[random() * 10, random() * 10]")):
                connection.execute(
                    f"""INSERT INTO alpha_clusters_eur (alpha_id, method, label, coordinates)
                    SELECT alpha_id, '{method}', {label}, {place} FROM alphas WHERE left(alpha_id, 1) = 'L'""")

    def make_alike(self, region):
        """The last alpha of a region gets the PnL of the first one, so that two of them are one."""
        table = f"pnl_{region.lower()}"
        with psycopg.connect(self.database) as connection:
            first, last = connection.execute(f"SELECT min(alpha_id), max(alpha_id) FROM {table}").fetchone()
            connection.execute(f"DELETE FROM {table} WHERE alpha_id = %s", (last,))
            connection.execute(
                f"INSERT INTO {table} (alpha_id, date, pnl) SELECT %s, date, pnl FROM {table} WHERE alpha_id = %s", (last, first))

    def _workers(self):
        """Process ids of this cluster's workers, which are children of `alphagrid up`."""
        parent = f"PPid:\t{self.process.pid}\n"
        for name in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                with open(f"/proc/{name}/cmdline", "rb") as line, open(f"/proc/{name}/status") as status:
                    if b"alphagrid-worker" in line.read().split(b"\0")[0] and parent in status.read():
                        yield int(name)

    @contextlib.contextmanager
    def workers_stopped(self):
        stopped = list(self._workers())
        if not stopped:
            raise RuntimeError("no worker of this cluster is to be found")
        for process in stopped:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in stopped:
                os.kill(process, signal.SIGCONT)

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.state, ignore_errors=True)

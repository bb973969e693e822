"""The HTTP interface of a real cluster with real data against its own OpenAPI document. See Scripts/contract."""
import argparse
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import pandas as pd

from cluster import Cluster

HERE = os.path.dirname(os.path.abspath(__file__))


def check_answers(cluster):
    """What schemas cannot say: numbers and files."""
    failures = []

    def expect(is_so, what):
        if not is_so:
            failures.append(what)

    ids = sorted(cluster.table.columns)
    # As the convention ffill-shift has it.
    returns = cluster.table - cluster.table.ffill().shift(1)
    expected = returns.corr(min_periods=60)
    window = np.load(io.BytesIO(cluster.get("/v1/regions/USA/matrix?format=npy&size=1000")))
    truth = expected.loc[ids, ids].to_numpy().copy()
    np.fill_diagonal(truth, 1)
    expect(window.shape == truth.shape and np.nanmax(np.abs(window - truth)) < 1e-10, "the matrix differs from pandas")
    expect((np.isnan(window) == np.isnan(truth)).all(), "other pairs are undefined than in pandas")
    rows = np.load(io.BytesIO(cluster.get("/v1/regions/USA/results/correlation?sort=alpha_id", "application/octet-stream")))
    table = pd.read_csv(io.BytesIO(cluster.get("/v1/regions/USA/results/correlation?sort=alpha_id", "text/csv")))
    expect([name.decode() for name in rows["alpha_id"]] == ids == list(table.alpha_id), "ids of NPY or CSV")
    expect(np.array_equal(rows["max_correlation"], table.max_correlation), "NPY and CSV differ")
    chosen = json.loads(cluster.get(
        "/v1/regions/USA/results/correlation?filter=max_correlation:lt:0.4&sort=-min_correlation&universe=TOP500&delay=1"))
    known = table[(table.max_correlation < 0.4) & table.alpha_id.isin(cluster.table.columns[1::2])]
    known = known.sort_values("min_correlation", ascending=False)
    expect([row[0] for row in chosen["rows"]] == list(known.alpha_id) and chosen["total"] == len(known), "a filtered list")
    alpha = json.loads(cluster.get(f"/v1/regions/USA/alphas/{ids[0]}"))
    expect([mark["kind"] for mark in alpha["code_marks"][:3]] == ["operator", "operator", "field"], "the marks of a formula")
    expect({row["method"] for row in alpha["clusters"]} == {"hdbscan", "average", "umap"}, "clusters of an alpha")
    pnl = json.loads(cluster.get(f"/v1/regions/USA/alphas/{ids[0]}/pnl"))
    own = cluster.table[ids[0]].dropna()
    expect([v for v in pnl["pnl"] if v is not None] == list(own) and pnl["dates"][0] == str(own.index[0]), "an alpha's PnL")
    ordered = json.loads(cluster.get("/v1/regions/USA/matrix?order=cluster&method=average"))
    expect(sorted(ordered["row_ids"]) == ids and len(ordered["labels"]) == len(ids), "the order of the clusters")
    usage = json.loads(cluster.get("/v1/regions/USA/usage"))
    expect(usage["alphas"] == 60 and usage["fields"][0] == {"name": "close", "category": "", "alphas": 60}, "usage")
    events = cluster.get("/v1/events?seconds=0", "text/event-stream").decode()
    expect(all(f"event: {name}\n" in events for name in ("status", "job", "workers")), "the first events")
    expect("event: end\n" in cluster.get("/v1/jobs/1/events", "text/event-stream").decode(), "the end of a job's events")
    return failures


def schemathesis(cluster, name, options, seconds):
    """One run; its output when it found something, else nothing."""
    folder = f"{cluster.folder}/{name}"
    os.makedirs(folder)
    shutil.copy(f"{HERE}/{name}.toml", f"{folder}/schemathesis.toml")
    program = os.path.join(os.path.dirname(sys.executable), "schemathesis")
    environment = {**cluster.environment, "ALPHAGRID_TOKEN": cluster.token, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [program, "run", f"{cluster.url}/openapi.json", "--seed", str(options.seed), "--max-time", str(seconds), "--no-color",
         "--max-examples", str(options.examples)],
        env=environment, cwd=folder, capture_output=True, text=True, timeout=seconds * 10 + 300)
    lines = done.stdout.strip().split("\n")
    print(f"contract: {name}: {lines[-2].strip()} {lines[-1].strip()}", file=sys.stderr)
    return done.stdout + done.stderr if done.returncode != 0 else ""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=40, help="of each of both runs")
    parser.add_argument("--examples", type=int, default=25, help="of every operation and phase")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="agcontract-")
    os.chmod(folder, 0o711)
    try:
        cluster = Cluster(os.path.abspath(options.bin), folder)
        try:
            cluster.fill()
            failures = check_answers(cluster)
            print(f"contract: {len(failures)} answers are wrong {failures or ''}", file=sys.stderr)
            found = "".join(schemathesis(cluster, name, options, options.seconds) for name in ("anything", "real"))
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if found:
        sys.exit(f"{found}\ncontract: the interface does not keep what its document says")
    if failures:
        sys.exit("contract: answers are wrong")


main()

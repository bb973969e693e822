"""Figure 14: features of single alphas, computing alone."""
import json
import os
import sys

import numpy as np
import pandas as pd

from harness import ROOT, Figure

ALPHAS, DAYS = 5_000, 1_250


def agree(ours, theirs):
    """Largest difference of all figures, relative to them or to 1e-4; stops when anything differs by more than allowed."""
    ours, theirs = ours.set_index("alpha_id").sort_index(), theirs.set_index("alpha_id").sort_index()
    assert list(ours.index) == list(theirs.index), "other alphas"
    assert set(ours.columns) == set(theirs.columns), "other features"
    worst = 0.0
    for column in theirs.columns:
        a, b = ours[column], theirs[column]
        if column.endswith("_date"):
            assert (a == b).all(), f"other dates in {column}"
            continue
        assert (a.isna() == b.isna()).all(), f"other undefined fields in {column}"
        worst = max(worst, float(np.nanmax((a - b).abs() / b.abs().clip(lower=1e-4))))
    assert worst <= 1e-8, f"differs from pandas by {worst}"
    return worst


def figures(bench):
    """A time without agreement is worth nothing, so all columns are compared."""
    bench.say(f"figure 14: features, n = {ALPHAS}")
    data, ours_csv, theirs_csv = bench.synthetic(ALPHAS, DAYS), bench.path("features.csv"), bench.path("features-pandas.csv")
    oracle = os.path.join(ROOT, "Tests", "Oracles", "features_pandas.py")
    bench.alphagrid("features", data, "--window", "all", "--format", "csv", "--out", ours_csv, "--quiet")
    ours, one, peer = [], [], []
    for _ in range(bench.rounds):
        said = bench.run(sys.executable, oracle, data, "--out", theirs_csv).stderr
        peer += json.loads(said.strip().split("\n")[-1])["compute_seconds"]
        for taken, more in [(ours, []), (one, ["--workers", 1])]:
            taken.append(bench.json("features", data, "--window", "all", "--quiet", *more)["seconds"]["compute"])
    worst = agree(pd.read_csv(ours_csv), pd.read_csv(theirs_csv))
    what = f"50 features of each alpha, late starts and gaps, n = {ALPHAS:,} x {DAYS:,}, against pandas"
    note = f"largest difference {worst:.1e}"
    return [
        Figure.at_least("14", f"{what}, all cores", 50, ours, peer, note=note),
        Figure.at_least("14", f"{what}, one thread", 50, one, peer, note=note),
    ]

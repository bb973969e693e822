#!/usr/bin/env python3
"""Compares `alphagrid check` and `alphagrid explain` with pandas.

usage: check_pandas.py --bin FOLDER [--seed 1] [--real FILE] [--region USA]

Makes a pool with gaps, late starts and early ends, and candidates with days that the pool lacks and without some that it
has. For every convention and several windows, pandas computes each candidate's correlation with every alpha, the
candidate being one more column of the pool's table, and the verdict from those. --real does the same with a real file as
the pool, for two conventions. --region imports the pools into the database and asks the running coordinator too, which
must answer the same. Prints the largest difference; fails when it exceeds 1e-10 or anything else differs.
"""
import argparse
import json
import math
import os
import re
import subprocess
import tempfile

import numpy as np
import pandas as pd

CONVENTIONS = ["ffill-shift", "ffill-diff", "common-dates", "alphadatabank", "daily-pnl"]
BOOK, THRESHOLD, TOLERANCE, MIN_OVERLAP = 10_000_000, 0.7, 1e-10, 40


def make_pool(path, draw, alphas=60, days=500):
    dates = pd.bdate_range("2019-01-01", periods=days)
    factor = draw.normal(size=days)
    pool = np.cumsum(5_000 * (draw.normal(size=(days, alphas)) + np.outer(factor, draw.normal(size=alphas))), axis=0)
    for alpha in range(alphas):
        pool[: draw.integers(0, days // 2) * (alpha % 3 == 0), alpha] = np.nan
        pool[days - draw.integers(0, days // 3) * (alpha % 4 == 1):, alpha] = np.nan
    pool[draw.random((days, alphas)) < 0.02] = np.nan
    save(pd.DataFrame(pool, index=dates, columns=[f"A{i}" for i in range(alphas)]), path)


def make_candidates(path, draw, pool):
    """Followers of some alphas, with days before, between and behind the pool's, and an alpha's own id."""
    extra = [pool.index[0] - pd.Timedelta(days=9), pool.index[-1] + pd.Timedelta(days=5)]
    other = pool.index.union(pd.date_range(pool.index[40], periods=6, freq="W")).union(extra)
    table = {}
    for number, noise in enumerate([0.2, 1.0, 5.0]):
        base = pool.iloc[:, number + 2].ffill().reindex(other).ffill().fillna(0)
        values = base.to_numpy() + noise * np.cumsum(base.diff().std() * draw.normal(size=len(other)))
        values[draw.random(len(other)) < 0.05] = np.nan
        table[f"C{number}"] = values
    table[pool.columns[1]] = table["C1"] + 1_000 * draw.normal(size=len(other))
    save(pd.DataFrame(table, index=other), path)


def save(frame, path):
    frame.index.name = "date"
    frame.round(2).to_csv(path)


def load(path):
    return pd.read_csv(path, index_col="date", parse_dates=True)


def cut(frame, calendar, window):
    if window == "all":
        return frame
    count, unit = re.fullmatch(r"(\d+)([yd])", window).groups()
    if unit == "d":
        return frame[frame.index >= calendar[max(0, len(calendar) - int(count))]]
    return frame[frame.index > calendar[-1] - pd.DateOffset(years=int(count))]


def returns(pair, convention):
    """Returns of a table of two columns that both have, before any window."""
    if convention in ("common-dates", "alphadatabank"):
        pair = pair.dropna()
        before = pair.shift(1)
        out = pair - before if convention == "common-dates" else (pair - before) / (BOOK + before)
    elif convention == "ffill-shift":
        out = pair - pair.ffill().shift(1)
    else:
        out = pair.ffill().diff() if convention == "ffill-diff" else pair
    return out.dropna()


def correlation(frame):
    return frame.iloc[:, 0].corr(frame.iloc[:, 1]) if len(frame) >= MIN_OVERLAP else math.nan


def sharpe(series, convention):
    changes = series.dropna() if convention == "daily-pnl" else series.dropna().diff().dropna()
    return math.sqrt(252) * changes.mean() / changes.std(ddof=1)


class Difference:
    worst = 0.0

    def near(self, found, expected, what):
        assert abs(found - expected) <= TOLERANCE, f"{what}: {found}, pandas says {expected}"
        self.worst = max(self.worst, abs(found - expected))


def alphagrid(binary, *arguments):
    done = subprocess.run([binary, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, f"{arguments}: exit {done.returncode}: {done.stderr}"
    return done.stdout


def compare(view, pool, own, convention, window, absolute, difference):
    """One candidate's view with what pandas says; returns the verdict."""
    what = f"{convention} {window} {view['alpha_id']}"
    column, expected = own.reindex(pool.index), {}
    for alpha in pool.columns:
        both = cut(returns(pd.concat([pool[alpha], column], axis=1), convention), pool.index, window)
        if alpha != view["alpha_id"] and not math.isnan(correlation(both)):
            expected[alpha] = (correlation(both), len(both))
    assert view["pair_count"] == len(expected) == len(view["most"]) == len(view["least"]), what
    key = abs if absolute else (lambda r: r)
    for match in view["most"] + view["least"]:
        r, days = expected[match["alpha_id"]]
        assert match["days"] == days, f"{what} {match}: pandas has {days} days"
        difference.near(match["correlation"], r, what + match["alpha_id"])
        difference.near(match["sharpe"], sharpe(pool[match["alpha_id"]], convention), "sharpe of " + match["alpha_id"])
    for name, sign in [("most", -1), ("least", 1)]:
        keys = [sign * key(match["correlation"]) for match in view[name]]
        assert keys == sorted(keys), f"{what}: {name} is not in order"
    difference.near(view["sharpe"], sharpe(own, convention), what)
    reaching = [alpha for alpha, (r, _) in expected.items() if key(r) >= THRESHOLD]
    bars = [sharpe(pool[alpha], convention) for alpha in reaching]
    blocking = [bar for bar in bars if not (view["sharpe"] > bar and view["sharpe"] >= bar + 0.1 * abs(bar))]
    assert (view["reaching_count"], view["blocking_count"]) == (len(reaching), len(blocking)), what
    assert view["verdict"] == ("fail" if blocking else "pass"), f"{what}: {view['reason']}"
    return view["verdict"]


def check(run, paths, convention, window, absolute, region, difference):
    pool, candidates = load(paths[0]), load(paths[1])
    flags = ["--convention", convention, "--window", window, "--min-overlap", MIN_OVERLAP, "--top", len(pool.columns), "--json"]
    flags += ["--absolute"] if absolute else []
    answer = json.loads(run("check", paths[1], "--against", paths[0], *flags))
    verdicts = {
        compare(view, pool, candidates[view["alpha_id"]], convention, window, absolute, difference)
        for view in answer["candidates"]
    }
    ids = [view["alpha_id"] for view in answer["candidates"]]
    for i, a in enumerate(ids):
        for j, b in enumerate(ids):
            both = cut(returns(candidates[[a, b]].reindex(pool.index), convention), pool.index, window) if i != j else None
            expected = 1.0 if both is None else correlation(both)
            difference.near(answer["candidate_correlations"][i][j], expected, f"{convention} {window} {a} {b}")
    if region:
        again = json.loads(run("check", paths[1], "--region", region, *flags))
        for name in ("candidates", "candidate_correlations", "warnings", "window_start", "window_end", "pool_size"):
            assert again[name] == answer[name], f"{convention} {window}: {name} of the region is not that of the file"
    return verdicts


def explain(run, path, a, b, window, region, difference):
    pool = load(path)
    flags = ["--window", window, "--min-overlap", MIN_OVERLAP, "--json"]
    answer = json.loads(run("explain", a, b, "--file", path, *flags))
    for view, name in zip(answer["alphas"], (a, b)):
        present = pool[name].dropna().index
        gaps = len(pool.index[(pool.index >= present[0]) & (pool.index <= present[-1])]) - len(present)
        assert (view["first_day"], view["last_day"]) == (str(present[0].date()), str(present[-1].date())), name
        assert (view["days"], view["gaps"]) == (len(present), gaps), name
    assert [view["convention"] for view in answer["correlations"]] == CONVENTIONS
    for view in answer["correlations"]:
        both = cut(returns(pool[[a, b]], view["convention"]), pool.index, window)
        assert [year["year"] for year in view["years"]] == sorted({str(year) for year in both.index.year})
        for part in [view] + view["years"]:
            frame = both[both.index.year == int(part["year"])] if "year" in part else both
            defined = not math.isnan(correlation(frame))
            assert part["days"] == len(frame) and ("correlation" in part) == defined and ("reason" in part) != defined, part
            ends = (str(frame.index[0].date()), str(frame.index[-1].date())) if len(frame) else (None, None)
            assert (part.get("first_day"), part.get("last_day")) == ends, part
            if defined:
                difference.near(part["correlation"], correlation(frame), f"{a} {b} {view['convention']}")
    if region:
        again = json.loads(run("explain", a, b, "--region", region, *flags))
        assert (again["correlations"], again["alphas"]) == (answer["correlations"], answer["alphas"]), f"{a} {b} of the region"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--real")
    parser.add_argument("--region")
    options = parser.parse_args()
    difference, verdicts, draw = Difference(), set(), np.random.default_rng(options.seed)

    def run(*arguments):
        return alphagrid(os.path.join(options.bin, "alphagrid"), *arguments)

    with tempfile.TemporaryDirectory() as folder:
        made = os.path.join(folder, "pool.csv")
        make_pool(made, draw)
        tasks = [(made, "", CONVENTIONS, ["all", "1y", "150d"]), (options.real, "REAL", ["ffill-shift", "common-dates"], ["4y"])]
        for path, suffix, conventions, windows in tasks:
            if path is None:
                continue
            region = options.region and options.region + suffix
            if region:
                run("db", "import", path, "--region", region)
            candidates = os.path.join(folder, f"candidates{suffix}.csv")
            make_candidates(candidates, draw, load(path))
            for convention in conventions:
                for window in windows:
                    verdicts |= check(run, (path, candidates), convention, window, window == "1y", region, difference)
            columns = load(path).columns
            for a, b in [(0, 1), (2, 3), (9, 5)]:
                explain(run, path, columns[a], columns[b], windows[-1], region, difference)
    assert verdicts == {"pass", "fail"}, "no verdict was put to the test"
    print(f"check_pandas.py: agrees with pandas, largest difference {difference.worst:.2g}")


if __name__ == "__main__":
    main()

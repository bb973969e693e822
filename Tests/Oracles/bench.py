#!/usr/bin/env python3
"""Times `alphagrid correlate` against pandas and checks that both say the same.

usage: bench.py --bin FOLDER [--out FILE] [--alphas 2000] [--days 1250]

1. Computing time, reading and writing left out, on made-up data with late starts and gaps: medians of 5 runs of
   AlphaGrid and 3 of pandas, in one go on this machine. A figure without agreement is worth nothing, so all rows are
   compared first.
2. Wall time of the whole command on real data, when ../shared/data is there: median of 5.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import pandas as pd

HERE = os.path.dirname(os.path.abspath(__file__))
REAL = os.path.normpath(os.path.join(HERE, "../../../shared/data/us-equities-pnl.csv.gz"))
RUNS, PANDAS_RUNS, TOLERANCE = 5, 3, {"float64": 1e-10, "float32": 1e-5}


def run(*arguments):
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"bench: {' '.join(map(str, arguments))} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done


def agree(ours, theirs, tolerance):
    """Largest difference of all columns; stops when rows or counts differ, or a figure by more than allowed."""
    ours, theirs = ours.set_index("alpha_id").sort_index(), theirs.set_index("alpha_id").sort_index()
    assert list(ours.index) == list(theirs.index), "other alphas"
    assert (ours["pair_count"] == theirs["pair_count"]).all(), "other pair counts"
    figures = ["min_correlation", "max_correlation", "avg_correlation", "median_correlation"]
    a, b = ours[figures].to_numpy(float), theirs[figures].to_numpy(float)
    assert (np.isnan(a) == np.isnan(b)).all(), "other undefined rows"
    worst = float(np.nanmax(np.abs(a - b)))
    assert worst <= tolerance, f"differs from pandas by {worst}"
    return worst


def compute_times(binary, path, precision, folder):
    """Computing seconds of each run, what the last run said of itself, and its rows."""
    out = os.path.join(folder, f"ours-{precision}.csv")
    flags = [path, "--window", "all", "--min-overlap", "60", "--precision", precision, "--quiet"]
    seconds = []
    for _ in range(RUNS):
        answer = json.loads(run(binary, "correlate", *flags, "--format", "json").stdout)
        seconds.append(answer["seconds"]["compute"])
    run(binary, "correlate", *flags, "--format", "csv", "--out", out)
    return seconds, answer, pd.read_csv(out)


def wall_times(binary, path, precision):
    seconds = []
    for _ in range(RUNS):
        start = time.perf_counter()
        run(binary, "correlate", path, "--window", "all", "--precision", precision, "--format", "csv", "--quiet")
        seconds.append(time.perf_counter() - start)
    return seconds


def machine(answer, binary):
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "unknown")
    return {
        "cpu": model, "cores": len(os.sched_getaffinity(0)), "kernel": platform.release(),
        "profile": answer.get("profile"), "alphagrid": run(binary, "version").stdout.strip(),
        "python": platform.python_version(), "pandas": pd.__version__, "numpy": np.__version__,
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--out")
    parser.add_argument("--alphas", type=int, default=2000)
    parser.add_argument("--days", type=int, default=1250)
    options = parser.parse_args()
    binary = os.path.join(options.bin, "alphagrid")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        data, peer = os.path.join(folder, "synthetic.csv"), os.path.join(folder, "pandas.csv")
        run(os.path.join(options.bin, "alphagrid-synthetic"), "--alphas", options.alphas, "--days", options.days,
            "--late", 0.3, "--gaps", 0.2, "--out", data)
        said = run(sys.executable, os.path.join(HERE, "correlation_pandas.py"), data, "--repeat", PANDAS_RUNS, "--out", peer)
        pandas_seconds = json.loads(said.stderr.strip().splitlines()[-1])["compute_seconds"]
        theirs = statistics.median(pandas_seconds)
        shape = f"synthetic {options.alphas} x {options.days}"
        rows.append({"what": "compute, pandas", "data": shape, "seconds": pandas_seconds, "median": theirs})
        for precision in ("float64", "float32"):
            seconds, answer, table = compute_times(binary, data, precision, folder)
            median = statistics.median(seconds)
            rows.append({
                "what": f"compute, alphagrid {precision}", "data": shape, "seconds": seconds, "median": median,
                "times_as_fast": theirs / median,
                "largest_difference": agree(table, pd.read_csv(peer), TOLERANCE[precision])})
    if os.path.exists(REAL):
        for precision in ("float64", "float32"):
            seconds = wall_times(binary, REAL, precision)
            rows.append({"what": f"wall, alphagrid {precision}", "data": os.path.basename(REAL), "seconds": seconds,
                         "median": statistics.median(seconds)})
    else:
        print(f"bench: {REAL} is not there, so real data are left out", file=sys.stderr)

    facts = machine(answer, binary)
    for key, value in facts.items():
        print(f"{key:10} {value}")
    print(f"\n{'what':28} {'data':28} {'median s':>9} {'min':>7} {'max':>7} {'x pandas':>9} {'largest diff':>13}")
    for row in rows:
        factor = f"{row['times_as_fast']:.1f}" if "times_as_fast" in row else ""
        difference = f"{row['largest_difference']:.1e}" if "largest_difference" in row else ""
        print(f"{row['what']:28} {row['data']:28} {row['median']:9.3f} {min(row['seconds']):7.3f} "
              f"{max(row['seconds']):7.3f} {factor:>9} {difference:>13}")
    if options.out:
        with open(options.out, "w") as file:
            json.dump({"machine": facts, "figures": rows}, file, indent=2)


if __name__ == "__main__":
    main()

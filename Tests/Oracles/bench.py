#!/usr/bin/env python3
"""Times `alphagrid correlate` against pandas and checks that both say the same.

usage: bench.py --bin FOLDER [--out FILE] [--alphas 2000] [--days 1250]

1. Computing time, reading and writing left out, on made-up data with late starts and gaps: 5 rounds on this machine, in
   each of which pandas and AlphaGrid take turns; the factor is the median of the rounds' ratios. A figure without
   agreement is worth nothing, so all rows are compared. Where ../shared/peers has a pandas program that others wrote,
   that is the peer, otherwise the tests' reference program.
2. Wall time of the whole command on real data, when ../shared/data is there: median of 5.
"""
import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import pandas as pd

HERE = os.path.dirname(os.path.abspath(__file__))
PEER = os.path.normpath(os.path.join(HERE, "../../../shared/peers/summary_pandas.py"))
REAL = os.path.normpath(os.path.join(HERE, "../../../shared/data/us-equities-pnl.csv.gz"))
RUNS, TOLERANCE = 5, {"float64": 1e-10, "float32": 1e-5}


def run(*arguments):
    # What the environment says of OpenBLAS would be measured instead of OpenBLAS.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, env=environment)
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


def pandas_seconds(data, out):
    """Seconds of pandas' correlation and summaries, reading and writing left out."""
    if os.path.exists(PEER):
        said = run(sys.executable, PEER, data, "--out", out).stderr
        found = re.search(r"corr ([0-9.]+) s, summaries ([0-9.]+) s", said)
        return float(found.group(1)) + float(found.group(2))
    said = run(sys.executable, os.path.join(HERE, "correlation_pandas.py"), data, "--out", out).stderr
    return json.loads(said.strip().splitlines()[-1])["compute_seconds"][0]


def our_seconds(binary, data, precision):
    """Seconds of planning, computing and merging, and what the run said of itself."""
    flags = [data, "--window", "all", "--min-overlap", "60", "--precision", precision, "--quiet", "--format", "json"]
    answer = json.loads(run(binary, "correlate", *flags).stdout)
    return answer["seconds"]["compute"], answer


def against_pandas(binary, data, shape, folder):
    peer = os.path.join(folder, "pandas.csv")
    seconds = {name: [] for name in ("pandas", "float64", "float32")}
    largest = {}
    for _ in range(RUNS):
        seconds["pandas"].append(pandas_seconds(data, peer))
        for precision in ("float64", "float32"):
            taken, answer = our_seconds(binary, data, precision)
            seconds[precision].append(taken)
            ours = pd.DataFrame(answer["rows"])
            largest[precision] = agree(ours, pd.read_csv(peer), TOLERANCE[precision])
    name = "peers/summary_pandas.py" if os.path.exists(PEER) else "correlation_pandas.py"
    rows = [figure(f"compute, {name}", shape, seconds["pandas"])]
    for precision in ("float64", "float32"):
        ratios = [theirs / ours for theirs, ours in zip(seconds["pandas"], seconds[precision])]
        rows.append(figure(f"compute, alphagrid {precision}", shape, seconds[precision])
                    | {"times_as_fast": statistics.median(ratios), "ratios": ratios, "largest_difference": largest[precision]})
    return rows, answer


def figure(what, data, seconds):
    return {"what": what, "data": data, "seconds": seconds, "median": statistics.median(seconds)}


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
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "synthetic.csv")
        run(os.path.join(options.bin, "alphagrid-synthetic"), "--alphas", options.alphas, "--days", options.days,
            "--late", 0.3, "--gaps", 0.2, "--out", data)
        rows, answer = against_pandas(binary, data, f"synthetic {options.alphas} x {options.days}", folder)
    if os.path.exists(REAL):
        for precision in ("float64", "float32"):
            seconds = wall_times(binary, REAL, precision)
            rows.append(figure(f"wall, alphagrid {precision}", os.path.basename(REAL), seconds))
    else:
        print(f"bench: {REAL} is not there, so real data are left out", file=sys.stderr)

    facts = machine(answer, binary)
    for key, value in facts.items():
        print(f"{key:10} {value}")
    print(f"\n{'what':32} {'data':28} {'median s':>9} {'min':>7} {'max':>7} {'x pandas':>9} {'largest diff':>13}")
    for row in rows:
        factor = f"{row['times_as_fast']:.1f}" if "times_as_fast" in row else ""
        difference = f"{row['largest_difference']:.1e}" if "largest_difference" in row else ""
        print(f"{row['what']:32} {row['data']:28} {row['median']:9.3f} {min(row['seconds']):7.3f} "
              f"{max(row['seconds']):7.3f} {factor:>9} {difference:>13}")
    if options.out:
        with open(options.out, "w") as file:
            json.dump({"machine": facts, "figures": rows}, file, indent=2)


if __name__ == "__main__":
    main()

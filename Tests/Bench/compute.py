"""Figures 1 to 7 and 10: computing alone, nothing read or written."""
import os
import resource
import time
import warnings

import numpy as np
import pandas as pd

from harness import SHARED, Figure, median, number

TOLERANCE = {"float64": 1e-10, "float32": 1e-5}


def product_figures(bench):
    """Whole jobs over the bare product of OpenBLAS, in turns within one process."""
    figures = []
    for tag, alphas, precision, bar in [
            ("1", 16_384, "float32", 1.40), ("1", 8_192, "float32", 1.50), ("2", 8_192, "float64", 1.30)]:
        bench.say(f"figure {tag}: {precision}, n = {alphas}")
        said = bench.json("bench", "--alphas", alphas, "--precision", precision, "--runs", bench.rounds)
        name = "ssyrk" if precision == "float32" else "dsyrk"
        figures.append(Figure.at_most(
            tag, f"whole job, {precision}, n = {alphas:,}, one thread, over warm cblas_{name}", bar, said["job_seconds"],
            said["product_seconds"], note=said["profile"]))
    return figures


def slots_figure(bench):
    bench.say("figure 3: two slots")
    one, two, scaling = [], [], []
    for _ in range(bench.rounds):
        one += bench.json("bench", "--alphas", 16_384, "--precision", "float32", "--runs", 1)["job_seconds"]
        said = bench.json("bench", "--alphas", 16_384, "--precision", "float32", "--runs", 1, "--workers", 2)
        two += said["job_seconds"]
        scaling += [2 * a / b for a, b in zip(said["product_seconds"], said["products_together_seconds"])]
    return [Figure.at_least(
        "3", "two slots over one, float32, n = 16,384", 1.85, two, one,
        note=f"two bare products at once on this machine: {median(scaling):.2f} x one")]


def missing_figures(bench):
    bench.say("figures 4 and 5: missing days")
    seconds = {shape: [] for shape in ("complete", "starts", "gaps")}
    for _ in range(bench.rounds):
        for shape, taken in seconds.items():
            taken += bench.json("bench", "--alphas", 8_192, "--precision", "float64", "--shape", shape, "--runs", 1)[
                "job_seconds"]
    return [
        Figure.at_most("4", "float64, n = 8,192, late starters and early stoppers, over complete data", 1.4,
                       seconds["starts"], seconds["complete"]),
        Figure.at_most("5", "the same with 1 % of the days missing, over complete data", 2.0, seconds["gaps"],
                       seconds["complete"]),
    ]


def numpy_figure(bench):
    if not bench.has_peer("summary_numpy.py"):
        return []
    bench.say("figure 6: numpy")
    path = bench.path("returns.npy")
    generator = np.random.default_rng(1)
    days, alphas = 1_250, 8_192
    market = generator.standard_normal((days, 1), dtype=np.float32)
    np.save(path, market * 0.5 + generator.standard_normal((days, alphas), dtype=np.float32))
    ours, peer = [], []
    for _ in range(bench.rounds):
        peer.append(number(r"total ([0-9.]+) s", bench.peer("summary_numpy.py", path)))
        ours.append(bench.json("correlate", path, "--convention", "daily-pnl", "--precision", "float32", "--quiet")[
            "seconds"]["compute"])
    os.remove(path)
    return [Figure.at_least("6", "complete data, float32, n = 8,192, all cores, against numpy.corrcoef and summaries", 4, ours,
                            peer)]


def agree(ours, theirs, tolerance):
    """Largest difference of all columns; stops when rows or counts differ, or a figure by more than allowed."""
    ours, theirs = ours.set_index("alpha_id").sort_index(), theirs.set_index("alpha_id").sort_index()
    assert list(ours.index) == list(theirs.index), "other alphas"
    assert (ours["pair_count"] == theirs["pair_count"]).all(), "other pair counts"
    columns = ["min_correlation", "max_correlation", "avg_correlation", "median_correlation"]
    a, b = ours[columns].to_numpy(float), theirs[columns].to_numpy(float)
    assert (np.isnan(a) == np.isnan(b)).all(), "other undefined rows"
    worst = float(np.nanmax(np.abs(a - b)))
    assert worst <= tolerance, f"differs from pandas by {worst}"
    return worst


def pandas_figures(bench):
    """Against pandas; a time without agreement is worth nothing, so all rows are compared."""
    if not bench.has_peer("summary_pandas.py"):
        return []
    figures = []
    for tag, alphas, bar in [("0", 2_000, 20), ("7", 4_000, 100)]:
        bench.say(f"figure {tag}: pandas, n = {alphas}")
        data, out = bench.synthetic(alphas, 1_250), bench.path("pandas.csv")
        peer, ours, worst = [], {"float64": [], "float32": []}, {}
        for _ in range(bench.rounds):
            said = bench.peer("summary_pandas.py", data, "--out", out)
            peer.append(number(r"corr ([0-9.]+) s", said) + number(r"summaries ([0-9.]+) s", said))
            for precision, taken in ours.items():
                answer = bench.json("correlate", data, "--window", "all", "--precision", precision, "--quiet")
                taken.append(answer["seconds"]["compute"])
                worst[precision] = agree(pd.DataFrame(answer["rows"]), pd.read_csv(out), TOLERANCE[precision])
        for precision, taken in ours.items():
            figures.append(Figure.at_least(
                tag, f"late starts and gaps, {precision}, n = {alphas:,}, against pandas", bar, taken, peer,
                note=f"largest difference {worst[precision]:.1e}"))
    return figures


BOOK = 10_000_000.0


def summary_pair_by_pair(pnl, convention, min_overlap=60):
    """What pandas has no word for: both sides of a pair are cut to their common days before returns are made."""
    values, present = np.ascontiguousarray(pnl.to_numpy().T), np.ascontiguousarray(pnl.notna().to_numpy().T)
    count = len(values)
    r = np.full((count, count), np.nan)
    for i in range(count):
        for j in range(i):
            both = present[i] & present[j]
            a, b = values[i][both], values[j][both]
            x, y = np.diff(a), np.diff(b)
            if convention == "alphadatabank":
                x, y = x / (BOOK + a[:-1]), y / (BOOK + b[:-1])
            if len(x) >= min_overlap:
                x, y = x - x.mean(), y - y.mean()
                r[i, j] = r[j, i] = np.dot(x, y) / np.sqrt(np.dot(x, x) * np.dot(y, y))
    with warnings.catch_warnings():
        # A row without any pair is a result, not a mistake.
        warnings.simplefilter("ignore", RuntimeWarning)
        return pd.DataFrame({
            "alpha_id": pnl.columns, "min_correlation": np.nanmin(r, axis=1), "max_correlation": np.nanmax(r, axis=1),
            "avg_correlation": np.nanmean(r, axis=1), "median_correlation": np.nanmedian(r, axis=1),
            "pair_count": np.isfinite(r).sum(axis=1)})


def pair_figures(bench):
    """The conventions whose returns depend on the pair, where every alpha has missing days."""
    figures, alphas = [], 600
    data = bench.synthetic(alphas, 1_250, "--gaps", 1)
    pnl = pd.read_csv(data).set_index("date")
    for convention in ("common-dates", "alphadatabank"):
        bench.say(f"figure 0: {convention}, n = {alphas}")
        ours, peer, worst = [], [], 0.0
        for _ in range(bench.rounds):
            start = time.perf_counter()
            expected = summary_pair_by_pair(pnl, convention)
            peer.append(time.perf_counter() - start)
            answer = bench.json("correlate", data, "--window", "all", "--convention", convention, "--quiet")
            ours.append(answer["seconds"]["compute"])
            worst = max(worst, agree(pd.DataFrame(answer["rows"]), expected, TOLERANCE["float64"]))
        figures.append(Figure.at_least(
            "0", f"{convention}, days missing everywhere, float64, n = {alphas:,}, against NumPy pair by pair", 20, ours, peer,
            note=f"largest difference {worst:.1e}"))
    return figures


def real_figure(bench):
    """The whole command on real data, reading and starting included."""
    path = os.path.join(SHARED, "data", "us-equities-pnl.csv.gz")
    if not os.path.exists(path):
        return []
    bench.say("figure 0: real data")
    figures = []
    for precision in ("float64", "float32"):
        seconds = []
        for _ in range(bench.rounds):
            start = time.perf_counter()
            bench.alphagrid("correlate", path, "--window", "all", "--precision", precision, "--format", "csv", "--quiet")
            seconds.append(time.perf_counter() - start)
        value = median(seconds)
        figures.append(Figure("0", f"whole command on real data, 505 x 1,259, gzipped CSV, {precision}", "<= 2 s", value, "s",
                              value <= 2, seconds))
    return figures


def large_figure(bench):
    bench.say("figure 10: n = 100,000")
    peak = bench.json("bench", "--alphas", 8_192, "--precision", "float32", "--workers", bench.cores, "--runs", bench.rounds)
    together = peak["products_together_seconds"] or peak["product_seconds"]
    flops_per_second = bench.cores * peak["product_flops"] / median(together)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    said = bench.json("bench", "--alphas", 100_000, "--precision", "float32", "--workers", bench.cores, "--runs", 1)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    assert memory > before / 2**20, "another program was larger, so this one's memory is not known"
    ideal = said["product_flops"] / flops_per_second
    figure = Figure.at_most(
        "10", f"float32, n = 100,000, exact medians, {bench.cores} cores, over its flops at the measured peak", 1.5,
        said["job_seconds"], [ideal] * len(said["job_seconds"]))
    figure.met = figure.met and memory <= 6
    figure.bar += ", <= 6 GiB"
    figure.note = f"{median(said['job_seconds']):.0f} s, peak memory {memory:.1f} GiB, peak {flops_per_second / 1e9:.0f} GFLOP/s"
    return [figure]

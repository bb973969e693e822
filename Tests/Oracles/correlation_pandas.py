#!/usr/bin/env python3
"""Correlation summaries of a PnL file the pandas way: the reference for values and the peer for time.

usage: correlation_pandas.py INPUT [--convention ffill-shift|ffill-diff|daily-pnl] [--min-overlap 60]
                             [--window all|4y|400d] [--repeat N] [--out FILE]

INPUT is CSV, wide (`date` and one column per alpha) or long (`alpha_id,date,pnl`), also gzipped, or a 2-D NPY of dates x
alphas. Writes one row per alpha, in the file's order when it is wide and by id when it is long. The last line on
standard error is JSON: what was computed and the seconds each repetition took, reading and writing left out.
pandas does not know which series are constant, so do not compare with it on data that has any.
"""
import argparse
import json
import re
import sys
import time
import warnings

import numpy as np
import pandas as pd


def load(path):
    """Cumulative PnL, dates x alphas, dates ascending; every number as the nearest float64."""
    if path.endswith(".npy"):
        values = np.load(path)
        return pd.DataFrame(values, columns=[f"A{i + 1:06d}" for i in range(values.shape[1])])
    # Since 3.1 the default reads exactly, and asking for it warns.
    exact = {} if tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1) else {"float_precision": "round_trip"}
    frame = pd.read_csv(path, **exact)
    if list(frame.columns[:3]) == ["alpha_id", "date", "pnl"]:
        frame = frame.pivot(index="date", columns="alpha_id", values="pnl")
    else:
        frame = frame.set_index("date")
    frame.index = pd.to_datetime(frame.index)
    return frame.sort_index()


def returns(pnl, convention):
    if convention == "ffill-shift":
        return pnl - pnl.ffill().shift(1)
    if convention == "ffill-diff":
        return pnl.ffill().diff()
    return pnl


def cut(frame, window):
    """Rows a window keeps: a return belongs to its end date, so cutting comes after differencing."""
    if window == "all":
        return frame
    count, unit = re.fullmatch(r"(\d+)([yd])", window).groups()
    if unit == "d":
        return frame.iloc[-int(count):]
    return frame[frame.index > frame.index[-1] - pd.DateOffset(years=int(count))]


def summarise(pnl, convention, window, min_overlap):
    r = cut(returns(pnl, convention), window).corr(min_periods=min_overlap).to_numpy(copy=True)
    np.fill_diagonal(r, np.nan)
    with warnings.catch_warnings():
        # A row without any pair is a result, not a mistake.
        warnings.simplefilter("ignore", RuntimeWarning)
        return pd.DataFrame({
            "alpha_id": pnl.columns,
            "min_correlation": np.nanmin(r, axis=1),
            "max_correlation": np.nanmax(r, axis=1),
            "avg_correlation": np.nanmean(r, axis=1),
            "median_correlation": np.nanmedian(r, axis=1),
            "pair_count": np.isfinite(r).sum(axis=1),
        })


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("input")
    parser.add_argument("--convention", default="ffill-shift", choices=["ffill-shift", "ffill-diff", "daily-pnl"])
    parser.add_argument("--window", default="all")
    parser.add_argument("--min-overlap", type=int, default=60)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--out")
    options = parser.parse_args()

    pnl = load(options.input)
    seconds = []
    for _ in range(options.repeat):
        start = time.perf_counter()
        table = summarise(pnl, options.convention, options.window, options.min_overlap)
        seconds.append(time.perf_counter() - start)
    # Seventeen significant digits, so that reading the file gives the same numbers back.
    table.to_csv(options.out or sys.stdout, index=False, float_format="%.17g")
    print(json.dumps({
        "alphas": pnl.shape[1], "days": pnl.shape[0], "convention": options.convention, "window": options.window,
        "min_overlap": options.min_overlap, "compute_seconds": seconds,
        "pandas": pd.__version__, "numpy": np.__version__,
    }), file=sys.stderr)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Features of every alpha of a PnL file the pandas way: the reference for values and the peer for time.

usage: features_pandas.py INPUT [--convention ffill-shift|daily-pnl] [--window all|4y|400d] [--repeat N] [--out FILE]

INPUT as correlation_pandas.py takes it. Writes one row per alpha; what is undefined is an empty field. The last line on
standard error is JSON with the seconds each repetition took, reading and writing left out.

Everything is done for all columns at once. The compounded figures are those of empyrical's cagr, max_drawdown and
calmar_ratio, written out. pandas does not know which series are constant, so do not compare with it on data that has any.
"""
import argparse
import json
import sys
import time
import warnings

import numpy as np
import pandas as pd

from correlation_pandas import cut, load, returns

BOOK, YEAR = 1e7, 252
LENGTHS = [63, 126, 252]


def packed(frame):
    """The values of each column without the missing ones, from the top; their number per column."""
    values = frame.to_numpy()
    order = np.argsort(np.isnan(values), axis=0, kind="stable")
    return pd.DataFrame(np.take_along_axis(values, order, axis=0), columns=frame.columns), frame.notna().sum()


def ends(frame):
    """Places of the first and last value of each column."""
    present = frame.notna().to_numpy()
    return present.argmax(axis=0), len(frame) - 1 - present[::-1].argmax(axis=0), present.any(axis=0)


def longest_run(signs):
    """Most True in a row, per column."""
    so_far = signs.cumsum()
    return (so_far - so_far.where(~signs).ffill().fillna(0)).max()


def monthly(pnl, daily, convention):
    """What each calendar month with a return gained: from the value before its first return to that of its last."""
    month = [daily.index.year, daily.index.month]
    if convention == "daily-pnl":
        return daily.groupby(month).sum(min_count=1)
    before, after = (frame.reindex(daily.index).where(daily.notna()).groupby(month) for frame in (pnl.ffill().shift(1), pnl))
    return after.last() - before.first()


def rescaled_range(r, counts):
    """Slope of log(mean R / S) against log(length) over windows of 8, 16, 32, ... returns."""
    values, n = r.to_numpy(), counts.to_numpy()
    x, y = [], []
    length = 8
    while 2 * length <= len(values):
        count = len(values) // length
        windows = values[:count * length].reshape(count, length, -1)
        running = (windows - windows.mean(axis=1, keepdims=True)).cumsum(axis=1)
        ratio = (running.max(axis=1) - running.min(axis=1)) / windows.std(axis=1, ddof=1)
        y.append(np.where(2 * length <= n, np.log(np.nanmean(ratio, axis=0)), np.nan))
        x.append(np.full(len(n), np.log(length)))
        length *= 2
    x, y = np.array(x), np.array(y)
    x = np.where(np.isnan(y), np.nan, x)
    x, y = x - np.nanmean(x, axis=0), y - np.nanmean(y, axis=0)
    slope = np.nansum(x * y, axis=0) / np.nansum(x * x, axis=0)
    return np.where(np.isfinite(x).sum(axis=0) >= 3, slope, np.nan)


def rolling(r, table):
    """A window counts for a column while the column lasts: behind its end, pandas finds none."""
    mean, deviation = {}, {}
    for length in LENGTHS:
        windows = r.rolling(length)
        mean[length], deviation[length] = windows.mean(), windows.std()
    for figure in ("sharpe", "volatility"):
        for length in LENGTHS:
            values = np.sqrt(YEAR) * (mean[length] / deviation[length] if figure == "sharpe" else deviation[length])
            name = f"rolling_{figure}_{length}_"
            table[name + "last"] = values.ffill().iloc[-1]
            table[name + "min"], table[name + "max"], table[name + "mean"] = values.min(), values.max(), values.mean()


def features(pnl, convention, window):
    with_gaps = cut(returns(pnl, convention) / BOOK, window)
    inside = cut(pnl, window)
    r, n = packed(with_gaps)
    mean, deviation = r.mean(), r.std()
    table = pd.DataFrame({"day_count": n}, index=pnl.columns)
    first, last, some = ends(with_gaps)
    dates = with_gaps.index.strftime("%Y-%m-%d").to_numpy()
    table["start_date"], table["end_date"] = np.where(some, dates[first], None), np.where(some, dates[last], None)
    table["mean_return"], table["annual_return"] = mean, YEAR * mean
    table["volatility"], table["sharpe"] = np.sqrt(YEAR) * deviation, np.sqrt(YEAR) * mean / deviation
    table["sortino"] = np.sqrt(YEAR) * mean / np.sqrt((r.clip(upper=0) ** 2).mean())
    table["skew"], table["kurtosis"] = r.skew(), r.kurt()
    line = r.cumsum()
    table["max_drawdown"] = (line - line.cummax().clip(lower=0)).min()
    table["calmar"] = table["annual_return"] / -table["max_drawdown"]

    wealth = (1 + r).cumprod()
    ruined = wealth.min() <= 0
    first, last, _ = ends(inside)
    table["cagr"] = (wealth.ffill().iloc[-1] ** (YEAR / (last - first + 1)) - 1).mask(ruined)
    peak = wealth.cummax().clip(lower=1)
    table["max_drawdown_compounded"] = ((wealth - peak) / peak).min().mask(ruined)
    table["calmar_compounded"] = table["cagr"] / -table["max_drawdown_compounded"]

    low, lowest, high = r.quantile(0.05), r.quantile(0.01), r.quantile(0.95)
    table["var_95"], table["cvar_95"] = low, r.where(r <= low).mean()
    table["var_99"], table["cvar_99"] = lowest, r.where(r <= lowest).mean()
    table["tail_ratio"] = high.abs() / low.abs()
    table["hit_rate"] = (r > 0).sum() / n
    months = monthly(pnl, with_gaps, convention)
    table["monthly_consistency"] = (months > 0).sum() / months.notna().sum()
    table["longest_gain_run"], table["longest_loss_run"] = longest_run(r > 0), longest_run(r < 0)
    table["stability"] = line.corrwith(pd.Series(np.arange(len(line), dtype=float))).where(n >= 3) ** 2
    table["hurst"] = rescaled_range(r, n)
    rolling(r, table)
    table = table.replace([np.inf, -np.inf], np.nan)
    return table.rename_axis("alpha_id").reset_index()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("input")
    parser.add_argument("--convention", default="ffill-shift", choices=["ffill-shift", "daily-pnl"])
    parser.add_argument("--window", default="all")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--out")
    options = parser.parse_args()

    pnl = load(options.input)
    if options.input.endswith(".npy"):
        sys.exit("features_pandas: an NPY has no dates, which some features need")
    # A column without any value, or shorter than any window, is a result, not a mistake.
    warnings.simplefilter("ignore", RuntimeWarning)
    warnings.simplefilter("ignore", pd.errors.PerformanceWarning)
    seconds = []
    for _ in range(options.repeat):
        start = time.perf_counter()
        table = features(pnl, options.convention, options.window)
        seconds.append(time.perf_counter() - start)
    table.to_csv(options.out or sys.stdout, index=False, float_format="%.17g")
    print(json.dumps({
        "alphas": pnl.shape[1], "days": pnl.shape[0], "convention": options.convention, "window": options.window,
        "compute_seconds": seconds, "pandas": pd.__version__, "numpy": np.__version__,
    }), file=sys.stderr)


if __name__ == "__main__":
    main()

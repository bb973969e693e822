#!/usr/bin/env python3
"""Every single correlation of a PnL file the pandas way, with the number of common returns.

usage: pairs_pandas.py INPUT [--convention ffill-shift|ffill-diff|daily-pnl] [--min-overlap 60] [--window all|4y|400d]
                       [--out FILE]

INPUT is as for correlation_pandas.py. Writes alpha_id_a,alpha_id_b,correlation,days for every ordered pair of different
alphas; the correlation is empty where fewer returns than --min-overlap are common.
"""
import argparse
import sys

import pandas as pd

from correlation_pandas import cut, load, returns


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("input")
    parser.add_argument("--convention", default="ffill-shift")
    parser.add_argument("--min-overlap", type=int, default=60)
    parser.add_argument("--window", default="all")
    parser.add_argument("--out")
    options = parser.parse_args()
    x = cut(returns(load(options.input), options.convention), options.window)
    ids = [str(name) for name in x.columns]
    r = x.corr(min_periods=options.min_overlap).to_numpy()
    there = x.notna().to_numpy().astype(int)
    days = there.T @ there
    n = len(ids)
    pairs = [(ids[i], ids[j], r[i, j], days[i, j]) for i in range(n) for j in range(n) if i != j]
    table = pd.DataFrame(pairs, columns=["alpha_id_a", "alpha_id_b", "correlation", "days"])
    table.to_csv(options.out or sys.stdout, index=False)


if __name__ == "__main__":
    main()

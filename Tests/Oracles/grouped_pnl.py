#!/usr/bin/env python3
"""Makes up PnL of alphas that follow the factor of one of some groups and noise of their own.

usage: grouped_pnl.py PNL TRUTH [--alphas 360] [--groups 6] [--days 400] [--seed 1]

With late starts and gaps; three alphas have too few days to be correlated with any, and one ends before another begins. PNL is
wide; TRUTH is alpha_id,group, empty for those three.
"""
import argparse

import numpy as np
import pandas as pd


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("pnl")
    parser.add_argument("truth")
    for name, value in [("alphas", 360), ("groups", 6), ("days", 400), ("seed", 1)]:
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()

    random = np.random.default_rng(options.seed)
    n, days = options.alphas, options.days
    group = np.arange(n) % options.groups
    factors = random.standard_normal((options.groups, days))
    daily = 0.9 * factors[group] + np.sqrt(1 - 0.81) * random.standard_normal((n, days))
    pnl = np.round(1e5 * np.cumsum(daily * random.uniform(0.5, 2, (n, 1)), axis=1), 2)
    pnl[random.uniform(size=pnl.shape) < 0.01] = np.nan
    for alpha in 5 + np.flatnonzero(random.uniform(size=n - 5) < 0.2):
        pnl[alpha, :random.integers(1, days // 3)] = np.nan
    pnl[:3, 40:] = np.nan
    pnl[3, days // 2:] = np.nan
    pnl[4, :days // 2] = np.nan
    # So that neither the order of a file nor of the ids tells the groups.
    names = [f"A{number:05d}" for number in random.permutation(n)]
    frame = pd.DataFrame(pnl.T, columns=names, index=pd.bdate_range("2020-01-01", periods=days, name="date"))
    frame.to_csv(options.pnl, date_format="%Y-%m-%d")
    truth = [(name, "" if alpha < 3 else int(group[alpha])) for alpha, name in enumerate(names)]
    pd.DataFrame(truth, columns=["alpha_id", "group"]).to_csv(options.truth, index=False)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""How far a published selection is from what pandas and PyPortfolioOpt make of the same PnL.

usage: selection_peers.py DATABASE REGION PNL [--count N] [--job ID] [--submitted PNL] [--min-overlap 60] [--out FILE]

Writes `figure,value`, one row each. --count is how many were to be kept at most, --job the job of a selection that is not the
region's own, --submitted what candidates had to stand beside. Windows are all days, the convention ffill-shift.
"""
import argparse

import numpy as np
import pandas as pd

from clustering_peers import complete
from correlation_pandas import load, returns
from published import Published, pandas_correlations, write


def surpasses(candidate, alpha):
    return candidate > alpha and candidate >= alpha + abs(alpha) * (0.1 - 1e-12)


def submission_order(r, sharpes, threshold, blocked):
    """Again and again the open one that closes the fewest others; of several the one with the largest Sharpe."""
    n = len(sharpes)
    alike = (r >= threshold) & ~np.eye(n, dtype=bool)
    better = np.array([[surpasses(sharpes[j], sharpes[i]) for j in range(n)] for i in range(n)])
    closes = alike & ~better
    is_open = ~np.array(blocked)
    order = []
    while is_open.any():
        counts = (closes & is_open).sum(axis=1)
        best = min(np.flatnonzero(is_open), key=lambda i: (counts[i], -sharpes[i], i))
        order.append((best, counts[best]))
        is_open &= ~closes[best]
        is_open[best] = False
    return order


def selection(options):
    frame, r = pandas_correlations(options)
    published = Published(options, list(frame.columns))
    columns = ["is_chosen", "weight", "sharpe", "reason", "blocked_by", "blocked_correlation", "nearest_chosen",
               "nearest_correlation", "is_unique", "conflicts", "submission_place", "submission_blocks", "submission_blocked_by",
               "risk_parity_weight", "threshold"]
    source = f"alpha_selection_REGION_jobs WHERE job_id = {options.job}" if options.job else "alpha_selection_REGION"
    found = published.rows(f"SELECT alpha_id, {', '.join(columns)} FROM {source}")
    rows = {row[0]: dict(zip(columns, row[1:])) for row in found}
    yield "rows_differ", float(sorted(rows) != sorted(published.ids))
    rows = [rows[name] for name in published.ids]
    threshold = rows[0]["threshold"]
    sharpes = np.sqrt(252) * (frame.mean() / frame.std()).to_numpy()
    yield "sharpe_difference", np.nanmax(np.abs(np.array([row["sharpe"] for row in rows], float) - sharpes))
    shut, beside = shut_out(published.ids, sharpes, threshold, options)
    yield from set_figures(published.ids, rows, r, threshold, shut, beside, options.count)
    yield from order_figures(published.ids, rows, r, sharpes, threshold, shut)
    yield from parity_figures(published.ids, rows, frame, options)


def shut_out(ids, sharpes, threshold, options):
    """Per alpha the submitted ones that leave no room for it, and how many reach the threshold with it."""
    if not options.submitted:
        return [[] for _ in ids], np.zeros(len(ids), int)
    # Both on all the dates of either, as joining the two tables gives them.
    pnl, others = load(options.pnl), load(options.submitted)
    dates = pnl.index.union(others.index)
    both = pd.concat([returns(side.reindex(dates), "ffill-shift") for side in (pnl[ids], others)], axis=1)
    cross = both.corr(min_periods=options.min_overlap).loc[ids, others.columns].to_numpy()
    known = np.sqrt(252) * (both[others.columns].mean() / both[others.columns].std()).to_numpy()
    return [
        [name for name, value, sharpe in zip(others.columns, line, known) if value >= threshold and not surpasses(own, sharpe)]
        for line, own in zip(cross, sharpes)], (cross >= threshold).sum(axis=1)


def set_figures(ids, rows, r, threshold, shut, beside, count):
    place = {name: i for i, name in enumerate(ids)}
    chosen = [i for i, row in enumerate(rows) if row["is_chosen"]]
    among = r[np.ix_(chosen, chosen)] - 3 * np.eye(len(chosen))
    yield "chosen", len(chosen)
    yield "chosen_worst", np.nanmax(among)
    nearest = [(rows[i]["nearest_correlation"], place.get(rows[i]["nearest_chosen"])) for i in chosen]
    certificate = max(value for value, _ in nearest if value is not None)
    yield "certificate_difference", abs(certificate - np.nanmax(among))
    # One without a pair among those kept has no nearest; -2 is what an alpha is to itself here.
    worst = [(abs(value - np.nanmax(row)) + abs(r[i, other] - value)) if value is not None else np.nanmax(row) + 2
             for i, (value, other), row in zip(chosen, nearest, among)]
    yield "nearest_difference", max(worst)
    alike = (r >= threshold) & ~np.eye(len(ids), dtype=bool)
    yield "conflicts_differ", sum(row["conflicts"] != alike[i].sum() + beside[i] for i, row in enumerate(rows))
    defined = (~np.isnan(r)).sum(axis=1) > 1
    yield "unique_differ", sum(row["is_unique"] != (alike[i].sum() + beside[i] == 0 and defined[i]) for i, row in enumerate(rows))
    yield "unique", sum(row["is_unique"] for row in rows)
    wrong = 0
    for i, row in enumerate(rows):
        if row["reason"] == "conflict":
            by = place[row["blocked_by"]]
            wrong += not (by in chosen and abs(r[i, by] - row["blocked_correlation"]) <= 1e-10 and r[i, by] >= threshold)
        elif row["reason"] == "count":
            wrong += len(chosen) != count
        elif row["reason"] == "submitted" or shut[i]:
            wrong += row["is_chosen"] or row["reason"] != "submitted" or row["blocked_by"] not in shut[i]
        elif row["reason"] == "undefined" or not defined[i]:
            wrong += defined[i] or row["is_chosen"] or row["reason"] != "undefined"
        elif not row["is_chosen"]:
            wrong += not (row["weight"] is None or row["weight"] <= 0)
    yield "reasons_wrong", wrong
    weights = np.array([row["weight"] or 0 for row in rows]) * defined * [not names for names in shut]
    yield "weight", weights[chosen].sum()
    greedy = []
    for i in sorted(range(len(ids)), key=lambda i: -weights[i]):
        if weights[i] > 0 and not alike[i, greedy].any() and len(greedy) < (count or len(ids)):
            greedy.append(i)
    yield "weight_of_greedy", weights[greedy].sum()


def order_figures(ids, rows, r, sharpes, threshold, shut):
    blocked = [bool(names) for names in shut]
    yield "blocked_by_submitted", sum(blocked)
    yield "blockers_wrong", sum(row["submission_blocked_by"] not in names for row, names in zip(rows, shut) if names)
    expected = submission_order(r, sharpes, threshold, blocked)
    found = sorted((row["submission_place"], ids[i], row["submission_blocks"]) for i, row in enumerate(rows)
                   if row["submission_place"] is not None)
    wanted = [(place + 1, ids[i], int(blocks)) for place, (i, blocks) in enumerate(expected)]
    yield "order_length", len(wanted)
    yield "order_differs", float(found != wanted)


def parity_figures(ids, rows, frame, options):
    try:
        from pypfopt import HRPOpt
    except ImportError:
        return
    chosen = [name for name, row in zip(ids, rows) if row["is_chosen"]]
    kept, _ = complete(frame[chosen].corr(min_periods=options.min_overlap).to_numpy(copy=True))
    among = [chosen[k] for k in kept]
    weights = HRPOpt(returns=frame[among]).optimize("single")
    ours = {name: row["risk_parity_weight"] for name, row in zip(ids, rows) if row["risk_parity_weight"] is not None}
    yield "parity_alphas", len(among)
    yield "parity_difference", max(abs(ours.get(name, np.inf) - weights[name]) for name in among)
    yield "parity_others", len(set(ours) - set(among))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("database")
    parser.add_argument("region")
    parser.add_argument("pnl")
    parser.add_argument("--count", type=int)
    parser.add_argument("--job", type=int)
    parser.add_argument("--submitted")
    parser.add_argument("--min-overlap", type=int, default=60)
    parser.add_argument("--out")
    options = parser.parse_args()
    write(selection(options), options.out)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""What scikit-learn and umap-learn answer for a panel of returns: the references for embeddings, components and clusters.

usage: embedding_peers.py RETURNS [--min-overlap 60] [--seeds 5] [--neighbours 15] [--components 20] [--clusters 10]
                          [--starts FILE.npy] [--layout NAME=FILE.npy ...] [--skip umap,tsne,pca,kmeans] [--out FILE]

RETURNS is a 2-D NPY of dates x alphas, NaN where missing, or a CSV (also gzipped) with a first column `date` and one column
per alpha, of *returns*; `--cumulative` says that they are cumulative PnL and takes pnl - pnl.ffill().shift(1) first.

Writes one JSON object:
  alphas, days       what was read; `left_out` are the indices of alphas without any defined pair
  distance           sqrt(2 (1 - r)), r as pandas has it with min_periods; an undefined pair is farther than any other
  umap, tsne         trustworthiness per seed and its median, seconds per seed (the first one compiles)
  layouts            the trustworthiness of given coordinates (n x 2 or 3, NaN rows left out), measured the same way
  pca                components, variances and their shares, of rows standardised with ddof 1 and missing = 0
  kmeans             inertia, labels and rounds from the given starts (k x days; without them the first k rows)
"""
import argparse
import json
import sys
import time
import warnings

import numpy as np
import pandas as pd
from sklearn.manifold import trustworthiness


def load(options):
    if options.returns.endswith(".npy"):
        frame = pd.DataFrame(np.load(options.returns))
    else:
        frame = pd.read_csv(options.returns)
        frame = frame.set_index(frame.columns[0]).sort_index()
    if options.cumulative:
        frame = (frame - frame.ffill().shift(1)).iloc[1:]
    return frame


def distances(frame, min_overlap):
    """sqrt(2 (1 - r)) between the alphas that have a defined pair, and which these are."""
    r = frame.corr(min_periods=min_overlap).to_numpy(copy=True)
    np.fill_diagonal(r, np.nan)
    kept = np.isfinite(r).any(axis=1)
    r = r[np.ix_(kept, kept)]
    d = np.sqrt(np.maximum(0, 2 * (1 - np.clip(r, -1, 1))))
    # Correlation distances end at 2; trustworthiness wants a number for what has none.
    d[np.isnan(d)] = 4
    np.fill_diagonal(d, 0)
    return d, kept


def standardised(frame):
    values = ((frame - frame.mean()) / frame.std(ddof=1)).to_numpy(copy=True).T
    values[~np.isfinite(values)] = 0
    return np.ascontiguousarray(values)


def per_seed(options, d, embed):
    trust, seconds = [], []
    for seed in range(options.seeds):
        start = time.perf_counter()
        layout = embed(seed)
        seconds.append(time.perf_counter() - start)
        trust.append(trusted(options, d, layout))
    return {"trustworthiness": trust, "median": float(np.median(trust)), "seconds": seconds}


def trusted(options, d, layout):
    return float(trustworthiness(d, layout, n_neighbors=options.neighbours, metric="precomputed"))


def umap_layout(options, d):
    import umap

    return lambda seed: umap.UMAP(
        n_neighbors=15, min_dist=0.1, n_components=2, metric="precomputed", random_state=seed).fit_transform(d)


def tsne_layout(options, d):
    from sklearn.manifold import TSNE

    return lambda seed: TSNE(
        perplexity=min(30, (len(d) - 1) / 3), metric="precomputed", init="random", random_state=seed).fit_transform(d)


def components(options, rows):
    from sklearn.decomposition import PCA

    pca = PCA(n_components=min(options.components, *rows.shape), svd_solver="full").fit(rows)
    # Our rule for signs: the entry of largest magnitude is positive.
    largest = np.abs(pca.components_).argmax(axis=1)
    signs = np.sign(pca.components_[np.arange(len(largest)), largest])
    return {
        "components": (pca.components_ * signs[:, None]).tolist(),
        "variances": pca.explained_variance_.tolist(),
        "shares": pca.explained_variance_ratio_.tolist(),
    }


def clusters(options, rows):
    from sklearn.cluster import KMeans

    starts = np.load(options.starts) if options.starts else rows[:options.clusters]
    start = time.perf_counter()
    result = KMeans(n_clusters=len(starts), init=starts, n_init=1, max_iter=300, tol=1e-4, algorithm="lloyd").fit(rows)
    return {
        "inertia": float(result.inertia_), "labels": result.labels_.tolist(), "rounds": int(result.n_iter_),
        "seconds": time.perf_counter() - start,
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("returns")
    parser.add_argument("--cumulative", action="store_true")
    parser.add_argument("--min-overlap", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--neighbours", type=int, default=15)
    parser.add_argument("--components", type=int, default=20)
    parser.add_argument("--clusters", type=int, default=10)
    parser.add_argument("--starts")
    parser.add_argument("--layout", action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--skip", default="")
    parser.add_argument("--out")
    options = parser.parse_args()
    skipped = set(options.skip.split(","))
    warnings.simplefilter("ignore")

    frame = load(options)
    d, kept = distances(frame, options.min_overlap)
    rows = standardised(frame)
    answer = {
        "alphas": frame.shape[1], "days": frame.shape[0], "left_out": np.flatnonzero(~kept).tolist(),
        "distance": "sqrt(2(1-r))",
    }
    for name, make in {"umap": umap_layout, "tsne": tsne_layout}.items():
        if name not in skipped:
            answer[name] = per_seed(options, d, make(options, d))
    answer["layouts"] = {}
    for given in options.layout:
        name, path = given.split("=", 1)
        layout = np.load(path)[kept]
        placed = np.isfinite(layout).all(axis=1)
        answer["layouts"][name] = trusted(options, d[np.ix_(placed, placed)], layout[placed])
    if "pca" not in skipped:
        answer["pca"] = components(options, rows)
    if "kmeans" not in skipped:
        answer["kmeans"] = clusters(options, rows)
    with open(options.out, "w") if options.out else sys.stdout as out:
        json.dump(answer, out)
        out.write("\n")


if __name__ == "__main__":
    main()

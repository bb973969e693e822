#!/usr/bin/env python3
"""What SciPy, scikit-learn, hdbscan and PyPortfolioOpt make of a distance matrix, or of returns, as JSON.

usage: clustering_peers.py distances FILE [--method single,complete,average,ward] [--cluster-counts 2,5,10] [--cuts 0.5,1]
                           [--min-cluster-size 15] [--min-samples N] [--eps 0.3] [--eps-samples 5] [--out FILE]
       clustering_peers.py returns FILE [--out FILE]
       clustering_peers.py check OURS THEIRS

distances: FILE is .npy (n x n, or condensed in SciPy's order) or .csv (n x n, no header; with --header the first row and
column are names). Points with undefined pairs (NaN) are left out, the one with the most of them first and of several the
last, and named in `left_out`; everything else is about `kept`, by position in it. Gives per linkage method the linkage
matrix, leaves, cophenetic correlation, labels per number of clusters and per cut with their silhouettes; HDBSCAN's labels,
probabilities and persistences for both selections; DBSCAN's labels and core points.

returns: FILE is .npy or .csv of days x alphas, NaN or empty where missing (a .csv has a header of names, and dates as its
first column if that is called `date`). Gives the weights of HRPOpt(returns=...).optimize("single") in the order of the
columns. Alphas with undefined correlations are left out as above.

check: compares two such answers to `distances` and fails unless heights squared agree to 1e-9, DBSCAN agrees in core points
and labels, and HDBSCAN's labels have an adjusted Rand score of at least 0.98, noise being a label.

Needs numpy and scipy; scikit-learn, hdbscan, pandas and PyPortfolioOpt only where their answers are asked for: a peer that
is not installed is named in `missing` and its part left out.
"""
import argparse
import json
import sys

import numpy as np
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform


def numbers(text, kind):
    return [kind(part) for part in text.split(",") if part]


def load_distances(path, header):
    if path.endswith(".npy"):
        matrix = np.load(path).astype(float)
        if matrix.ndim == 1:
            matrix = squareform(matrix, checks=False)
    else:
        matrix = np.genfromtxt(path, delimiter=",", skip_header=1 if header else 0)
        matrix = matrix[:, 1:] if header else matrix
    np.fill_diagonal(matrix, 0)
    return matrix


def complete(matrix):
    """Positions kept and left out so that no pair among those kept is undefined."""
    kept = list(range(len(matrix)))
    while True:
        undefined = np.isnan(matrix[np.ix_(kept, kept)]).sum(axis=0)
        if undefined.max(initial=0) == 0:
            return kept, sorted(set(range(len(matrix))) - set(kept))
        del kept[max(place for place, count in enumerate(undefined) if count == undefined.max())]


def linkages(matrix, methods, counts, cuts, missing):
    condensed = squareform(matrix, checks=False)
    answer = {}
    for method in methods:
        rows = hierarchy.linkage(condensed, method)
        by_count = {str(k): hierarchy.fcluster(rows, k, "maxclust") - 1 for k in counts}
        by_cut = {str(t): hierarchy.fcluster(rows, t, "distance") - 1 for t in cuts}
        answer[method] = {
            "linkage": rows.tolist(),
            "leaves": hierarchy.leaves_list(rows).tolist(),
            "cophenetic": float(hierarchy.cophenet(rows, condensed)[0]),
            "clusters": {key: labels.tolist() for key, labels in by_count.items()},
            "cuts": {key: labels.tolist() for key, labels in by_cut.items()},
            "silhouettes": {key: silhouette(matrix, labels, missing) for key, labels in by_count.items()},
        }
    return answer


def silhouette(matrix, labels, missing):
    try:
        from sklearn.metrics import silhouette_score
    except ImportError:
        missing.add("scikit-learn")
        return None
    if not 2 <= len(set(labels)) < len(labels):
        return None
    return float(silhouette_score(matrix, labels, metric="precomputed"))


def density(matrix, options, missing):
    answer = {}
    try:
        from sklearn.cluster import DBSCAN

        found = DBSCAN(eps=options.eps, min_samples=options.eps_samples, metric="precomputed").fit(matrix)
        answer["dbscan"] = {
            "labels": found.labels_.tolist(), "core": sorted(found.core_sample_indices_.tolist()),
        }
    except ImportError:
        missing.add("scikit-learn")
    try:
        import hdbscan
    except ImportError:
        missing.add("hdbscan")
        return answer
    for selection in ["eom", "leaf"]:
        found = hdbscan.HDBSCAN(
            metric="precomputed", min_cluster_size=options.min_cluster_size, min_samples=options.min_samples,
            cluster_selection_method=selection).fit(matrix.copy())
        answer[f"hdbscan_{selection}"] = {
            "labels": found.labels_.tolist(), "probabilities": found.probabilities_.tolist(),
            "persistences": [float(value) for value in found.cluster_persistence_],
        }
    return answer


def distances(options):
    missing = set()
    matrix = load_distances(options.file, options.header)
    kept, left_out = complete(matrix)
    matrix = matrix[np.ix_(kept, kept)]
    methods = numbers(options.method, str)
    answer = {"kept": kept, "left_out": left_out}
    answer["linkage"] = linkages(
        matrix, methods, numbers(options.cluster_counts, int), numbers(options.cuts, float), missing)
    answer.update(density(matrix, options, missing))
    answer["missing"] = sorted(missing)
    return answer


def returns(options):
    import pandas as pd

    if options.file.endswith(".npy"):
        frame = pd.DataFrame(np.load(options.file))
    else:
        frame = pd.read_csv(options.file)
        frame = frame.set_index("date") if "date" in frame.columns else frame
    kept, left_out = complete(frame.corr().to_numpy())
    names = [str(name) for name in frame.columns]
    frame = frame.iloc[:, kept]
    answer = {"kept": [names[k] for k in kept], "left_out": [names[k] for k in left_out], "missing": []}
    try:
        from pypfopt import HRPOpt
    except ImportError:
        answer["missing"] = ["PyPortfolioOpt"]
        return answer
    optimiser = HRPOpt(returns=frame)
    weights = optimiser.optimize("single")
    answer["weights"] = [float(weights[name]) for name in frame.columns]
    return answer


def check(ours, theirs):
    from sklearn.metrics import adjusted_rand_score

    with open(ours) as file:
        ours = json.load(file)
    with open(theirs) as file:
        theirs = json.load(file)
    failures = []
    for method, answer in theirs["linkage"].items():
        heights = [np.array(side["linkage"][method]["linkage"])[:, 2] ** 2 for side in (ours, theirs)]
        worst = np.abs(heights[0] - heights[1]).max()
        print(f"{method}: largest difference of squared heights {worst:.3g}")
        if not worst <= 1e-9:
            failures.append(f"{method} linkage")
    if ours["dbscan"] != theirs["dbscan"]:
        failures.append("dbscan")
    for key in ["hdbscan_eom", "hdbscan_leaf"]:
        score = adjusted_rand_score(ours[key]["labels"], theirs[key]["labels"])
        print(f"{key}: adjusted Rand {score:.4f}")
        if not score >= 0.98:
            failures.append(key)
    if failures:
        sys.exit("differs: " + ", ".join(failures))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("distances")
    one.add_argument("file")
    one.add_argument("--header", action="store_true")
    one.add_argument("--method", default="single,complete,average,ward")
    one.add_argument("--cluster-counts", default="2,5,10")
    one.add_argument("--cuts", default="")
    one.add_argument("--min-cluster-size", type=int, default=15)
    one.add_argument("--min-samples", type=int)
    one.add_argument("--eps", type=float, default=0.3)
    one.add_argument("--eps-samples", type=int, default=5)
    two = commands.add_parser("returns")
    two.add_argument("file")
    for each in (one, two):
        each.add_argument("--out")
    three = commands.add_parser("check")
    three.add_argument("ours")
    three.add_argument("theirs")
    options = parser.parse_args()
    if options.command == "check":
        check(options.ours, options.theirs)
        return
    answer = json.dumps(distances(options) if options.command == "distances" else returns(options))
    if options.out:
        with open(options.out, "w") as file:
            file.write(answer + "\n")
    else:
        print(answer)


if __name__ == "__main__":
    main()

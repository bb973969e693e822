#!/usr/bin/env python3
"""How far published clusters, layouts and selections are from what SciPy, scikit-learn, hdbscan, umap-learn and PyPortfolioOpt
make of the same PnL.

usage: clusters_peers.py groups PNL TRUTH [--alphas 360] [--groups 6] [--days 400] [--seed 1]
       clusters_peers.py clusters DATABASE REGION PNL MATRIX [--truth TRUTH]
       clusters_peers.py layouts DATABASE REGION PNL
       clusters_peers.py peer-layouts PNL [--seeds 5] [--skip umap]
       clusters_peers.py selection DATABASE REGION PNL [--count N] [--job ID] [--submitted PNL]
All but the first: [--min-overlap 60] [--out FILE]

groups: makes up PnL of alphas that follow the factor of one of some groups and noise of their own, with late starts, gaps and
days that are missing for all; three have too few days to be correlated with any, and one ends before another begins. TRUTH is
alpha_id,group, empty for those three.

The others write `figure,value`, one row each. MATRIX is what `alphagrid correlate PNL --matrix` wrote, so that peers cluster by
our distances; how far it is from pandas is a figure too. Alphas are in bytewise order of their ids, as in the published tables.
Windows are all days, the convention ffill-shift. Undefined pairs are farther than any other for methods that go by
neighbourhood.
"""
import argparse
import csv
import sys
import warnings

import numpy as np
import pandas as pd

from clustering_peers import complete
from correlation_pandas import load, returns
from embedding_peers import distances as peer_distances
from embedding_peers import standardised, trusted, tsne_layout, umap_layout

FAR = 1e3


# Made-up groups

def groups(options):
    random = np.random.default_rng(options.seed)
    n, days = options.alphas, options.days
    group = np.arange(n) % options.groups
    factors = random.standard_normal((options.groups, days))
    daily = 0.9 * factors[group] + np.sqrt(1 - 0.81) * random.standard_normal((n, days))
    pnl = np.round(1e5 * np.cumsum(daily * random.uniform(0.5, 2, (n, 1)), axis=1), 2)
    pnl[random.uniform(size=pnl.shape) < 0.01] = np.nan
    for alpha in np.flatnonzero(random.uniform(size=n) < 0.2):
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


# What was published

class Published:
    """The tables of a region."""

    def __init__(self, options, ids):
        import psycopg

        self.suffix, self.ids = options.region.lower(), ids
        self.connection = psycopg.connect(options.database)

    def rows(self, query, *parameters):
        return self.connection.execute(query.replace("REGION", self.suffix), parameters).fetchall()

    def column(self, method, name):
        """By alpha, in the order of the ids; None where nothing is."""
        found = dict(self.rows(f"SELECT alpha_id, {name} FROM alpha_clusters_REGION WHERE method = %s", method))
        return [found.get(name) for name in self.ids]

    def labels(self, method):
        """Noise is -1; -2 where the method has no place for an alpha."""
        return np.array([-2 if label is None else label for label in self.column(method, "label")])

    def method(self, method):
        query = ("SELECT parameters, figures, notes, clusters, noise, silhouette, alpha_ids, left_nodes, right_nodes, heights, sizes, "
                 "leaves FROM alpha_cluster_methods_REGION WHERE method = %s")
        found = self.rows(query, method)
        names = ["parameters", "figures", "notes", "clusters", "noise", "silhouette", "alpha_ids", "left", "right", "heights",
                 "sizes", "leaves"]
        return dict(zip(names, found[0])) if found else None

    @property
    def methods(self):
        return [name for name, in self.rows("SELECT method FROM alpha_cluster_methods_REGION ORDER BY method")]


def by_bytes(names):
    return sorted(names, key=lambda name: str(name).encode())


def pandas_correlations(options):
    frame = returns(load(options.pnl), "ffill-shift")
    frame = frame[by_bytes(frame.columns)]
    r = frame.corr(min_periods=options.min_overlap).to_numpy(copy=True)
    np.fill_diagonal(r, 1)
    return frame, r


def euclidean(r):
    return np.sqrt(np.maximum(0, 2 * (1 - r)))


def filled(distances, far=FAR):
    return np.where(np.isnan(distances), far, distances)


# Clusters

def clusters(options):
    frame, theirs = pandas_correlations(options)
    ids = list(frame.columns)
    order = {name: place for place, name in enumerate(load(options.pnl).columns)}
    at = [order[name] for name in ids]
    r = np.load(options.matrix)[np.ix_(at, at)]
    same = (np.isnan(r) == np.isnan(theirs)).all()
    yield "correlation_difference", np.nanmax(np.abs(r - theirs)) if same else np.inf
    published = Published(options, ids)
    yield "undefined_pairs", np.isnan(r).sum() / 2
    for method in published.methods:
        if method in ("single", "complete", "average", "ward"):
            yield from hierarchy_figures(published, method, r)
        if method in PARTS:
            yield from PARTS[method](published, r, frame, options)
    yield from tree_figures(published, r)
    yield from neighbour_figures(published, r)
    if options.truth:
        yield from truth_figures(published, options)


def agreement(ours, theirs):
    from sklearn.metrics import adjusted_rand_score

    return adjusted_rand_score(ours, theirs)


def hierarchy_figures(published, method, r):
    from scipy.cluster import hierarchy
    from scipy.spatial.distance import squareform
    from sklearn.metrics import silhouette_score

    answer = published.method(method)
    kept, left_out = complete(euclidean(r))
    d = euclidean(r)[np.ix_(kept, kept)]
    names = [published.ids[k] for k in kept]
    labels = published.labels(method)
    yield f"{method}_kept_differs", float(answer["alpha_ids"] != names)
    yield f"{method}_left_out_differs", float([i for i, label in enumerate(labels) if label == -2] != left_out)
    yield f"{method}_left_out", len(left_out)
    unnamed = [published.ids[i] for i in left_out if not any(published.ids[i] in note for note in answer["notes"])]
    yield f"{method}_left_out_unnamed", len(unnamed)
    theirs = hierarchy.linkage(squareform(d, checks=False), method)
    ours = np.column_stack([answer[name] for name in ("left", "right", "heights", "sizes")]).astype(float)
    yield f"{method}_heights_squared", np.abs(ours[:, 2] ** 2 - theirs[:, 2] ** 2).max()
    yield f"{method}_sizes_differ", np.abs(ours[:, 3] - theirs[:, 3]).max()
    yield f"{method}_cophenetic_squared", np.abs(hierarchy.cophenet(ours) ** 2 - hierarchy.cophenet(theirs) ** 2).max()
    yield f"{method}_leaves_differ", float(answer["leaves"] != [names[i] for i in hierarchy.leaves_list(theirs)])
    cophenetic = hierarchy.cophenet(theirs, squareform(d, checks=False))[0]
    yield f"{method}_cophenetic_correlation", abs(cophenetic - answer["figures"]["cophenetic_correlation"])
    scores = {}
    for count in range(2, 21):
        cut = hierarchy.fcluster(theirs, count, "maxclust")
        if cut.max() == count:
            scores[count] = (silhouette_score(d, cut, metric="precomputed"), cut)
    best = max(scores, key=lambda count: (scores[count][0], -count))
    yield f"{method}_silhouette_difference", abs(scores[best][0] - answer["silhouette"])
    yield f"{method}_cut_agreement", agreement(labels[kept], scores[best][1])
    if method == "ward":
        negative = np.linalg.eigvalsh(r[np.ix_(kept, kept)]).min() < -1e-9
        yield "ward_says_not_euclidean", float(any("not Euclidean" in note for note in answer["notes"]))
        yield "ward_is_not_euclidean", float(negative)


def dbscan_figures(published, r, frame, options):
    from sklearn.cluster import DBSCAN

    found = DBSCAN(eps=0.3, min_samples=5, metric="precomputed").fit(filled(np.maximum(0, 1 - r)))
    labels = published.labels("dbscan")
    yield "dbscan_noise_differs", float(((labels == -1) != (found.labels_ == -1)).sum())
    yield "dbscan_noise", (found.labels_ == -1).sum()
    # Ours are numbered by size; both by the first of their members.
    firsts = [{label: i for i, label in reversed(list(enumerate(side)))} for side in (labels, found.labels_)]
    same = [firsts[0][a] == firsts[1][b] for a, b in zip(labels, found.labels_)]
    yield "dbscan_labels_differ", float(len(same) - sum(same))
    core = published.method("dbscan")["figures"]["core_alphas"]
    yield "dbscan_core_difference", abs(core - len(found.core_sample_indices_))
    yield "dbscan_border", (found.labels_ >= 0).sum() - len(found.core_sample_indices_)
    yield "dbscan_clusters", found.labels_.max() + 1


def hdbscan_figures(published, r, frame, options):
    import hdbscan

    found = hdbscan.HDBSCAN(metric="precomputed", min_cluster_size=15).fit(filled(euclidean(r)))
    labels = published.labels("hdbscan")
    yield "hdbscan_agreement", agreement(labels, found.labels_)
    yield "hdbscan_clusters", found.labels_.max() + 1
    yield "hdbscan_noise", (found.labels_ == -1).sum()
    if (labels == -1).sum() == (found.labels_ == -1).sum():
        probabilities = np.array([value or 0 for value in published.column("hdbscan", "probability")], float)
        yield "hdbscan_probability_difference", np.abs(probabilities - found.probabilities_).max()


def kmeans_figures(published, r, frame, options):
    from sklearn.cluster import KMeans

    answer = published.method("kmeans")
    rows = standardised(frame)
    theirs = KMeans(n_clusters=answer["clusters"], n_init=10, random_state=0).fit(rows)
    yield "kmeans_clusters", answer["clusters"]
    yield "kmeans_inertia_ratio", answer["figures"]["inertia"] / theirs.inertia_
    labels = published.labels("kmeans")
    centres = np.array([rows[labels == label].mean(axis=0) for label in range(answer["clusters"])])
    inertia = ((rows - centres[labels]) ** 2).sum()
    yield "kmeans_inertia_of_labels", abs(inertia / answer["figures"]["inertia"] - 1)


def pca_figures(published, r, frame, options):
    from sklearn.decomposition import PCA

    ours = np.array(published.column("pca", "coordinates"), float)
    count = ours.shape[1]
    peer = PCA(n_components=count + 1, svd_solver="full").fit(standardised(frame))
    theirs, values = peer.transform(standardised(frame)), peer.explained_variance_
    compared, worst = 0, 0.0
    for k in range(count):
        gap = min(values[k] - values[k + 1], values[k - 1] - values[k] if k else np.inf)
        if gap <= 1e-3 * values[0]:
            continue
        sign = np.sign(ours[:, k] @ theirs[:, k])
        worst = max(worst, np.abs(ours[:, k] * sign - theirs[:, k]).max() / np.abs(theirs[:, k]).max())
        compared += 1
    yield "pca_compared", compared
    yield "pca_difference", worst
    figures = published.method("pca")["figures"]
    shares = [figures[f"explained_variance_ratio_{k + 1}"] for k in range(count)]
    yield "pca_share_difference", np.abs(np.array(shares) - peer.explained_variance_ratio_[:count]).max()


PARTS = {"dbscan": dbscan_figures, "hdbscan": hdbscan_figures, "kmeans": kmeans_figures, "pca": pca_figures}


def tree_figures(published, r):
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import minimum_spanning_tree

    d = euclidean(r)
    # One more, since an edge of nothing would be none.
    tree = minimum_spanning_tree(csr_array(np.where(np.isnan(d), 0, d + 1) * (1 - np.eye(len(d)))))
    theirs = np.sort(tree.data - 1)
    rows = published.rows("SELECT alpha_id_a, alpha_id_b, correlation, distance FROM alpha_tree_REGION")
    place = {name: i for i, name in enumerate(published.ids)}
    ours = np.sort([row[3] for row in rows])
    same = len(ours) == len(theirs)
    yield "tree_squared", np.abs(ours ** 2 - theirs ** 2).max() if same and len(ours) else np.inf
    yield "tree_correlation", max((abs(r[place[a], place[b]] - value) for a, b, value, _ in rows), default=np.inf)


def neighbour_figures(published, r):
    """Lists of a correlation job, which the same passes make as those that clusters begin with."""
    from sklearn.neighbors import NearestNeighbors

    rows = published.rows(
        "SELECT alpha_id, neighbour_id FROM correlation_neighbours_REGION WHERE kind = 'most' ORDER BY alpha_id, rank")
    place = {name: i for i, name in enumerate(published.ids)}
    ours = {name: [] for name in published.ids}
    for name, neighbour in rows:
        ours[name].append(place[neighbour])
    count = max(map(len, ours.values()))
    found = NearestNeighbors(n_neighbors=count, metric="precomputed").fit(filled(euclidean(r))).kneighbors(return_distance=False)
    wrong = 0
    for i, name in enumerate(published.ids):
        theirs = [j for j in found[i] if not np.isnan(r[i, j])]
        wrong += len(theirs) != len(ours[name])
        wrong += sum(a != b and not abs(r[i, a] - r[i, b]) <= 1e-12 for a, b in zip(ours[name], theirs))
    yield "neighbours", count
    yield "neighbours_wrong", wrong


def truth_figures(published, options):
    truth = pd.read_csv(options.truth).set_index("alpha_id")["group"].reindex(published.ids).to_numpy()
    for method in published.methods:
        labels = published.labels(method)
        # Those that a method leaves out for lack of pairs are none that it got wrong.
        known = np.isfinite(truth) & (labels != -2)
        if (labels != -2).any():
            yield f"truth_{method}", agreement(labels[known], truth[known])
            yield f"truth_{method}_known", known.sum()


# Layouts

def layouts(options):
    """Of the one layout per method that is published now."""
    frame, _ = pandas_correlations(options)
    published = Published(options, list(frame.columns))
    d, kept = peer_distances(frame, options.min_overlap)
    for method in ("umap", "tsne"):
        if method not in published.methods:
            continue
        places = [None if not keep else row for keep, row in zip(kept, published.column(method, "coordinates"))]
        at = [i for i, row in enumerate(places) if row is not None]
        among = np.cumsum(kept)[at] - 1
        options.neighbours = 15
        yield f"{method}_trustworthiness", trusted(options, d[np.ix_(among, among)], np.array([places[i] for i in at]))
        yield f"{method}_placed_differs", abs(len(at) - kept.sum())
        yield f"{method}_seed", float(published.method(method)["parameters"]["seed"])


def peer_layouts(options):
    frame, _ = pandas_correlations(options)
    d, _ = peer_distances(frame, options.min_overlap)
    options.neighbours = 15
    for name, make in {"umap": umap_layout, "tsne": tsne_layout}.items():
        if name == options.skip:
            continue
        embed = make(options, d)
        yield name, np.median([trusted(options, d, embed(seed)) for seed in range(options.seeds)])


# Selection

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
    yield from set_figures(published.ids, rows, r, threshold, options.count)
    sharpes = np.sqrt(252) * (frame.mean() / frame.std()).to_numpy()
    yield "sharpe_difference", np.nanmax(np.abs(np.array([row["sharpe"] for row in rows], float) - sharpes))
    yield from order_figures(published.ids, rows, frame, r, sharpes, threshold, options)
    yield from parity_figures(published.ids, rows, frame, options)


def set_figures(ids, rows, r, threshold, count):
    place = {name: i for i, name in enumerate(ids)}
    chosen = [i for i, row in enumerate(rows) if row["is_chosen"]]
    among = r[np.ix_(chosen, chosen)] - 3 * np.eye(len(chosen))
    yield "chosen", len(chosen)
    yield "chosen_worst", np.nanmax(among)
    nearest = [(rows[i]["nearest_correlation"], place.get(rows[i]["nearest_chosen"])) for i in chosen]
    certificate = max(value for value, _ in nearest if value is not None)
    yield "certificate_difference", abs(certificate - np.nanmax(among))
    yield "nearest_difference", max(
        abs(value - np.nanmax(row)) + abs(r[i, other] - value) for i, (value, other), row in zip(chosen, nearest, among))
    alike = (r >= threshold) & ~np.eye(len(ids), dtype=bool)
    yield "conflicts_differ", sum(row["conflicts"] != alike[i].sum() for i, row in enumerate(rows))
    defined = (~np.isnan(r)).sum(axis=1) > 1
    yield "unique_differ", sum(row["is_unique"] != (alike[i].sum() == 0 and defined[i]) for i, row in enumerate(rows))
    yield "unique", sum(row["is_unique"] for row in rows)
    wrong = 0
    for i, row in enumerate(rows):
        if row["reason"] == "conflict":
            by = place[row["blocked_by"]]
            wrong += not (by in chosen and abs(r[i, by] - row["blocked_correlation"]) <= 1e-10 and r[i, by] >= threshold)
        elif row["reason"] == "count":
            wrong += len(chosen) != count
        elif not row["is_chosen"]:
            wrong += not (row["weight"] is None or row["weight"] <= 0)
    yield "reasons_wrong", wrong
    weights = np.array([row["weight"] or 0 for row in rows])
    yield "weight", weights[chosen].sum()
    greedy = []
    for i in sorted(range(len(ids)), key=lambda i: -weights[i]):
        if weights[i] > 0 and not alike[i, greedy].any() and len(greedy) < (count or len(ids)):
            greedy.append(i)
    yield "weight_of_greedy", weights[greedy].sum()


def order_figures(ids, rows, frame, r, sharpes, threshold, options):
    blocked = [False] * len(ids)
    if options.submitted:
        # Both on all the dates of either, as joining the two tables gives them.
        pnl, others = load(options.pnl), load(options.submitted)
        dates = pnl.index.union(others.index)
        both = pd.concat([returns(side.reindex(dates), "ffill-shift") for side in (pnl[ids], others)], axis=1)
        cross = both.corr(min_periods=options.min_overlap).loc[ids, others.columns].to_numpy()
        known = np.sqrt(252) * (both[others.columns].mean() / both[others.columns].std()).to_numpy()
        by = [[name for name, value, sharpe in zip(others.columns, line, known)
               if value >= threshold and not surpasses(own, sharpe)] for line, own in zip(cross, sharpes)]
        blocked = [bool(names) for names in by]
        yield "blocked_by_submitted", sum(blocked)
        yield "blockers_wrong", sum(row["submission_blocked_by"] not in names for row, names in zip(rows, by) if names)
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("groups")
    one.add_argument("pnl")
    one.add_argument("truth")
    for name, value in [("alphas", 360), ("groups", 6), ("days", 400), ("seed", 1)]:
        one.add_argument(f"--{name}", type=int, default=value)
    parts = {"clusters": clusters, "layouts": layouts, "peer-layouts": peer_layouts, "selection": selection}
    for name in parts:
        each = commands.add_parser(name)
        if name != "peer-layouts":
            each.add_argument("database")
            each.add_argument("region")
        each.add_argument("pnl")
        each.add_argument("--min-overlap", type=int, default=60)
        each.add_argument("--out")
        if name == "clusters":
            each.add_argument("matrix")
            each.add_argument("--truth")
        if name == "peer-layouts":
            each.add_argument("--seeds", type=int, default=5)
            each.add_argument("--skip")
        if name == "selection":
            each.add_argument("--count", type=int)
            each.add_argument("--job", type=int)
            each.add_argument("--submitted")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.command == "groups":
        groups(options)
        return
    with open(options.out, "w", newline="") if options.out else sys.stdout as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["figure", "value"])
        for name, value in parts[options.command](options):
            writer.writerow([name, repr(float(value))])


if __name__ == "__main__":
    main()

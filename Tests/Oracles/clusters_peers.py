#!/usr/bin/env python3
"""How far published clusters and layouts are from what SciPy, scikit-learn, hdbscan and umap-learn make of the same PnL.

usage: clusters_peers.py clusters DATABASE REGION PNL MATRIX [--truth TRUTH]
       clusters_peers.py layouts DATABASE REGION PNL
       clusters_peers.py peer-layouts PNL [--seeds 5] [--skip umap]
All: [--min-overlap 60] [--out FILE]

Writes `figure,value`, one row each. MATRIX is what `alphagrid correlate PNL --matrix` wrote, so that peers cluster by our
distances; how far it is from pandas is a figure too. Alphas are in bytewise order of their ids, as in the published tables.
Windows are all days, the convention ffill-shift. An undefined pair is farther than any other for methods that go by
neighbourhood. TRUTH is as grouped_pnl.py writes it.
"""
import argparse

import numpy as np
import pandas as pd

from clustering_peers import complete
from correlation_pandas import load
from embedding_peers import distances as peer_distances
from embedding_peers import standardised, trusted, tsne_layout, umap_layout
from published import Published, pandas_correlations, write

FAR = 1e3


def euclidean(r):
    return np.sqrt(np.maximum(0, 2 * (1 - r)))


def filled(distances, far=FAR):
    return np.where(np.isnan(distances), far, distances)


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
    ours = np.column_stack([answer[name] for name in ("left_nodes", "right_nodes", "heights", "sizes")]).astype(float)
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


def layout_distances(places):
    """An alpha without a place is far from all."""
    known = np.array([row if row is not None else [np.nan, np.nan] for row in places], float)
    d = filled(np.sqrt(((known[:, None] - known[None]) ** 2).sum(axis=2)))
    np.fill_diagonal(d, 0)
    return d


def dbscan_figures(published, r, frame, options):
    from sklearn.cluster import DBSCAN

    given = published.method("dbscan")["parameters"]
    d = filled(np.maximum(0, 1 - r))
    if given["distance"] == "umap":
        d = layout_distances(published.column("umap", "coordinates"))
    found = DBSCAN(eps=float(given["eps"]), min_samples=int(given["min_points"]), metric="precomputed").fit(d)
    labels = np.maximum(-1, published.labels("dbscan"))
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


def feature_rows(published):
    """Every feature on a common scale over the alphas, 0 where it is undefined or the same for all."""
    cursor = published.connection.execute(f"SELECT * FROM alpha_features_{published.suffix}")
    table = pd.DataFrame(cursor.fetchall(), columns=[column.name for column in cursor.description]).set_index("alpha_id")
    table = table.loc[published.ids]
    used = [name for name in table if pd.api.types.is_numeric_dtype(table[name].dropna().infer_objects())
            and name not in ("job_id", "min_overlap", "fitness")]
    table = table[used].astype(float)
    return standardised(table.loc[:, table.nunique() > 1]).T


def kmeans_figures(published, r, frame, options):
    from sklearn.cluster import KMeans

    answer = published.method("kmeans")
    on_features = "features" in answer["parameters"]["input"]
    rows = feature_rows(published) if on_features else standardised(frame)
    theirs = KMeans(n_clusters=answer["clusters"], n_init=10, random_state=0).fit(rows)
    yield "kmeans_clusters", answer["clusters"]
    yield "kmeans_inertia_ratio", answer["figures"]["inertia"] / theirs.inertia_
    starts = rows[[published.ids.index(name) for name in answer["parameters"]["starts"].split(",")]]
    same = KMeans(n_clusters=answer["clusters"], init=starts, n_init=1, max_iter=300, tol=1e-4).fit(rows)
    yield "kmeans_starts", len(starts)
    yield "kmeans_inertia_same_starts", answer["figures"]["inertia"] / same.inertia_
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
    if not count:
        return
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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    parts = {"clusters": clusters, "layouts": layouts, "peer-layouts": peer_layouts}
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
    options = parser.parse_args()
    write(parts[options.command](options), options.out)


if __name__ == "__main__":
    main()

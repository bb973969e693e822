"""Figures 15 to 17: layouts, hierarchies, and everything for 20,000 alphas."""
import contextlib
import os
import time

import numpy as np

from harness import Figure, median
from region import cluster, seconds

ALPHAS, LARGE, DAYS, QUICK = 5_000, 20_000, 1_250, 600


def size(bench, alphas):
    return QUICK if bench.quick else alphas


def prepare(bench, alphas):
    """A region of made-up alphas; one job reads its panel, which the next ones find."""
    data = bench.synthetic(alphas, DAYS)
    bench.alphagrid("db", "import", data, "--region", "USA")
    bench.alphagrid("db", "configure", "--region", "USA", "--window", "all")
    bench.json("run", "features", "--region", "USA", "--wait")
    return data


def correlations(bench, data):
    """Of all pairs, as the jobs have them; undefined ones count as uncorrelated, since peers want a number."""
    path = bench.path("r.npy")
    bench.alphagrid("correlate", data, "--window", "all", "--matrix", path, "--quiet")
    return np.nan_to_num(np.load(path), nan=0.0)


def layout(bench):
    """From the panel to the published layout, against the layout alone from distances that are there."""
    try:
        import umap
    except ImportError:
        return []
    n = size(bench, ALPHAS)
    bench.say(f"figure 15: UMAP, n = {n}")
    with cluster(bench, bench.cores):
        data = prepare(bench, n)
        distances = np.sqrt(np.maximum(0, 2 * (1 - correlations(bench, data))))
        np.fill_diagonal(distances, 0)

        def peer(d):
            start = time.perf_counter()
            umap.UMAP(n_neighbors=15, min_dist=0.1, metric="precomputed").fit_transform(d)
            return time.perf_counter() - start

        # The first one compiles.
        peer(distances[:300, :300])
        ours, theirs = [], []
        for seed in range(bench.rounds):
            ours.append(seconds(bench, "clusters", "--param", "methods=umap", "--param", f"seed={seed}"))
            theirs.append(peer(distances))
    return [Figure.at_least(
        "15", f"nearest neighbours and UMAP, from the panel to published rows, n = {n:,} x {DAYS:,}, against umap-learn from all "
        "distances", 1, ours, theirs, note=f"{median(ours):.2f} s, umap-learn {median(theirs):.2f} s")]


def hierarchy(bench):
    """The same distances, condensed, for both; the first heights and the last have to agree."""
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform

    n = size(bench, ALPHAS)
    bench.say(f"figure 16: average linkage, n = {n}")
    r = correlations(bench, bench.synthetic(n, DAYS))
    condensed = squareform(np.sqrt(np.maximum(0, 2 * (1 - r))), checks=False)
    path = bench.path("distances.f64")
    condensed.tofile(path)
    ours, theirs = [], []
    for _ in range(bench.rounds):
        said = bench.json("bench", "linkage", path, "--method", "average")
        start = time.perf_counter()
        heights = linkage(condensed, "average")[:, 2]
        theirs.append(time.perf_counter() - start)
        ours.append(said["seconds"])
        difference = np.abs(np.array(said["heights"]) ** 2 - heights ** 2).max()
        assert difference <= 1e-9, f"heights squared differ from SciPy's by {difference}"
    return [Figure.at_least(
        "16", f"average linkage of the same distances, n = {n:,}, against SciPy", 1, ours, theirs,
        note=f"{median(ours):.2f} s, SciPy {median(theirs):.2f} s; heights squared differ by at most {difference:.0e}")]


def peak(pid):
    """Largest resident size of a process so far, GiB."""
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 2**20


def family(pid):
    """Processes that the one that started this one has started, by the command they were given: the cluster's."""
    def start(pid):
        with open(f"/proc/{pid}/stat") as file:
            return int(file.read().rsplit(")", 1)[1].split()[1])

    found = {}
    for other in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError, IndexError):
            if start(other) == start(pid):
                with open(f"/proc/{other}/cmdline") as file:
                    found[file.read().split("\0")[1]] = int(other)
    return found


def large_figure(bench):
    """Nothing of it may need all pairs at once."""
    n = size(bench, LARGE)
    bench.say(f"figure 17: features, neighbours, HDBSCAN and UMAP, n = {n}")
    with cluster(bench, bench.cores):
        data = bench.synthetic(n, DAYS)
        start = time.perf_counter()
        bench.alphagrid("db", "import", data, "--region", "USA")
        imported = time.perf_counter() - start
        bench.alphagrid("db", "configure", "--region", "USA", "--window", "all")
        parts = {"features": ["features"], "neighbours": ["correlation", "--top", "15"],
                 "clusters": ["clusters", "--param", "methods=umap,hdbscan"]}
        taken = {}
        for name, arguments in parts.items():
            taken[name] = seconds(bench, *arguments)
        workers = [worker["process_id"] for worker in bench.json("workers")["workers"]]
        memory = [peak(family(workers[0])["coordinator"]), max(map(peak, workers))]
    pairs = n * (n - 1) * 4 / 2**30
    each = ", ".join(f"{name} {value:.1f} s" for name, value in taken.items())
    total = sum(taken.values())
    return [Figure(
        "17", f"features, neighbours, HDBSCAN and UMAP of a region, n = {n:,} x {DAYS:,}, {bench.cores} workers",
        "<= 3 GiB per process", max(memory), "GiB", max(memory) <= 3, [total],
        note=f"{total:.0f} s ({each}) after an import of {imported:.0f} s; peak memory of the coordinator {memory[0]:.2f} GiB, "
        f"of a worker {memory[1]:.2f} GiB; the distances of all pairs would be {pairs:.2f} GiB")]

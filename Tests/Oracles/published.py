"""What programs that check published results share: the tables, the PnL, and the figures they write."""
import csv
import sys
import warnings

import numpy as np

from correlation_pandas import load, returns


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
        names = ["parameters", "figures", "notes", "clusters", "noise", "silhouette", "alpha_ids", "left_nodes", "right_nodes",
                 "heights", "sizes", "leaves"]
        found = self.rows(f"SELECT {', '.join(names)} FROM alpha_cluster_methods_REGION WHERE method = %s", method)
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


def write(figures, out):
    """`figure,value`, one row each, of pairs that may still be to be computed."""
    warnings.simplefilter("ignore")
    with open(out, "w", newline="") if out else sys.stdout as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["figure", "value"])
        for name, value in figures:
            writer.writerow([name, repr(float(value))])

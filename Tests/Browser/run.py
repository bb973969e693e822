"""The dashboard as people use it, in a real browser over a real cluster; prints what it has measured."""
import argparse
import os
import sys

from browser import Browser, Failure
from cluster import Cluster
from journeys import Journeys

FIGURES = "first render {first:.0f} ms, sort {sort:.0f} ms, scroll {scroll:.0f} ms, lasso {lasso:.0f} ms ({alphas:,} alphas)"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alphas", type=int, default=240, help="alphas of the region that is computed")
    parser.add_argument("--large", type=int, default=20_000, help="rows of the region that is only shown")
    parser.add_argument("--out", default=".build/browser", help="folder of the pictures")
    parser.add_argument("--only", help="journeys whose names match this")
    parser.add_argument("--link", help="a page that is there already, with its code; then nothing is started or filled")
    arguments = parser.parse_args()
    os.makedirs(arguments.out, exist_ok=True)
    cluster = browser = None
    try:
        if not arguments.link:
            cluster = Cluster(os.environ["ALPHAGRID_TEST_BIN"])
            cluster.fill(arguments.alphas)
            cluster.fill_large(arguments.large)
        browser = Browser()
        journeys = Journeys(browser, cluster, arguments)
        failures = journeys.run_all()
    finally:
        if browser:
            browser.close()
        if cluster:
            cluster.close()
    if journeys.figures:
        sys.stdout.write("dashboard: " + FIGURES.format(**journeys.figures) + "\n")
    sys.stdout.write(f"dashboard: {len(journeys.done)} journeys, {journeys.pictures} pictures in {arguments.out}\n")
    for failure in failures:
        sys.stderr.write(f"failed: {failure}\n")
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Failure, RuntimeError) as error:
        sys.exit(f"browser: {error}")

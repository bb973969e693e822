#!/usr/bin/env python3
"""Runs every figure against its peer on this machine and writes a table.

usage: bench.py --bin FOLDER [--only 1,8,12] [--quick] [--json FILE] [--markdown FILE]

--quick takes one round instead of five: to see whether everything runs. A figure that fails is named at the end, and then no
Markdown is written.
"""
import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
import traceback
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version

import check
import clusters
import compute
import dispatch
import features
import region
from harness import Bench

GROUPS = [
    ({"0"}, compute.real_figure), ({"0", "7"}, compute.pandas_figures), ({"0"}, compute.pair_figures),
    ({"1", "2"}, compute.product_figures),
    ({"3"}, compute.slots_figure), ({"4", "5"}, compute.missing_figures), ({"6"}, compute.numpy_figure),
    ({"8", "9"}, region.figures), ({"10"}, compute.large_figure), ({"11"}, check.figures), ({"12"}, dispatch.dask_figure),
    ({"13"}, dispatch.scheduler_figure), ({"14"}, features.figures),
    ({"15"}, clusters.layout), ({"16"}, clusters.hierarchy), ({"17"}, clusters.large_figure),
]


def machine(bench):
    with open("/proc/cpuinfo") as file:
        lines = file.read().split("\n")
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")
    flags = next((line for line in lines if line.startswith("flags")), "")
    facts = {
        "cpu": model, "vectors": "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else "other",
        "cores": bench.cores, "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB",
        "kernel": platform.release(), "load before": f"{os.getloadavg()[0]:.1f}",
        "alphagrid": bench.alphagrid("version").strip(),
        "profile": bench.json("bench", "--alphas", 64, "--days", 64, "--runs", 1)["profile"],
        "commit": subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip(),
        "date": datetime.date.today().isoformat(), "python": platform.python_version(),
    }
    for package in ("numpy", "pandas", "scipy", "scikit-learn", "umap-learn", "psycopg", "distributed"):
        try:
            facts[package] = version(package)
        except PackageNotFoundError:
            pass
    return facts


def shown(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def markdown(facts, figures):
    out = ["# Benchmarks", "",
           "Written by `Scripts/bench --markdown BENCHMARKS.md`. Every figure was taken in one run on one machine, next to its",
           "peer; ratios are taken round by round and their median is shown. No OPENBLAS_* variable was set.", "",
           "| | |", "|---|---|"]
    out += [f"| {name} | {value} |" for name, value in facts.items()]
    out += ["", "| # | figure | bar | here | met | remarks |", "|---|---|---|---|---|---|"]
    for figure in figures:
        unit = f" {figure.unit}" if figure.unit else ""
        out.append(f"| {figure.number} | {figure.what} | {figure.bar} | {shown(figure.value)}{unit} | "
                   f"{'yes' if figure.met else 'no'} | {figure.note} |")
    return "\n".join(out) + "\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--only")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json")
    parser.add_argument("--markdown")
    options = parser.parse_args()
    wanted = set(options.only.split(",")) if options.only else None
    figures, failures = [], []
    with tempfile.TemporaryDirectory(prefix="alphagrid-bench-") as folder:
        # A private PostgreSQL started by root runs as another user, who has to get here.
        os.chmod(folder, 0o711)
        bench = Bench(options.bin, folder, options.quick)
        facts = machine(bench)
        for tags, group in GROUPS:
            if wanted is None or tags & wanted:
                # What was found in a quarter of an hour is shown whatever comes after it.
                try:
                    figures += group(bench)
                except (Exception, SystemExit) as error:
                    traceback.print_exc()
                    failures.append(f"figures {', '.join(sorted(tags, key=int))}: {error}")
    figures.sort(key=lambda figure: int(figure.number))
    text = markdown(facts, figures)
    print(text)
    if options.markdown and not failures:
        notes = os.path.join(os.path.dirname(os.path.abspath(__file__)), "remarks.md")
        if os.path.exists(notes):
            with open(notes) as file:
                text += "\n" + file.read()
        with open(options.markdown, "w") as file:
            file.write(text)
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"machine": facts, "figures": [asdict(figure) for figure in figures], "failures": failures}, file, indent=2)
    if failures:
        sys.exit("bench: " + "\n".join(failures))


if __name__ == "__main__":
    main()

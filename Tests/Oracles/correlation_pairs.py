#!/usr/bin/env python3
"""Correlations pair by pair, straight from the definitions, in exact arithmetic: slow, obvious, and right.

usage: correlation_pairs.py INPUT --convention C [--min-overlap 60] [--window all|4y|400d]
                            (--pairs N | --rows N) [--seed 1] [--out FILE]
       correlation_pairs.py --self-test

--pairs N  writes `alpha_id,other_id,correlation,days` of N pairs drawn by the seed.
--rows N   writes `alpha_id,min_correlation,max_correlation,avg_correlation,median_correlation,pair_count,
           most_correlated_alpha_id,most_correlated_days` of N alphas drawn by the seed, over all their pairs.

INPUT as in correlation_pandas.py, without NPY. Only Python's own library is used. Returns are the float64 numbers the
definitions give; everything after that is exact: the sums are whole numbers, and only the last division and the square
root are rounded, at 60 digits. An empty field is an undefined pair.
"""
import argparse
import csv
import datetime
import decimal
import gzip
import random
import re
import statistics
import sys

CONVENTIONS = ["ffill-shift", "ffill-diff", "common-dates", "alphadatabank", "daily-pnl"]
BOOK = 10_000_000.0
decimal.getcontext().prec = 60


class Panel:
    """Cumulative PnL per alpha as a list over the ascending dates, None where there is no row."""

    def __init__(self, dates, series):
        self.dates = dates
        self.series = series

    @staticmethod
    def load(path):
        opener = gzip.open if path.endswith(".gz") else open
        with opener(path, "rt", newline="") as file:
            rows = csv.reader(file)
            header = next(rows)
            if header[:3] == ["alpha_id", "date", "pnl"]:
                values = {}
                for alpha, date, pnl, *_ in rows:
                    values.setdefault(alpha, {})[date] = float(pnl)
                dates = sorted({date for days in values.values() for date in days})
                series = {alpha: [days.get(date) for date in dates] for alpha, days in sorted(values.items())}
            else:
                table = sorted(rows, key=lambda row: row[0])
                dates = [row[0] for row in table]
                series = {
                    alpha: [float(row[i]) if row[i] else None for row in table]
                    for i, alpha in enumerate(header[1:], start=1)
                }
        return Panel(dates, series)


def first_day(dates, window):
    """Index of the first date a window keeps."""
    if window == "all":
        return 0
    count, unit = re.fullmatch(r"(\d+)([yd])", window).groups()
    if unit == "d":
        return max(0, len(dates) - int(count))
    last = datetime.date.fromisoformat(dates[-1])
    try:
        bound = last.replace(year=last.year - int(count))
    except ValueError:
        bound = last.replace(year=last.year - int(count), day=28)
    return sum(1 for date in dates if datetime.date.fromisoformat(date) <= bound)


def own_returns(values, convention):
    """Returns of one series for the conventions that need no other: None where there is none."""
    if convention == "daily-pnl":
        return list(values)
    out, last = [], None
    for value in values:
        if convention == "ffill-shift":
            out.append(None if value is None or last is None else value - last)
        else:
            filled = last if value is None else value
            out.append(None if filled is None or last is None else filled - last)
        last = last if value is None else value
    return out


def pair_returns(a, b, convention, start):
    """Both sides' returns on the days both have one, cut to the window."""
    if convention not in ("common-dates", "alphadatabank"):
        both = zip(own_returns(a, convention)[start:], own_returns(b, convention)[start:])
        return [(x, y) for x, y in both if x is not None and y is not None]
    common = [day for day in range(len(a)) if a[day] is not None and b[day] is not None]
    out = []
    for before, day in zip(common, common[1:]):
        if day < start:
            continue
        x, y = a[day] - a[before], b[day] - b[before]
        if convention == "alphadatabank":
            if BOOK + a[before] == 0 or BOOK + b[before] == 0:
                continue
            x, y = x / (BOOK + a[before]), y / (BOOK + b[before])
        out.append((x, y))
    return out


def is_constant(returns, values, convention):
    largest = max(abs(value) for value in values if value is not None)
    if convention == "alphadatabank":
        largest = min(largest / BOOK, 1)
    return max(returns) - min(returns) <= 2.0**-50 * largest


def exact_integers(values):
    """The values times one power of two that makes all of them whole; correlation does not see the scale."""
    ratios = [value.as_integer_ratio() for value in values]
    scale = max(denominator for _, denominator in ratios)
    return [numerator * (scale // denominator) for numerator, denominator in ratios]


def correlation(a, b, convention, min_overlap, start):
    """(r or None, number of common returns). r = (n Sxy - Sx Sy) / sqrt((n Sxx - Sx^2) (n Syy - Sy^2))."""
    pairs = pair_returns(a, b, convention, start)
    n = len(pairs)
    if n < max(min_overlap, 2):
        return None, n
    x, y = [p[0] for p in pairs], [p[1] for p in pairs]
    if is_constant(x, a, convention) or is_constant(y, b, convention):
        return None, n
    x, y = exact_integers(x), exact_integers(y)
    sx, sy = sum(x), sum(y)
    above = n * sum(p * q for p, q in zip(x, y)) - sx * sy
    below = (n * sum(p * p for p in x) - sx * sx) * (n * sum(q * q for q in y) - sy * sy)
    r = float(decimal.Decimal(above) / decimal.Decimal(below).sqrt())
    return max(-1.0, min(1.0, r)), n


def row_summary(panel, alpha, convention, min_overlap, start):
    found = []
    for other in panel.series:
        if other != alpha:
            r, days = correlation(panel.series[alpha], panel.series[other], convention, min_overlap, start)
            if r is not None:
                found.append((r, other, days))
    if not found:
        return [alpha, "", "", "", "", 0, "", ""]
    values = [r for r, _, _ in found]
    best = min(found, key=lambda item: (-item[0], item[1].encode()))
    summary = [min(values), max(values), statistics.fmean(values), statistics.median(values)]
    return [alpha, *map(repr, summary), len(values), best[1], best[2]]


def self_test():
    a = [0, 120, 90, 210, 260, 240, 310, 330, 300, 390]
    b = [0, 60, 80, None, 150, 130, 170, None, 160, 230]
    a, b = ([None if v is None else float(v) for v in s] for s in (a, b))
    expected = {
        ("ffill-shift", 0): (0.840468527213175, 7), ("ffill-diff", 0): (0.5728651038410503, 9),
        ("common-dates", 0): (0.8823674751435504, 7), ("alphadatabank", 0): (0.8823660382017003, 7),
        ("ffill-shift", 4): (0.9142851048055567, 5), ("ffill-diff", 4): (0.8973520599848835, 6),
        ("common-dates", 4): (0.930249060270316, 5),
    }
    for (convention, start), (r, days) in expected.items():
        got = correlation(a, b, convention, 2, start)
        assert abs(got[0] - r) < 1e-14 and got[1] == days, f"{convention} from day {start}: {got}, expected {(r, days)}"
    steady = [0.1 * day for day in range(10)]
    assert correlation(steady, a, "ffill-shift", 2, 0) == (None, 9), "a steady line is constant"
    assert correlation(a, b, "daily-pnl", 9, 0) == (None, 8), "too little overlap"
    assert correlation(a, [-v for v in a], "ffill-diff", 2, 0) == (-1.0, 9), "exact opposites"
    assert first_day(["2020-02-28", "2020-03-01", "2024-02-29"], "4y") == 1, "years are cut by the calendar"
    print("correlation_pairs.py: self-test passed")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("input", nargs="?")
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("--convention", default="ffill-shift", choices=CONVENTIONS)
    parser.add_argument("--window", default="all")
    parser.add_argument("--min-overlap", type=int, default=60)
    parser.add_argument("--pairs", type=int)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out")
    options = parser.parse_args()
    if options.self_test:
        return self_test()
    if options.input is None or (options.pairs is None) == (options.rows is None):
        parser.error("expected INPUT and either --pairs or --rows")

    panel = Panel.load(options.input)
    start = first_day(panel.dates, options.window)
    alphas = sorted(panel.series)
    draw = random.Random(options.seed)
    with open(options.out, "w", newline="") if options.out else sys.stdout as file:
        table = csv.writer(file, lineterminator="\n")
        if options.pairs is not None:
            table.writerow(["alpha_id", "other_id", "correlation", "days"])
            for _ in range(options.pairs):
                one, other = draw.sample(alphas, 2)
                r, days = correlation(
                    panel.series[one], panel.series[other], options.convention, options.min_overlap, start)
                table.writerow([one, other, "" if r is None else repr(r), days])
        else:
            table.writerow([
                "alpha_id", "min_correlation", "max_correlation", "avg_correlation", "median_correlation", "pair_count",
                "most_correlated_alpha_id", "most_correlated_days"])
            for alpha in draw.sample(alphas, min(options.rows, len(alphas))):
                table.writerow(row_summary(panel, alpha, options.convention, options.min_overlap, start))


if __name__ == "__main__":
    main()

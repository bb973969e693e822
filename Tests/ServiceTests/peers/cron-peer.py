"""Prints random cron expressions with the next times that croniter finds: the fixture of CronScheduleTests.

usage: python3 cron-peer.py COUNT > cron.txt    (needs croniter from PyPI)
"""

import random
import sys
from datetime import datetime, timezone

from croniter import croniter

MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
DAYS = "SUN MON TUE WED THU FRI SAT".split()


def part(chance, low, high, names):
    def value(n):
        return names[n - low] if names and n - low < len(names) and chance.random() < 0.3 else str(n)

    kind = chance.randrange(5)
    a, b = sorted((chance.randint(low, high), chance.randint(low, high)))
    if kind == 0:
        return f"*/{chance.randint(1, max(1, (high - low) // 2))}"
    if kind == 1:
        return value(a)
    if kind == 2 and a < b:
        return f"{value(a)}-{value(b)}"
    if kind == 3 and a < b:
        return f"{value(a)}-{value(b)}/{chance.randint(1, b - a)}"
    return value(b)


def field(chance, low, high, names=None):
    if chance.random() < 0.35:
        return "*"
    return ",".join(part(chance, low, high, names) for _ in range(chance.choice((1, 1, 2, 3))))


def main():
    chance = random.Random(20_250_102)
    count = int(sys.argv[1])
    while count:
        text = " ".join(
            (
                field(chance, 0, 59),
                field(chance, 0, 23),
                field(chance, 1, 31),
                field(chance, 1, 12, MONTHS),
                field(chance, 0, 6, DAYS),
            )
        )
        # Whether a list that leaves nothing out is a restriction, programs do not agree.
        expanded = croniter.expand(text)[0] if croniter.is_valid(text) else None
        if expanded is None or any(
            given != "*" and (expanded[place] == ["*"] or len(set(expanded[place])) >= whole)
            for place, whole, given in ((2, 31, text.split()[2]), (4, 7, text.split()[4]))
        ):
            continue
        start = datetime.fromtimestamp(chance.randint(0, 4_000_000_000), timezone.utc)
        try:
            times = croniter(text, start)
            found = [int(times.get_next(float)) for _ in range(3)]
        except Exception:  # No such day, within croniter's fifty years.
            continue
        print(f"{text}|{int(start.timestamp())}|{' '.join(map(str, found))}")
        count -= 1


main()

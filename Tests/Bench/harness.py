"""What the figures share: running programs, finding peers, and what a figure is."""
import json
import os
import re
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "../.."))
SHARED = os.path.normpath(os.path.join(ROOT, "../shared"))
RUNS = 5


@dataclass
class Figure:
    """One line of the table. `ratios` are taken round by round, in one run on this machine."""
    number: str
    what: str
    bar: str
    value: float | None = None
    unit: str = ""
    met: bool | None = None
    ours: list = field(default_factory=list)
    peer: list = field(default_factory=list)
    ratios: list = field(default_factory=list)
    note: str = ""

    @staticmethod
    def at_most(number, what, bar, ours, peer, unit="x", note=""):
        """Ours over the peer's, round by round: the smaller the better."""
        ratios = [a / b for a, b in zip(ours, peer)]
        value = statistics.median(ratios)
        return Figure(number, what, f"<= {bar:g} {unit}".strip(), value, unit, value <= bar, ours, peer, ratios, note)

    @staticmethod
    def at_least(number, what, bar, ours, peer, note=""):
        """The peer's time over ours, round by round: how many times as fast."""
        ratios = [b / a for a, b in zip(ours, peer)]
        value = statistics.median(ratios)
        return Figure(number, what, f">= {bar:g} x", value, "x", value >= bar, ours, peer, ratios, note)


class Bench:
    """Where the programs are, and a folder to work in."""

    def __init__(self, binaries, folder, quick):
        self.binaries, self.folder, self.quick = os.path.abspath(binaries), folder, quick
        self.cores = len(os.sched_getaffinity(0))
        # What the environment says of OpenBLAS would be measured instead of OpenBLAS.
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}

    @property
    def rounds(self):
        return 1 if self.quick else RUNS

    def program(self, name):
        return os.path.join(self.binaries, name)

    def run(self, *arguments, environment=None):
        done = subprocess.run(
            [str(a) for a in arguments], capture_output=True, text=True, env=environment or self.environment)
        if done.returncode != 0:
            sys.exit(f"bench: {' '.join(map(str, arguments))} failed: {done.stderr.strip() or done.stdout.strip()}")
        return done

    def alphagrid(self, *arguments):
        return self.run(self.program("alphagrid"), *arguments).stdout

    def json(self, *arguments):
        return json.loads(self.alphagrid(*arguments, "--json"))

    def peer(self, name, *arguments):
        """Runs a program of ../shared/peers, which others wrote; its output, standard error last."""
        done = self.run(sys.executable, os.path.join(SHARED, "peers", name), *arguments)
        return done.stdout + done.stderr

    @staticmethod
    def has_peer(name):
        return os.path.exists(os.path.join(SHARED, "peers", name))

    def path(self, name):
        return os.path.join(self.folder, name)

    def synthetic(self, alphas, days, *more):
        """A CSV of made-up PnL with late starts and gaps; made once."""
        path = self.path(f"synthetic-{alphas}-{days}{''.join(map(str, more))}.csv")
        if not os.path.exists(path):
            self.run(self.program("alphagrid-synthetic"), "--alphas", alphas, "--days", days, "--late", 0.3, "--gaps", 0.2,
                     *more, "--out", path)
        return path

    def say(self, text):
        print(f"bench: {time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def number(pattern, text):
    found = re.search(pattern, text)
    if not found:
        sys.exit(f"bench: no '{pattern}' in: {text[-400:]}")
    return float(found.group(1))


def median(values):
    return statistics.median(values)

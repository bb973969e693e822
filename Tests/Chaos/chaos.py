"""Faults on real processes: a cluster of several hosts is mistreated, and must lose nothing. See Scripts/chaos."""
import argparse
import collections
import heapq
import itertools
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback

import checks
from cluster import Cluster
from faults import KINDS, draw
from lanes import LANES, Lane
from services import Supervisor, count

WORKERS = 3
# Every kind of job once, without faults.
FIRST_SECONDS = 300
# Everything that is under way when the last fault has been healed ends within this.
END_SECONDS = 180


class Run:
    """One run: the cluster, the jobs, the faults and what came of them."""

    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.began = time.monotonic()
        self.timeline, self.counts, self.heals, self.order = [], collections.Counter(), [], itertools.count()
        self.cluster = Cluster(folder, options.bin, options.seed, WORKERS, self.say)
        self.supervisor = self.reader = self.expected = None
        self.lanes = [Lane(number, specs, self.cluster, self.say) for number, specs in enumerate(LANES, 1)]
        self.ended, self.wrong, self.first_epoch = [], [], 0

    def say(self, text):
        self.timeline.append(f"{time.monotonic() - self.began:7.2f}  {text}")

    def tell(self, text):
        """For whoever watches, too."""
        self.say(text)
        print(self.timeline[-1], flush=True)

    # Waiting, while faults that are over are healed

    def pause(self, seconds):
        self.until("", lambda: False, seconds)

    def until(self, what, ready, seconds=30):
        """The first answer that is something; None, with a word, when there is none in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            while self.heals and self.heals[0][0] <= time.monotonic():
                _, _, fault, heal = heapq.heappop(self.heals)
                heal()
                self.say(f"fault {fault.number} is over: {fault.kind}")
            if found := ready():
                return found
            if what == "" and self.is_wrong():
                return None
            time.sleep(0.02 if what != "a leader" else 0.1)
        if what:
            self.say(f"waited {seconds} s in vain for {what}")
        return None

    def is_wrong(self):
        return bool(self.reader.wrong or any(lane.failure for lane in self.lanes)
                    or any(service.crashes for service in self.cluster.services))

    # What happens

    def start(self):
        cluster = self.cluster
        cluster.database.start()
        cluster.fill_database()
        self.supervisor = Supervisor(cluster.services, self.say)
        cluster.start_leader()
        self.until("a leader", cluster.ready_leader, 60)
        cluster.start_others()
        if not self.until("the workers", self.workers_are_there, 60):
            raise RuntimeError("the cluster did not start")
        for lane in self.lanes:
            lane.begin(len(lane.specs))
        for lane in self.lanes:
            lane.thread.join(FIRST_SECONDS)
            if lane.failure or lane.thread.is_alive():
                raise RuntimeError(lane.failure or f"lane {lane.number} did not end without any fault")
        self.ended = [job for lane in self.lanes for job in lane.ended]
        with cluster.database.connect() as connection:
            self.expected = checks.Expected.of(connection, self.ended)
            self.first_epoch = connection.execute("SELECT epoch FROM coordinator_lease").fetchone()[0]
        self.reader = checks.Reader(cluster.database, self.expected, self.say)
        self.tell(f"{len(self.ended)} jobs without faults are done, with {sum(n for n, _ in self.expected.tables.values())} rows")

    def workers_are_there(self):
        leader = self.cluster.ready_leader()
        return leader and leader.ask("/v1/status")["workers_connected"] == WORKERS

    def mistreat(self):
        for lane in self.lanes:
            lane.begin()
        deadline = time.monotonic() + 60 * self.options.minutes
        for fault in draw(self.options.seed, self.options.faults):
            if self.is_wrong() or time.monotonic() > deadline:
                break
            what, heal = KINDS[fault.kind].act(self, fault)
            self.counts[fault.kind] += 1
            self.tell(f"fault {fault.number}: {fault.kind}" + (f" for {fault.seconds:.1f} s" if heal else "") + f": {what}")
            if heal:
                heapq.heappush(self.heals, (time.monotonic() + fault.seconds, next(self.order), fault, heal))
            self.pause(fault.gap)
        while self.heals and not self.is_wrong():
            self.pause(0.1)

    def end(self):
        """Lets everything come to its end, and checks it."""
        self.cluster.heal()
        self.tell("no more faults")
        for lane in self.lanes:
            lane.is_over.set()
        deadline = time.monotonic() + END_SECONDS
        for lane in self.lanes:
            lane.thread.join(max(0.0, deadline - time.monotonic()) if not self.is_wrong() else 1)
            # Where something else is wrong, nobody waits for the rest.
            if lane.thread.is_alive() and not self.is_wrong():
                self.wrong.append(f"the job of lane {lane.number} did not end within {END_SECONDS} s of the last fault")
        self.wrong += [lane.failure for lane in self.lanes if lane.failure]
        self.ended = [job for lane in self.lanes for job in lane.ended]
        if not self.wrong:
            with self.cluster.database.connect() as connection:
                self.wrong += checks.check_jobs(connection, self.ended, self.expected)
                self.wrong += checks.check_tables(connection, self.expected)
        self.reader.stop()
        self.wrong += self.reader.wrong
        self.supervisor.stop()
        self.wrong += self.cluster.stop() if not self.wrong else []
        coordinators = [one.service for one in self.cluster.coordinators]
        self.wrong += checks.check_epochs(coordinators) + checks.check_memory(coordinators)
        self.wrong += checks.check_logs(self.cluster.services)
        self.cluster.remove()
        self.wrong += checks.check_nothing_left({os.getpid()})

    def report(self):
        for name, count in sorted(self.counts.items()):
            print(f"  {count:3}  {name}")
        jobs = collections.Counter(spec.body["kind"] for _, spec, *_ in self.ended)
        largest = max(one.service.rss_kib_max for one in self.cluster.coordinators) >> 10
        corrupted = sum(line.bytes_corrupted for line in self.cluster.lines)
        print(f"{sum(self.counts.values())} faults of {len(self.counts)} kinds, {corrupted} bytes corrupted; "
              f"{len(self.ended)} jobs: " + ", ".join(f"{count} {kind}" for kind, count in sorted(jobs.items())))
        print(f"{self.reader.epoch - self.first_epoch} takeovers, {self.reader.looks} looks of a reader at all tables, "
              f"a coordinator of at most {largest} MiB, {time.monotonic() - self.began:.0f} s, seed {self.options.seed}")

    def story(self):
        """What one needs to find out why."""
        print(f"\nseed {self.options.seed}; what happened (seconds, event):")
        print("\n".join(self.timeline[-150:]))
        for service in self.cluster.services:
            print(f"\n{service.log}, last lines:\n{''.join(service.tail())}", end="")
        print(f"\nEverything is kept in {self.folder}. What is wrong:")
        for sentence in self.wrong:
            print(f"  {sentence}")


def arguments():
    parser = argparse.ArgumentParser(prog="Scripts/chaos")
    parser.add_argument("--bin", required=True, help="folder of the programs")
    parser.add_argument("--faults", type=count, default=60, help="how many (60)")
    parser.add_argument("--seed", type=int, default=1, help="decides which, when and how long (1)")
    parser.add_argument("--minutes", type=float, default=20, help="no fault begins later than that (20)")
    parser.add_argument("--keep", action="store_true", help="keep the folder with all logs")
    return parser.parse_args()


def main():
    options = arguments()
    folder = tempfile.mkdtemp(prefix="alphagrid-chaos-")
    # The database's user passes through.
    os.chmod(folder, 0o711)
    # As the first process of its namespace it would not even notice.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    run = Run(options, folder)
    try:
        run.start()
        run.mistreat()
        run.end()
        run.report()
    except Exception:  # pylint: disable=broad-except
        run.wrong.append(traceback.format_exc())
    with open(os.path.join(folder, "timeline.log"), "w", encoding="utf-8") as file:
        file.write("\n".join(run.timeline) + "\n")
    if run.wrong:
        run.story()
    elif options.keep:
        print(f"everything is kept in {folder}")
    else:
        shutil.rmtree(folder)
    sys.exit(1 if run.wrong else 0)


if __name__ == "__main__":
    main()

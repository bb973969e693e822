"""Figures 12 and 13: what a task costs beside its work."""
from harness import Figure, number


def dask_figure(bench):
    bench.say("figure 12: no-op tasks")
    ours = bench.json("bench", "dispatch", "--workers", 2, "--tasks", 50_000, "--runs", bench.rounds)
    rate = ours["tasks_per_second"]
    found = [Figure("12", "no-op tasks per second through coordinator, sockets and 2 worker processes", ">= 20,000 /s", rate,
                    "/s", rate >= 20_000, ours["seconds"])]
    keyed = bench.json("bench", "dispatch", "--workers", 2, "--tasks", 50_000, "--runs", bench.rounds, "--keys")
    share = keyed["tasks_per_second"] / rate
    blocks = [answer["block_bytes_per_second"] / 1e6 for answer in (ours, keyed)]
    found.append(Figure("12", "the same with keys", ">= 0.5 of without", keyed["tasks_per_second"], "/s", share >= 0.5,
                        keyed["seconds"], note=f"{share:.2f} of without; blocks {blocks[0]:,.0f} MB/s without, "
                        f"{blocks[1]:,.0f} MB/s with keys, one fetcher on loopback"))
    if bench.has_peer("dispatch_dask.py"):
        each = [seconds / ours["tasks"] for seconds in ours["seconds"]]
        theirs = [1 / number(r"([0-9.]+) tasks/s", bench.peer("dispatch_dask.py")) for _ in range(bench.rounds)]
        found.append(Figure.at_least("12", "the same against dask.distributed", 30, each, theirs))
    return found


def scheduler_figure(bench):
    bench.say("figure 13: the scheduler alone")
    said = bench.run(bench.program("alphagrid-simulate"), "--bench-scheduler", "--workers", 10_000, "--tasks", 1_000_000).stdout
    value = number(r"([0-9.]+) us", said)
    early, late = (number(rf"([0-9]+) kB {when}", said) / 1024 for when in ("after a tenth", "at the end"))
    return [Figure("13", "CPU per task of the scheduler alone, 10,000 workers, 1,000,000 tasks", "<= 10 us", value, "us",
                   value <= 10,
                   note=f"2 slots and credit 4 each; memory {early:.0f} MB after a tenth of the tasks, {late:.0f} MB at the end")]

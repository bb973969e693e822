"""The faults: what there is, how a seed draws them, and how each is done to the cluster."""
import os
import random
import signal
from dataclasses import dataclass
from typing import Callable

import psycopg

# A leader silent for ten seconds is succeeded; these are on either side of it.
SHORT, LONG = (0.5, 5.0), (11.5, 14.0)
# A leader that cannot show the database a sign of life for twenty seconds leaves its workers to the next.
LONGER = (26.0, 34.0)
MOMENT_SECONDS = 25


@dataclass(frozen=True)
class Fault:
    """One drawn fault: how long it lasts, how long nothing more happens after it began, and a number to choose by."""
    number: int
    kind: str
    seconds: float
    gap: float
    choice: int


@dataclass(frozen=True)
class Kind:
    """Does a fault and gives what it hit and how to heal it; None where nothing is to be healed."""
    act: Callable
    seconds: tuple


KINDS: dict[str, Kind] = {}


def kind(name, seconds=(0.0, 0.0), **more):
    def register(act):
        KINDS[name] = Kind(lambda run, fault: act(run, fault, **more), seconds)
        return act
    return register


def draw(seed, count):
    """All of a run beforehand, so that what happens in it changes nothing. Every kind comes before one comes again."""
    dice = random.Random(f"faults {seed}")
    deck, faults = [], []
    for number in range(1, count + 1):
        if not deck:
            deck = dice.sample(sorted(KINDS), len(KINDS))
        name = deck.pop()
        faults.append(Fault(number, name, dice.uniform(*KINDS[name].seconds), dice.uniform(0.5, 3.5), dice.randrange(1 << 30)))
    return faults


# Whom it hits. Each waits until there is one.

def worker(run, fault):
    return run.cluster.workers[fault.choice % len(run.cluster.workers)]


def leader(run, _):
    return run.until("a leader", run.cluster.ready_leader) or run.cluster.coordinators[0]


def standby(run, fault):
    present = leader(run, fault)
    return next(one for one in run.cluster.coordinators if one is not present)


def backend(run, fault):
    """The process of the database that serves one of the coordinator's connections, one in a transaction if there is any."""
    def look():
        try:
            with run.cluster.database.connect() as connection:
                return connection.execute(
                    """SELECT pid FROM pg_stat_activity WHERE application_name = 'alphagrid'
                       ORDER BY xact_start IS NULL, pid LIMIT 3""").fetchall()
        except psycopg.Error:
            return None
    rows = run.until("a connection of a coordinator", look)
    return rows[fault.choice % len(rows)][0] if rows else None


def running(run, victim):
    """Its service, once that is there again after an earlier fault."""
    service = getattr(victim, "service", victim)
    run.until("its process", lambda: service.pid, 5)
    return service


# Programs that are killed or frozen

@kind("worker killed", whom=worker)
@kind("leader killed", whom=leader)
@kind("standby killed", whom=standby)
def kill(run, fault, whom):
    service = running(run, whom(run, fault))
    return f"{service.name}, process {service.send(signal.SIGKILL)}", None


@kind("leader gone for long", LONG, whom=leader)
def lose_host(run, fault, whom):
    """Killed, and not started again before somebody else has had the time to take over."""
    service = running(run, whom(run, fault))
    service.restarts = False
    pid = service.send(signal.SIGKILL)

    def heal():
        service.restarts = True
    return f"{service.name}, process {pid}", heal


@kind("worker frozen", SHORT, whom=worker)
@kind("worker frozen for long", LONG, whom=worker)
@kind("leader frozen", SHORT, whom=leader)
@kind("leader frozen for long", LONG, whom=leader)
@kind("standby frozen", SHORT, whom=standby)
def freeze(run, fault, whom):
    service = running(run, whom(run, fault))
    pid = service.send(signal.SIGSTOP)
    return f"{service.name}, process {pid}", lambda: service.resume(pid)


@kind("database process killed")
def kill_backend(run, fault):
    pid = backend(run, fault)
    send(pid, signal.SIGKILL)
    return f"process {pid}", None


@kind("database process frozen", SHORT)
def freeze_backend(run, fault):
    pid = backend(run, fault)
    send(pid, signal.SIGSTOP)
    return f"process {pid}", lambda: send(pid, signal.SIGCONT)


def send(pid, number):
    try:
        if pid:
            os.kill(pid, number)
    except ProcessLookupError:
        pass


@kind("database restarted", immediately=False)
@kind("database restarted without shutdown", immediately=True)
def restart_database(run, _, immediately):
    return f"process {run.cluster.database.restart(immediately)}", None


# In the middle of a publication: some of its tables are written, none committed, and the next one is locked by us.

@kind("mid-publish: database restarted", act=restart_database, immediately=False)
@kind("mid-publish: database restarted without shutdown", act=restart_database, immediately=True)
@kind("mid-publish: leader killed", act=kill, whom=leader)
@kind("mid-publish: leader gone for long", LONG, act=lose_host, whom=leader)
@kind("mid-publish: leader frozen for long", LONG, act=freeze, whom=leader)
@kind("mid-publish: database process killed", act=kill_backend)
@kind("mid-publish: connection to the database lost", (0.5, 3.0))
def mid_publish(run, fault, act=None, **more):
    act = act or (lambda run, fault: lose(run, fault, "database"))
    table = "correlation_edges_" + ("usa", "chn")[fault.choice % 2]
    try:
        with run.cluster.database.connect() as lock, run.cluster.database.connect() as onlooker:
            lock.execute("BEGIN")
            lock.execute(f"LOCK TABLE {table} IN SHARE MODE")
            met = run.until("a publication", lambda: onlooker.execute(
                "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = %s::regclass", (table,)).fetchone(), MOMENT_SECONDS)
            what, heal = act(run, fault, **more)
    except psycopg.Error as error:
        # Another fault, or this one, has ended our own connection.
        if "what" not in locals():
            return f"nothing, as our own connection ended: {str(error).strip()}", None
    return f"{what}, while {table} was {'being replaced' if met else 'not being replaced'}", heal


# Disks

@kind("disk of the leader's state full", (2.0, 6.0))
def fill_state(run, fault):
    return fill(run, leader(run, fault).disk)


@kind("disk of the kept work full", (2.0, 6.0))
def fill_logs(run, _):
    return fill(run, run.cluster.logs_disk)


def fill(_, disk):
    disk.fill()
    return disk.folder, disk.free


# The network

@kind("link of a worker down", (1.0, 6.0), whom=worker)
@kind("link of the leader down", SHORT, whom=leader)
@kind("link of the leader down for long", LONG, whom=leader)
@kind("link of the standby down", SHORT, whom=standby)
@kind("link of the database down", SHORT, whom=None)
def link_down(run, fault, whom):
    cluster, victim = run.cluster, whom(run, fault) if whom else None
    if victim in cluster.workers:
        host = cluster.worker_hosts[cluster.workers.index(victim)]
    else:
        host = victim.host if victim else cluster.database_host
    host.set_link(False)
    return host.name, lambda: host.set_link(True)


def line_of(run, fault, which):
    return getattr(leader(run, fault), which)


@kind("workers: messages delayed", (2.0, 6.0), which="workers")
@kind("database: messages delayed", (2.0, 6.0), which="database")
def delay(run, fault, which):
    line = line_of(run, fault, which)
    line.delay_seconds = 0.02 + fault.choice % 20 / 100
    return f"{line.name}, {line.delay_seconds:.2f} s", line.heal


@kind("workers: line stalled", (1.0, 9.0), which="workers")
@kind("database: line stalled", (1.0, 9.0), which="database")
@kind("database: line stalled for long", LONGER, which="database")
def stall(run, fault, which):
    line = line_of(run, fault, which)
    line.stalled = True
    return line.name, line.heal


@kind("workers: connections lost", (0.5, 5.0), which="workers")
@kind("database: connections lost", (0.5, 5.0), which="database")
@kind("database: connections lost for long", LONGER, which="database")
def lose(run, fault, which):
    line = line_of(run, fault, which)
    line.refusing = True
    run.cluster.proxy.cut(line)
    return line.name, line.heal


@kind("workers: bytes corrupted", (2.0, 5.0), which="workers")
@kind("database: bytes corrupted", (2.0, 5.0), which="database")
def corrupt(run, fault, which):
    line = line_of(run, fault, which)
    line.corruption = 0.5
    return line.name, line.heal


@kind("workers: connections lost, handshakes corrupted", (2.0, 5.0), which="workers")
def corrupt_handshakes(run, fault, which):
    line = line_of(run, fault, which)
    line.corruption = 0.5
    run.cluster.proxy.cut(line)
    return line.name, line.heal

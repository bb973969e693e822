"""A cluster of several hosts, from nothing to a result: see Scripts/cluster-demo."""
import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from database import Database
from hosts import Host, Switch
from services import Service

WORKERS = 3
GUIDE = os.path.join(os.path.dirname(__file__), "..", "..", "Deploy", "README.md")
# Slow on purpose: every pair of two series with gaps is computed by itself, so that a few seconds remain in which something
# can happen.
REQUEST = ["--convention", "alphadatabank", "--window", "all"]
# Small blocks are many tasks.
BLOCKS = ["--param", "block_edge=128"]


class Site:
    """A host with a home folder of its own, on which commands are typed."""

    def __init__(self, demo, name, number):
        self.demo, self.name, self.host = demo, name, Host(name, number)
        self.home = os.path.join(demo.folder, name)
        os.makedirs(self.home, mode=0o700)
        self.environment = {
            **demo.environment, "HOME": self.home, "PATH": f"{demo.tools}:{demo.options.bin}:{os.environ['PATH']}",
            # Measured once for all, as equal machines would find the same.
            "XDG_CACHE_HOME": demo.cache}

    def run(self, *words, shell=False):
        """What a command prints; raises with what it complained of when it fails."""
        command = ["sh", "-c", words[0]] if shell else list(words)
        done = subprocess.run(
            self.host.inside(command), capture_output=True, text=True, env=self.environment, cwd=self.home, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"on {self.name}, '{' '.join(words)}' failed: {done.stderr.strip()}")
        return done.stdout

    def start(self, command):
        """A program that stays, typed as one line."""
        service = Service(
            self.name, self.host.inside(["sh", "-c", f"exec {command}"]), os.path.join(self.demo.folder, f"{self.name}.log"),
            self.environment, restarts=False)
        # Programs start where they are typed.
        service.command = ["env", f"--chdir={self.home}", *service.command]
        service.start()
        self.demo.services.append(service)
        return service


class Demo:
    """What is shown, step by step; `self.times` are the seconds that the last lines name."""

    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.began, self.services, self.times = options.began or time.time(), [], []
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("OPENBLAS_", "PG", "ALPHAGRID_"))}
        self.environment = {**kept, "NO_COLOR": "1"}
        self.tools, self.cache = os.path.join(folder, "tools"), os.path.join(folder, "cache")
        os.makedirs(self.tools)
        os.makedirs(self.cache)
        self.switch = Switch()
        self.database = self.make_database()
        self.sites = {"coordinator": Site(self, "coordinator", 2)}
        for number in range(1, WORKERS + 1):
            self.sites[f"host{number}"] = Site(self, f"host{number}", 30 + number)
        self.coordinator = self.sites["coordinator"]
        self.coordinator.environment["ALPHAGRID_DATABASE"] = self.database.url()
        self.make_names()

    def say(self, text):
        print(f"{time.time() - self.began:7.1f} s  {text}", flush=True)

    def make_database(self):
        self.database_host = Host("db", 20)
        database = Database(self.folder, self.database_host.address, self.environment, self.database_host.inside)
        self.services.append(database.service)
        return database

    def make_names(self):
        """Hosts know each other by name, and files go from one to another; both only in this run's own namespaces."""
        names = os.path.join(self.folder, "hosts")
        with open(names, "w", encoding="utf-8") as file:
            file.write("127.0.0.1 localhost\n")
            file.writelines(f"{site.host.address} {site.name}\n" for site in self.sites.values())
        subprocess.run(["mount", "--bind", names, "/etc/hosts"], check=True)
        with open(os.path.join(self.tools, "scp"), "w", encoding="utf-8") as file:
            file.write(f'#!/bin/sh\nexec cp --preserve=mode "$1" "{self.folder}/${{2%%:*}}/${{2#*:}}"\n')
        os.chmod(os.path.join(self.tools, "scp"), 0o755)

    # What is typed

    def guide(self):
        """The three commands with which the guide says that another host joins: where each is typed, and the command."""
        with open(GUIDE, encoding="utf-8") as file:
            block = re.search(r"<!-- join -->\n```\n(.*?)```", file.read(), re.DOTALL).group(1)
        found = [re.fullmatch(r"(\w+)\$ (.*)", line) for line in block.splitlines()]
        if len(found) != 3 or not all(found):
            raise RuntimeError(f"the guide's block of three commands is not one: {block}")
        return [match.groups() for match in found]

    def join(self, name):
        """Another host joins; gives its service and the seconds until it takes leases."""
        began = time.monotonic()
        for where, command in self.guide():
            command = command.replace("host2", name)
            site = self.sites[where.replace("host2", name)]
            if "alphagrid-worker" in command:
                service = site.start(f"{command} --slots 1 --memory 256MiB")
            else:
                site.run(command, shell=True)
        self.wait(f"{name} to join", lambda: name in [worker["worker"].rsplit("-", 1)[0] for worker in self.ask("workers")])
        return service, time.monotonic() - began

    def ask(self, *words):
        answer = json.loads(self.coordinator.run("alphagrid", *words, "--json"))
        return answer.get("workers", answer) if isinstance(answer, dict) else answer

    def wait(self, what, ready, seconds=60):
        deadline = time.monotonic() + seconds
        while not ready():
            for service in self.services:
                if service.wanted and service.pid is None:
                    raise RuntimeError(f"{service.name} ended: {''.join(service.tail())}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"waited {seconds} s for {what}")
            time.sleep(0.1)

    # The steps

    def is_up(self):
        try:
            self.coordinator.run("alphagrid", "status")
            return True
        except RuntimeError:
            return False

    def set_up(self):
        self.say("a database, a coordinator with keys and three workers, each on a host of its own")
        self.database.start()
        for command in ("alphagrid db init", "alphagrid keys init"):
            self.coordinator.run(command, shell=True)
        self.coordinator.start("alphagrid coordinator --bind 'tcp://*:5710' --block-port 5711")
        self.wait("the coordinator", self.is_up)
        self.say("the coordinator is ready")
        self.sites["host1"].run("alphagrid-worker", "--describe")
        self.members = {}
        for number in range(1, WORKERS + 1):
            name = f"host{number}"
            self.members[name], seconds = self.join(name)
            self.say(f"{name} joined, {seconds:.1f} s after the first of three commands")
            if number == 2:
                self.times.append(("a second host joined with the guide's three commands", seconds))

    def fill(self):
        self.file = os.path.join(self.coordinator.home, "pnl.csv")
        alphas, days = (3000, 250) if self.options.small else (5000, 250)
        self.coordinator.run(
            "alphagrid-synthetic", "--alphas", str(alphas), "--days", str(days), "--gaps", "1", "--out", self.file)
        self.coordinator.run("alphagrid", "db", "import", self.file, "--region", "USA")
        self.say(f"{alphas} synthetic alphas of {days} days imported")

    def first_result(self):
        self.coordinator.run("alphagrid", "run", "correlation", "--region", "USA", "--wait")
        self.times.append(("from the start of this script to the first result", time.time() - self.began))
        self.say("the first result is in correlation_usa")

    def mistreat(self):
        """A job during which one worker is drained and another is killed; gives its final state."""
        job = self.ask("run", "correlation", "--region", "USA", *REQUEST, *BLOCKS)["job_id"]
        self.say(f"job {job} begins: every pair by its common days")
        shown, drained, killed = None, 0, False
        while True:
            view = self.ask("jobs", "show", str(job))
            done = sum(stage["tasks_done"] for stage in view["stages"])
            if view["stages"]:
                shown = self.show_progress(view, done, shown)
            if view["state"] in ("done", "failed", "cancelled"):
                break
            if not drained and done >= 4:
                drained = done
                self.drain("host2")
            elif drained and not killed and done >= drained + 8:
                killed = self.kill("host3")
            time.sleep(0.05)
        if view["state"] != "done" or not killed:
            raise RuntimeError(f"the job ended as {view['state']}, {'after' if killed else 'before'} a worker was killed")
        self.say(f"job {job} is done; of three workers one is left")
        return view

    def show_progress(self, view, done, shown):
        """One line for every tenth of a stage; gives what the last line was about."""
        stage = view["stages"][-1]
        tenth = (stage["name"], view["state"], 10 * stage["tasks_done"] // max(1, stage["tasks_total"]))
        if tenth != shown:
            workers = ", ".join(f"{one['worker'].rsplit('-', 1)[0]} {one['tasks_done']}" for one in self.ask("workers"))
            self.say(f"{view['state']:10} {'#' * tenth[2]:10} {stage['name']}, {done:3} tasks done so far: {workers}")
        return tenth

    def drain(self, name):
        worker = next(one["worker"] for one in self.ask("workers") if one["worker"].startswith(f"{name}-"))
        self.coordinator.run("alphagrid", "workers", "drain", worker)
        service, began = self.members[name], time.monotonic()
        service.wanted = False
        status = service.process.wait(60)
        if status != 0:
            raise RuntimeError(f"{name} was drained and ended with {status}")
        self.say(f"drained: {name} finished what it had and left in order, after {time.monotonic() - began:.1f} s")

    def kill(self, name):
        service = self.members[name]
        service.wanted = False
        service.send(signal.SIGKILL)
        self.say(f"killed: {name}, in the middle of its task; the task goes to another")
        return True

    def compare(self, view):
        alone = json.loads(self.sites["host1"].run(
            "alphagrid", "correlate", self.file, *REQUEST, "--top", "10", "--format", "json"))
        self.say(f"digest of the cluster      {view['digest']}")
        self.say(f"digest of one process      {alone['digest']}   (alphagrid correlate)")
        if view["digest"] != alone["digest"]:
            raise RuntimeError(f"the results differ: {view['profile']} and {alone['profile']}")

    def stop(self):
        """In order: workers, coordinator, database."""
        for service in reversed(self.services):
            if service.wanted and service.stop(60) != 0:
                raise RuntimeError(f"{service.name} did not end in order: {''.join(service.tail())}")
        self.say("everything was stopped in order")

    def remove(self):
        for service in self.services:
            service.stop(0)
        for host in [self.database_host, *(site.host for site in self.sites.values())]:
            host.remove()


def arguments():
    parser = argparse.ArgumentParser(prog="Scripts/cluster-demo")
    parser.add_argument("--bin", required=True, help="folder of the programs")
    parser.add_argument("--small", action="store_true", help="less data")
    parser.add_argument("--began", type=float, help="when the script was started, in seconds since 1970")
    return parser.parse_args()


def main():
    options = arguments()
    folder = tempfile.mkdtemp(prefix="alphagrid-hosts-")
    # The database's user passes through.
    os.chmod(folder, 0o711)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    demo = Demo(options, folder)
    try:
        demo.set_up()
        demo.fill()
        demo.first_result()
        demo.compare(demo.mistreat())
        demo.stop()
        for what, seconds in demo.times:
            print(f"{seconds:7.1f} s  {what}")
    finally:
        demo.remove()
        subprocess.run(["umount", "/etc/hosts"], check=False)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()

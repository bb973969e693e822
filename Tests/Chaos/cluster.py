"""The cluster under test: a coordinator, a standby, workers and a database, each on a host of its own."""
import json
import os
import re
import ssl
import subprocess
import urllib.request

import psycopg

from database import Database, make_certificate
from hosts import Host, Switch
from proxy import Line, Proxy
from services import Service

CONTROL_PORT, HTTP_PORT = 5710, 8710
DISK_BYTES = 96 << 20


class Disk:
    """A small file system of its own, which can be filled."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=0700", "tmpfs", folder], check=True)

    def fill(self):
        with open(os.path.join(self.folder, "filler"), "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(1 << 16))
            except OSError:
                return

    def free(self):
        os.unlink(os.path.join(self.folder, "filler"))


class Coordinator:
    """One of the two coordinators, with what stands between it and the others."""

    def __init__(self, name, host, workers, database, disk, service, certificate):
        self.name, self.host, self.workers, self.database, self.disk, self.service = (
            name, host, workers, database, disk, service)
        self.trust = ssl.create_default_context(cafile=certificate)
        # It is known by its certificate, not by its address.
        self.trust.check_hostname = False

    def answer(self, path, body=None, timeout=5):
        """Bytes of an answer; raises OSError when there is none, urllib's HTTPError when it is a refusal."""
        request = urllib.request.Request(f"https://{self.host.address}:{HTTP_PORT}{path}")
        with open(os.path.join(self.disk.folder, "token"), encoding="ascii") as file:
            request.add_header("Authorization", f"Bearer {file.read().strip()}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=timeout, context=self.trust) as answer:
            return answer.read()

    def ask(self, path, body=None):
        return json.loads(self.answer(path, body))

    @property
    def is_ready(self):
        try:
            self.answer("/readyz", timeout=1)
            return True
        except (OSError, ValueError):
            return False


class Cluster:
    """Makes hosts, disks and lines; `start_leader` and `start_others` start what runs on them."""

    def __init__(self, folder, binaries, seed, workers, say):
        self.folder, self.binaries, self.say = folder, binaries, say
        self.switch, self.proxy, self.hosts = Switch(), Proxy(), []
        # What the environment says of OpenBLAS and PostgreSQL would make every machine's run a different one.
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("OPENBLAS_", "PG", "ALPHAGRID_"))}
        self.environment = {**kept, "HOME": folder, "NO_COLOR": "1"}
        self.database_host = self.host("database", 20)
        self.database = Database(folder, self.database_host.address, self.environment, self.database_host.inside)
        # Of both coordinators, on a disk that is never full.
        self.keys = os.path.join(folder, "keys")
        self.command("alphagrid", "keys", "init", "--keys", self.keys)
        self.logs_disk = Disk(os.path.join(folder, "job-logs"))
        self.coordinators = [self.coordinator("a", 2, seed), self.coordinator("b", 3, seed)]
        addresses = ",".join(f"tcp://{one.workers.address}:{CONTROL_PORT}" for one in self.coordinators)
        self.workers, self.worker_hosts = [], []
        for number in range(1, workers + 1):
            host = self.host(f"worker{number}", 30 + number)
            self.worker_hosts.append(host)
            key = os.path.join(folder, f"{host.name}.key")
            self.command("alphagrid", "keys", "add", host.name, "--keys", self.keys, "--out", key)
            self.workers.append(self.service(host.name, host, [
                "alphagrid-worker", "--connect", addresses, "--key", key, "--slots", "1", "--memory", "128MiB",
                "--name", f"{host.name}-1", "--serve-blocks", f"tcp://{host.address}:5712"]))

    def host(self, name, number):
        self.hosts.append(Host(name, number))
        return self.hosts[-1]

    def line(self, name, number, upstream, ports, seed):
        return self.proxy.add(Line(name, self.switch.add_address(number), upstream, ports, seed))

    def service(self, name, host, command):
        program = [os.path.join(self.binaries, command[0]), *command[1:]]
        return Service(name, host.inside(program), os.path.join(self.folder, f"{name}.log"), self.environment)

    def coordinator(self, letter, number, seed):
        name = f"coordinator-{letter}"
        host = self.host(name, number)
        workers = self.line(
            f"the line from the workers to {name}", number + 10, host.address, lambda: host.listening_ports() - {HTTP_PORT}, seed)
        database = self.line(
            f"the line from {name} to the database", number + 12, self.database_host.address,
            lambda: self.database_host.listening_ports() & {5432}, seed)
        disk = Disk(os.path.join(self.folder, f"state-{letter}"))
        certificate = os.path.join(self.folder, name)
        make_certificate(certificate, name)
        service = self.service(name, host, [
            "alphagrid", "coordinator", "--database", self.database.url(database.address), "--standby",
            "--keys", self.keys, "--tls-cert", f"{certificate}.crt", "--tls-key", f"{certificate}.key",
            "--bind", f"tcp://{host.address}:{CONTROL_PORT}", "--http", f"{host.address}:{HTTP_PORT}",
            "--state", disk.folder, "--job-logs", self.logs_disk.folder])
        return Coordinator(name, host, workers, database, disk, service, f"{certificate}.crt")

    @property
    def services(self):
        return [self.database.service, *(one.service for one in self.coordinators), *self.workers]

    @property
    def lines(self):
        return [line for one in self.coordinators for line in (one.workers, one.database)]

    # What it is asked

    def leader(self):
        """The coordinator that holds the lease, by the word of the database; None while nobody of these does."""
        try:
            with self.database.connect() as connection:
                row = connection.execute("SELECT holder FROM coordinator_lease").fetchone()
        except psycopg.Error:
            return None
        found = re.search(r"process (\d+)$", row[0]) if row else None
        pid = int(found.group(1)) if found else None
        return next((one for one in self.coordinators if pid and one.service.pid == pid), None)

    def ready_leader(self):
        leader = self.leader()
        return leader if leader and leader.is_ready else None

    def command(self, *words):
        """Runs `alphagrid` beside the database."""
        done = subprocess.run(
            [os.path.join(self.binaries, words[0]), *words[1:]], capture_output=True, text=True,
            env={**self.environment, "ALPHAGRID_DATABASE": self.database.url(), "ALPHAGRID_STATE": self.folder})
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(words)} failed: {done.stderr.strip()}")

    # Its life

    def fill_database(self):
        """Two regions, one of them with candidates; the same data in every run."""
        self.command("alphagrid", "db", "init")
        for region, alphas, days, seed, more in (
                ("USA", 160, 200, 1, []), ("USA", 40, 200, 2, ["--unsubmitted"]), ("CHN", 100, 200, 3, [])):
            file = os.path.join(self.folder, f"pnl-{seed}.csv")
            # Candidates have names of their own: those of a third region.
            self.command("alphagrid-synthetic", "--region", "EUR" if more else region, "--alphas", str(alphas),
                         "--days", str(days), "--seed", str(seed), "--out", file)
            self.command("alphagrid", "db", "import", file, "--region", region, *more)

    def start_leader(self):
        self.coordinators[0].service.start()

    def start_others(self):
        # Measured once for all workers, so that they have the same core type.
        self.command("alphagrid-worker", "--describe")
        for service in [*(one.service for one in self.coordinators[1:]), *self.workers]:
            service.start()

    def heal(self):
        for line in self.lines:
            line.heal()
        for host in self.hosts:
            host.set_link(True)

    def stop(self):
        """In order; what ended otherwise than it should."""
        wrong, leader = [], self.leader()
        standbys = [one.service for one in self.coordinators if one is not leader]
        for service in [*self.workers, *(one.service for one in self.coordinators), self.database.service]:
            status = service.stop(60)
            # One that was frozen to the end has just been told that it leads no more, and says so.
            if status == 1 and service in standbys and "another coordinator has taken over" in "".join(service.tail(3)):
                continue
            if status != 0:
                wrong.append(f"{service.name} ended with {status} when it was asked to stop")
        return wrong

    def remove(self):
        for service in self.services:
            service.stop(0)
        for host in self.hosts:
            host.remove()
        for disk in [self.logs_disk, *(one.disk for one in self.coordinators)]:
            subprocess.run(["umount", "--lazy", disk.folder], check=False)

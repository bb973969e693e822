"""Deploy/container on a real engine: see Scripts/test-containers. To be run in a mount namespace of its own."""
import argparse
import json
import os
import re
import secrets
import subprocess
import sys
import threading
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
CONTAINER = os.path.join(HERE, "..", "..", "Deploy", "container")
# The engine's own defaults ask for more than a container that this runs in may have.
ENGINE = """[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "crun"
"""
# Health checks, which systemd's timers make elsewhere.
CHECKED = ("alphagrid-database-1", "alphagrid-coordinator-1")
# Where the HTTP interface of each is on the machine: which of them leads is known by that alone.
PORTS = {"coordinator": 8710, "standby": 8711}

# How this says that containers cannot be run here.
NOT_ALLOWED = 3


class Engine:
    """podman with storage, state and network of this run alone."""

    def __init__(self, folder):
        self.folder = folder
        for path in ("/run", "/dev/shm"):
            subprocess.run(["mount", "-t", "tmpfs", "tmpfs", path], check=True)
        # What has both kinds of cgroups is refused by crun.
        if os.path.ismount("/sys/fs/cgroup/unified"):
            subprocess.run(["umount", "/sys/fs/cgroup/unified"], check=True)
        self.settings = os.path.join(folder, "containers.conf")
        with open(self.settings, "w", encoding="utf-8") as file:
            file.write(ENGINE)
        self.environment = {**os.environ, "CONTAINERS_CONF": self.settings, "NO_COLOR": "1"}
        self.words = ["podman", "--root", os.path.join(folder, "storage"), "--runroot", "/run/alphagrid-containers"]

    def run(self, *words, **options):
        done = subprocess.run([*self.words, *words], capture_output=True, text=True, env=self.environment, check=False, **options)
        if done.returncode != 0:
            raise RuntimeError(f"podman {' '.join(words)}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout

    def images(self):
        """Our image, and one that stands for the database's, on top of Debian's."""
        with open(os.path.join(CONTAINER, "Containerfile"), encoding="utf-8") as file:
            last = re.split(r"(?m)^(?=FROM )", file.read())[-1]
        recipe = os.path.join(self.folder, "Containerfile")
        with open(recipe, "w", encoding="utf-8") as file:
            file.write(last)
        # The first stage's only product, /package, is that of Scripts/package.
        source = os.path.join(self.folder, "build", "source")
        os.makedirs(source)
        os.rename(os.path.join(self.folder, "package"), os.path.join(self.folder, "build", "package"))
        self.run("build", "--network", "host", "--build-context", f"build={os.path.dirname(source)}", "--tag", "alphagrid",
                 "--file", recipe, source)
        self.run("build", "--network", "host", "--tag", "docker.io/library/postgres:15-bookworm", os.path.join(HERE, "database"))

    def is_allowed(self):
        """Whether a container of Debian can be run here at all; says why not."""
        self.run("import", os.path.join(self.folder, "debian.tar"), "docker.io/library/debian:bookworm-slim")
        try:
            self.run("run", "--rm", "--network", "host", "docker.io/library/debian:bookworm-slim", "true")
            return True
        except RuntimeError as error:
            print(error, file=sys.stderr)
            return False


class Site:
    """The services of compose.yaml."""

    def __init__(self, engine):
        self.engine, self.socket = engine, "/run/alphagrid-podman.sock"
        self.password = secrets.token_hex(16)
        self.environment = {
            **engine.environment, "DOCKER_HOST": f"unix://{self.socket}", "ALPHAGRID_IMAGE": "localhost/alphagrid",
            "ALPHAGRID_DATABASE_PASSWORD": self.password, "ALPHAGRID_SLOTS": "1"}
        self.log = open(os.path.join(engine.folder, "engine.log"), "w", encoding="utf-8")
        self.server = subprocess.Popen(
            [*engine.words, "system", "service", "--time=0", f"unix://{self.socket}"], env=engine.environment, stdout=self.log,
            stderr=self.log)
        self.stopping = threading.Event()
        threading.Thread(target=self.check_health, daemon=True).start()
        until("the engine", lambda: os.path.exists(self.socket))

    def check_health(self):
        while not self.stopping.wait(1):
            for name in CHECKED:
                command = [*self.engine.words, "healthcheck", "run", name]
                subprocess.run(command, env=self.engine.environment, capture_output=True, check=False)

    def compose(self, *words, stdin=None, fails=False):
        """What docker compose prints; raises with all of it when it fails."""
        program = os.path.join(os.path.dirname(sys.executable), "docker-compose")
        done = subprocess.run(
            [program, "--file", os.path.join(CONTAINER, "compose.yaml"), *words], input=stdin, capture_output=True, text=True,
            env=self.environment, check=False, timeout=180)
        if done.returncode != 0 and not fails:
            raise RuntimeError(f"docker compose {' '.join(words)}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done.stdout

    def inside(self, service, *words, **options):
        return self.compose("exec", "-T", service, *words, **options)

    def ask(self, service, *words, **options):
        text = self.inside(service, "alphagrid", *words, "--json", **options)
        return json.loads(text) if text.strip().startswith(("{", "[")) else None

    def workers(self, service):
        listed = self.ask(service, "workers", fails=True) or {"workers": []}
        return sorted(one["worker"] for one in listed["workers"] if one["state"] == "connected")

    def end(self):
        self.stopping.set()
        self.server.terminate()
        self.server.wait(30)
        self.log.close()


def until(what, ready, seconds=90):
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {seconds} s for {what}")
        time.sleep(0.3)


def expect(what, found, wanted):
    if found != wanted:
        raise RuntimeError(f"{what}: {found!r}, expected {wanted!r}")


def try_out(site, pnl):
    """From nothing to a result, with what may happen on the way."""
    site.compose("up", "--detach", "--no-build", "--pull", "never")
    until("two workers", lambda: site.workers("coordinator") == ["worker-1", "worker-2"])
    say("up: database, coordinator, standby and two workers")

    expect("the image's user", site.inside("coordinator", "id", "--user").strip(), "10001")
    status = site.inside("coordinator", "cat", "/proc/self/status")
    expect("capabilities", re.search(r"CapEff:\s*(\w+)", status).group(1), "0" * 16)
    expect("a write to the image", site.inside("coordinator", "sh", "-c", "touch /etc/x && echo done", fails=True), "")
    until("one of them to lead", lambda: leaders() != [])
    expect("how many lead", len(leaders()), 1)
    leader = leaders()[0]
    other = next(name for name in PORTS if name != leader)
    expect("jobs without a token", fetch(f"http://127.0.0.1:{PORTS[leader]}/v1/jobs"), 401)

    site.inside("coordinator", "alphagrid", "db", "import", "-", "--region", "USA", stdin=pnl)
    first = site.ask("coordinator", "run", "correlation", "--region", "USA", "--window", "all", "--wait")
    expect("the first job", first["state"], "done")
    alone = json.loads(site.inside(
        "coordinator", "alphagrid", "correlate", "-", "--window", "all", "--top", "10", "--format", "json", stdin=pnl))
    expect("digest of the cluster and of one process", first["digest"], alone["digest"])
    say(f"a job of two workers: digest {first['digest'][:16]}, as of one process")

    site.compose("kill", leader)
    until("the standby to lead", lambda: leaders() == [other] and site.workers(other) == ["worker-1", "worker-2"])
    second = site.ask(other, "run", "correlation", "--region", "USA", "--window", "all", "--fresh", "--wait")
    expect("digest under the standby", second["digest"], first["digest"])
    say(f"{leader} was killed: {other} leads, same digest")

    site.compose("stop", "worker-1")
    until("the worker to leave", lambda: site.workers(other) == ["worker-2"])
    if "drained; leaving" not in site.compose("logs", "worker-1"):
        raise RuntimeError("worker-1 did not drain when it was stopped")
    say("a stopped worker drains")

    text = site.compose("logs")
    for name, secret in (("password", site.password), ("token", site.inside(other, "cat", "/keys/token").strip())):
        if secret in text:
            raise RuntimeError(f"the {name} stands in the logs")


def leaders():
    return [name for name, port in PORTS.items() if fetch(f"http://127.0.0.1:{port}/readyz") == 200]


def fetch(url):
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


def say(text):
    print(f"containers: {text}", flush=True)


def cluster(options):
    file = os.path.join(options.folder, "pnl.csv")
    subprocess.run(
        [os.path.join(options.bin, "alphagrid-synthetic"), "--alphas", "300", "--days", "260", "--gaps", "1", "--out", file],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(file, encoding="utf-8") as opened:
        pnl = opened.read()
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    site = Site(Engine(options.folder))
    try:
        try_out(site, pnl)
    except BaseException:
        print(site.compose("logs", "--tail", "40", fails=True), file=sys.stderr)
        raise
    finally:
        site.compose("down", "--volumes", fails=True)
        site.end()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", required=True, help="where everything is kept")
    parser.add_argument("--bin", required=True, help="folder of the programs")
    parser.add_argument("--images", action="store_true", help="make the images")
    parser.add_argument("--cluster", action="store_true", help="run the cluster, in namespaces of its own")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.images:
        engine = Engine(options.folder)
        if not engine.is_allowed():
            sys.exit(NOT_ALLOWED)
        engine.images()
        return
    if not options.inside:
        apart = ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
        sys.exit(subprocess.run([*apart, sys.executable, *sys.argv, "--inside"], check=False).returncode)
    cluster(options)


if __name__ == "__main__":
    main()

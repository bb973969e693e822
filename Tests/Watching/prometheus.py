"""A real Prometheus scrapes a real coordinator, and answers what the dashboard and the alert rules ask.

usage: prometheus.py --bin FOLDER      needs prometheus and promtool (Debian: prometheus)

Starts a cluster with its own database and a Prometheus, each on free loopback ports and a folder of its own, and stops
them by their process ids.
"""

import argparse
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

import support

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "Deploy"
SCRAPE_SECONDS = 1


def check(condition, sentence):
    if not condition:
        sys.exit(f"prometheus.py: {sentence}")


def get(url, token=None, patience=10):
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    with urllib.request.urlopen(request, timeout=patience) as answer:
        return answer.read().decode()


def wait_until(what, question, seconds=90):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if found := question():
                return found
        except (OSError, ValueError):
            pass
        time.sleep(0.2)
    sys.exit(f"prometheus.py: {what} did not come within {seconds} s")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Running:
    """A child process that is asked to end, and made to when it does not."""

    def __init__(self, command, log, **options):
        self.log = log
        self.process = subprocess.Popen(
            command, stdout=open(log, "wb"), stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, **options)

    def expect_alive(self):
        check(self.process.poll() is None, f"{self.process.args[0]} ended:\n{pathlib.Path(self.log).read_text()[-3000:]}")
        return True

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()


def check_files():
    """What needs no cluster: the rules, their tests, and that the dashboard asks only for metrics that are documented."""
    folder = DEPLOY / "prometheus"
    for command in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]):
        done = subprocess.run(["promtool", *command], cwd=folder, capture_output=True, text=True)
        check(done.returncode == 0, f"promtool {' '.join(command)}:\n{done.stdout}{done.stderr}")


def documented_names():
    """The metrics that the README lists; `_lost_total` behind a name stands for one that begins alike."""
    names = set()
    for line in (DEPLOY / "prometheus" / "README.md").read_text().splitlines():
        if not line.startswith("| `"):
            continue
        first = None
        for name in re.findall(r"`([a-z_]+)(?:\{[^`]*\})?`", line.split("|")[1]):
            if name.startswith("_"):
                name = first[: first.index("_joined")] + name
            first = first or name
            names.add(name)
    return names


def check_scrape(text):
    """One answer of /metrics: conventions, and that documentation and program name the same metrics."""
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    check(done.returncode == 0 and not done.stderr, f"promtool check metrics:\n{done.stdout}{done.stderr}")
    named = set(re.findall(r"^# TYPE (\S+)", text, re.M))
    documented = documented_names()
    check(named <= documented, f"not in Deploy/prometheus/README.md: {sorted(named - documented)}")
    # What has not happened has no series, so it may be missing: only requests that were refused.
    missing = documented - named - {"alphagrid_http_refusals_total"}
    check(not missing, f"in Deploy/prometheus/README.md, but not in the answer: {sorted(missing)}")
    series = [line for line in text.splitlines() if line and not line.startswith("#")]
    check(len(series) < 600, f"{len(series)} series are too many for one small cluster")
    return len(named), len(series)


def dashboard_queries():
    """Every expression of the dashboard, with its variables filled in."""
    dashboard = json.loads((DEPLOY / "grafana" / "alphagrid.json").read_text())
    found = [(panel["title"], target["expr"]) for panel in dashboard["panels"] for target in panel["targets"]]
    found += [("annotation", entry["expr"]) for entry in dashboard["annotations"]["list"]]
    check(len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"]), "two panels have one id")
    return [(title, expr.replace("$job", "alphagrid").replace("$__rate_interval", "30s")) for title, expr in found]


# Panels about what a healthy small run does not do: no checks, nothing refused, no takeover.
MAY_BE_EMPTY = ["alphagrid_http_refusals_total", "changes(alphagrid_leader_epoch"]


def check_queries(ask):
    queries = dashboard_queries()
    for title, expression in queries:
        result = ask(expression)
        if not any(word in expression for word in MAY_BE_EMPTY):
            check(result, f"the panel '{title}' of the dashboard shows nothing: {expression}")
    return len(queries)


def value(ask, expression):
    result = ask(expression)
    check(len(result) == 1, f"'{expression}' has {len(result)} values instead of one")
    return float(result[0]["value"][1])


def start_prometheus(folder, target, token):
    (folder / "token").write_text(token + "\n")
    (folder / "prometheus.yml").write_text(f"""
global: {{scrape_interval: {SCRAPE_SECONDS}s, evaluation_interval: {SCRAPE_SECONDS}s}}
rule_files: [{DEPLOY}/prometheus/alerts.yml]
scrape_configs:
  - job_name: alphagrid
    authorization: {{credentials_file: {folder}/token}}
    static_configs: [{{targets: ["{target}"]}}]
""")
    port = free_port()
    server = Running(
        ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
         f"--web.listen-address=127.0.0.1:{port}"], folder / "prometheus.log", cwd=folder)
    return server, f"http://127.0.0.1:{port}"


def run(bin_folder, folder):
    state = folder / "state"
    alphagrid = str(bin_folder / "alphagrid")
    environment = {**os.environ, "ALPHAGRID_STATE": str(state), "NO_COLOR": "1", "ALPHAGRID_LOG_FORMAT": "json"}

    def command(*arguments):
        done = subprocess.run([alphagrid, *arguments], env=environment, capture_output=True, text=True)
        check(done.returncode == 0, f"alphagrid {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    running = [Running([alphagrid, "up", "--workers", "2", "--slots", "1"], folder / "up.log", env=environment)]
    try:
        wait_until("the cluster", lambda: running[0].expect_alive() and (state / "connection.json").exists())
        url = json.loads((state / "connection.json").read_text())["url"]
        token = command("tokens", "add", "prometheus", "--role", "viewer", "--expires", "1d").strip()
        data = folder / "pnl.csv"
        subprocess.run(
            [bin_folder / "alphagrid-synthetic", "--region", "USA", "--alphas", "300", "--days", "300", "--seed", "3",
             "--layout", "wide", "--out", data], check=True, capture_output=True)
        command("db", "import", str(data), "--region", "USA")
        server, base = start_prometheus(folder, url.split("//")[1], token)
        running.append(server)

        def ask(expression):
            query = urllib.parse.urlencode({"query": expression})
            answer = json.loads(get(f"{base}/api/v1/query?{query}"))
            check(answer["status"] == "success", f"'{expression}': {answer}")
            return answer["data"]["result"]

        wait_until("the first scrape", lambda: server.expect_alive() and ask('up{job="alphagrid"} == 1'))
        # A rate needs series that were there before they grew.
        wait_until("a second scrape", lambda: ask('count_over_time(up{job="alphagrid"}[1m]) > 2'))
        command("run", "correlation", "--region", "USA", "--param", "block_edge=32", "--wait")
        command("run", "correlation", "--region", "USA", "--param", "block_edge=32", "--fresh", "--wait")
        with open(data, encoding="utf-8") as lines:
            first, second = lines.readline().strip().split(",")[1:3]
        command("explain", first, second, "--region", "USA")
        text = get(f"{url}/metrics", token)
        families, series = check_scrape(text)
        merged = int(re.search(r"^alphagrid_tasks_merged_total (\d+)$", text, re.M)[1])
        stages = [stage for job in json.loads(command("jobs", "--json"))["jobs"] for stage in job["stages"]]
        check(merged == sum(stage["tasks_done"] for stage in stages), f"{merged} tasks merged, but the jobs say {stages}")
        wait_until("the tasks in Prometheus", lambda: value(ask, "sum(alphagrid_tasks_merged_total)") == merged)
        # Series that came with the first task have a rate from their second scrape on.
        born = "sum(count_over_time(alphagrid_task_duration_seconds_count[1m])) > 2"
        wait_until("another scrape", lambda: ask(born) and ask("sum(count_over_time(alphagrid_checks_open[1m])) > 2"))
        get(f"{url}/metrics", token)
        counted = value(ask, "sum(alphagrid_task_duration_seconds_count)")
        check(counted == merged, f"{counted} durations for {merged} merged tasks")
        check(value(ask, "sum(alphagrid_task_flops_total)") > 1e6, "no flops are counted")
        check(value(ask, 'alphagrid_workers{state="connected"}') == 2, "two workers are not seen")
        check(value(ask, 'alphagrid_jobs_ended_total{state="done"}') == 2, "two jobs that are done are not seen")
        check(value(ask, "alphagrid_is_leader") == 1 and value(ask, "alphagrid_leader_epoch") >= 1, "nobody leads")
        check(value(ask, "alphagrid_database_commit_duration_seconds_count") > 3, "commits are not seen")
        queries = check_queries(ask)
        rules = json.loads(get(f"{base}/api/v1/rules"))["data"]["groups"][0]["rules"]
        broken = [rule["name"] for rule in rules if rule["health"] != "ok"]
        check(rules and not broken, f"rules that Prometheus cannot evaluate: {broken}")
        firing = [rule["name"] for rule in rules if rule["state"] == "firing"]
        check(not firing, f"alerts of a grid in order: {firing}")
        try:
            get(f"{url}/metrics")
            check(False, "/metrics answers without a token")
        except urllib.error.HTTPError as error:
            check(error.code == 401, f"/metrics without a token answers {error.code}")
        entries = support.check_logs(state / "logs")
        files, size = support.check_dump(command, folder, [token, (state / "token").read_text().strip()])
        scrape = value(ask, 'max_over_time(scrape_duration_seconds{job="alphagrid"}[1m])')
        print(f"{families} metrics in {series} series, {merged} tasks counted, {queries} queries of the dashboard and "
              f"{len(rules)} alert rules answered, slowest scrape {1000 * scrape:.0f} ms")
        print(f"{entries} log entries are JSON; the support dump has {files} files in {size} bytes, none with a secret")
    finally:
        for process in reversed(running):
            process.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    check_files()
    # Others must get through: the private database of a cluster that root starts runs as another user.
    with tempfile.TemporaryDirectory(prefix="agprom-") as folder:
        os.chmod(folder, 0o711)
        run(arguments.bin.resolve(), pathlib.Path(folder))


if __name__ == "__main__":
    main()

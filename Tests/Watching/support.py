"""What a real cluster writes for people who look into it: logs as lines of JSON, and the support dump."""

import json
import pathlib
import re
import sys
import tarfile


def check(condition, sentence):
    if not condition:
        sys.exit(f"support.py: {sentence}")


def check_entry(line, where):
    try:
        entry = json.loads(line)
    except ValueError:
        sys.exit(f"support.py: {where} has a line that is no JSON: {line[:300]}")
    check({"time", "level", "component", "message"} <= entry.keys(), f"{where} has a line without its fields: {line[:300]}")
    check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry["time"]), f"{where}: the time is {entry['time']}")
    for name in ("job", "task", "epoch"):
        check(isinstance(entry.get(name, 0), int), f"{where}: {name} is no number: {line[:300]}")
    return entry


def check_logs(folder):
    """The logs of a cluster with ALPHAGRID_LOG_FORMAT=json; returns how many entries there are."""
    entries = []
    for path in sorted(pathlib.Path(folder).glob("*.log")):
        if "postgres" in path.name:
            continue
        lines = [line for line in path.read_text().splitlines() if line.startswith("{")]
        others = [line for line in path.read_text().splitlines() if line and not line.startswith("{")]
        check(all(line.startswith("coordinator ready") for line in others), f"{path.name} has other lines: {others[:3]}")
        entries += [check_entry(line, path.name) for line in lines]
    done = [entry for entry in entries if entry["message"] == "job done"]
    check(len(done) >= 2 and all("job" in entry for entry in done), "the jobs that are done are not in the log with their ids")
    check(any(entry.get("worker") for entry in entries if entry["message"] == "worker joined"), "no worker has joined in the log")
    check(any(entry["component"] == "WorkerRuntime" and entry.get("worker") for entry in entries), "the workers' logs name none")
    return len(entries)


def check_dump(command, folder, secrets):
    """`support-dump` of a running cluster: all is there, for its owner alone, and no secret."""
    path = pathlib.Path(folder) / "dump.tar.gz"
    command("support-dump", "--out", str(path))
    check(path.stat().st_mode & 0o777 == 0o600, f"the dump has mode {path.stat().st_mode & 0o777:o}")
    with tarfile.open(path) as archive:
        names = [member.name.removeprefix("alphagrid-support/") for member in archive]
        contents = {name: archive.extractfile(member).read().decode() for name, member in zip(names, archive)}
    wanted = {"README.txt", "client.json", "status.json", "jobs.json", "workers.json", "metrics.txt", "support.json", "log.jsonl"}
    check(wanted <= contents.keys(), f"not in the dump: {sorted(wanted - contents.keys())}")
    check("Not here" not in contents["README.txt"], f"the dump misses something:\n{contents['README.txt']}")
    check(any(name.startswith("logs/") for name in contents), "the dump has no log of a worker")
    facts = json.loads(contents["support.json"])
    check(facts["schema_version"] == facts["schema_version_needed"] > 0, f"the schema's version is {facts['schema_version']}")
    check(facts["host"]["cpu_count"] > 0 and facts["settings"]["database"], "settings and host are not in the dump")
    for line in contents["log.jsonl"].splitlines():
        check_entry(line, "log.jsonl of the dump")
    for name, text in contents.items():
        for secret in secrets:
            check(secret not in text, f"{name} of the dump holds a secret")
    return len(contents), path.stat().st_size

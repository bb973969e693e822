"""Programs that run in the background, restarted when they end as systemd would do it."""
import os
import signal
import subprocess
import threading
import time

RESTART_SECONDS = 1.0
# What a program must not write, however it is treated.
FORBIDDEN = ("Fatal error", "Assertion failed", ".cpp:", "AddressSanitizer", "malloc()", "double free", "corrupted size")


def count(text):
    """Of faults, jobs or workers, as an argument: none at all would test nothing."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


class Service:
    """One program with its log; `wanted` says whether it is started again when it ends."""

    def __init__(self, name, command, log, environment, restarts=True):
        self.name, self.command, self.log, self.environment = name, command, log, environment
        self.restarts, self.wanted, self.process = restarts, False, None
        self.ended_at, self.killed, self.crashes, self.starts = None, set(), [], 0
        self.rss_kib_max = 0
        self.lock = threading.RLock()

    def start(self):
        with self.lock, open(self.log, "ab") as log:
            self.wanted, self.ended_at, self.starts = True, None, self.starts + 1
            self.process = subprocess.Popen(
                self.command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                start_new_session=True)

    @property
    def pid(self):
        """Of the running process; None when there is none."""
        with self.lock:
            return self.process.pid if self.process and self.process.poll() is None else None

    def send(self, number):
        """A signal; gives the process it went to, or None."""
        with self.lock:
            pid = self.pid
            if pid is not None:
                if number == signal.SIGKILL:
                    self.killed.add(pid)
                os.kill(pid, number)
            return pid

    def resume(self, pid):
        """Ends a SIGSTOP, if that process is still there."""
        with self.lock:
            if pid is not None and self.pid == pid:
                os.kill(pid, signal.SIGCONT)

    def look(self, now, say):
        """Called often: notes how it ended, and starts it again when it is time."""
        with self.lock:
            if not self.process or not self.wanted:
                return
            status = self.process.poll()
            if status is None:
                self.rss_kib_max = max(self.rss_kib_max, resident_kib(self.process.pid))
                return
            if self.ended_at is None:
                self.ended_at = now
                say(f"{self.name} (process {self.process.pid}) ended with {status}")
                if status < 0 and self.process.pid not in self.killed:
                    self.crashes.append(f"{self.name} was ended by signal {-status}")
            if self.restarts and now - self.ended_at >= RESTART_SECONDS:
                self.start()
                say(f"{self.name} started again as process {self.process.pid}")

    def stop(self, seconds, number=signal.SIGTERM):
        """Ends it in order; gives the exit status, None when it had to be killed."""
        with self.lock:
            self.wanted = False
            process = self.process
            if not process or process.poll() is not None:
                return process.returncode if process else 0
            os.kill(process.pid, signal.SIGCONT)
            os.kill(process.pid, number)
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return None

    def complaints(self):
        """Lines that no program may write."""
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return self.crashes + [f"{self.name} wrote: {line.strip()}" for line in log if any(w in line for w in FORBIDDEN)]

    def tail(self, lines=25):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.readlines()[-lines:]


class Supervisor:
    """Looks after services on a thread of its own."""

    def __init__(self, services, say):
        self.services, self.say, self.is_over = services, say, threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True, name="supervisor")
        self.thread.start()

    def run(self):
        while not self.is_over.wait(0.05):
            for service in self.services:
                service.look(time.monotonic(), self.say)

    def stop(self):
        self.is_over.set()
        self.thread.join()


def resident_kib(pid):
    """VmRSS of a process; 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            return next((int(line.split()[1]) for line in file if line.startswith("VmRSS:")), 0)
    except OSError:
        return 0


def processes_left(but):
    """Living processes of this process namespace, other than those."""
    left = []
    for name in sorted(filter(str.isdigit, os.listdir("/proc")), key=int):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                text = file.read()
        except OSError:
            continue
        state = text.rsplit(")", 1)[1].split()[0]
        if int(name) not in but and state not in "ZX":
            left.append(f"process {name} {text[text.index('('):text.rindex(')') + 1]}")
    return left

"""Event streams that are read and thrown away, and a steady row of requests: as little work of its own as Python can do with.

A program of its own, so that what it costs can be told from what it makes others do: requests are made once, one epoll waits for
everything, and it gives way to whoever else wants the CPU. Told what to do by a line of JSON, it says 'ready', and when its input
ends, what came of it. With 'burn' it has no server: it only uses the CPU as much and as often as a load did.
"""
import json
import os
import resource
import select
import socket
import sys
import time
from urllib.parse import urlparse

CONNECTIONS = 8
BUFFER_BYTES = 1 << 20


class Load:
    def __init__(self, order):
        self.order, self.place = order, urlparse(order["url"])
        self.requests = [self.head(path) for path in order["paths"]]
        self.epoll, self.buffer = select.epoll(), bytearray(BUFFER_BYTES)
        self.streams, self.askers, self.waiting = {}, {}, {}
        self.asked = self.answers = self.failures = self.events = self.bytes = 0
        self.seconds = []
        for _ in range(order["streams"]):
            stream = self.connect(self.streams)
            stream.sendall(self.head("/v1/events"))
        for _ in range(CONNECTIONS):
            self.connect(self.askers)
        self.idle = list(self.askers)

    def head(self, path):
        return f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.order['token']}\r\n\r\n".encode()

    def connect(self, known):
        connection = socket.create_connection((self.place.hostname, self.place.port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        known[connection.fileno()] = connection
        self.epoll.register(connection, select.EPOLLIN)
        return connection

    def ask(self, now):
        asker = self.idle.pop(0)
        self.waiting[asker] = (now, b"")
        self.askers[asker].sendall(self.requests[self.asked % len(self.requests)])
        self.asked += 1

    def answered(self, asker):
        since, known = self.waiting[asker]
        known += self.askers[asker].recv(BUFFER_BYTES)
        end = known.find(b"\r\n\r\n")
        length = 0 if end < 0 else int(known[:end].lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        if end < 0 or len(known) < end + 4 + length:
            self.waiting[asker] = (since, known)
            return
        self.failures += not known.startswith(b"HTTP/1.1 200 ")
        self.answers += 1
        self.seconds.append(time.monotonic() - since)
        self.idle.append(asker)

    def heard(self, stream):
        count = self.streams[stream].recv_into(self.buffer)
        if count == 0:
            sys.exit("load: a stream has ended")
        self.bytes += count
        # One event of the state comes with every look at the grid.
        self.events += self.buffer.count(b"event: status", 0, count)

    def run(self, until):
        self.epoll.register(until, select.EPOLLIN)
        began, rate = time.monotonic(), self.order["rate"]
        while True:
            now = time.monotonic()
            due = began + self.asked / rate
            if now >= due and self.idle:
                self.ask(now)
                continue
            for descriptor, _ in self.epoll.poll(max(0, due - now) if self.idle else 1):
                if descriptor == until:
                    return
                (self.heard if descriptor in self.streams else self.answered)(descriptor)

    def figures(self):
        return {"answers": self.answers, "failures": self.failures, "events": self.events / max(1, len(self.streams)),
                "bytes": self.bytes, "answer_seconds": self.seconds}


class Burn:
    """The CPU seconds of a load, in as many pieces, and nothing else."""

    def __init__(self, order):
        self.share, self.rate = order["burn"], order["rate"]

    def run(self, until):
        poll = select.poll()
        poll.register(until, select.POLLIN)
        began, used, pieces = time.monotonic(), time.process_time(), 0
        while not poll.poll(1000 * max(0, began + pieces / self.rate - time.monotonic())):
            pieces += 1
            while time.process_time() - used < pieces / self.rate * self.share:
                pass

    def figures(self):
        return {}


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main():
    os.nice(19)
    order = json.loads(sys.stdin.readline())
    work = (Burn if "burn" in order else Load)(order)
    print("ready", flush=True)
    began, used = time.monotonic(), cpu_seconds()
    work.run(sys.stdin.fileno())
    spent = time.monotonic() - began
    print(json.dumps({"seconds": spent, "cpu_seconds": cpu_seconds() - used, **work.figures()}), flush=True)


main()

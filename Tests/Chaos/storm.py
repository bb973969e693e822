"""Workers that come and go: each says a real HELLO over ZMTP 3.0, written here by hand so that a thousand cost nothing."""
import random
import socket
import struct
import threading
import time

PROTOCOL_VERSION = 4


def varint(number):
    head = b""
    while number > 0x7F:
        head, number = head + bytes([number & 0x7F | 0x80]), number >> 7
    return head + bytes([number])


def field(number, value):
    """Of a protobuf message: a whole number, a text, or bytes of a message inside."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def sealed(header):
    """A header with its own CRC32C behind it, as field 15."""
    rest = 0xFFFFFFFF
    for byte in header:
        rest ^= byte
        for _ in range(8):
            rest = rest >> 1 ^ (0x82F63B78 if rest & 1 else 0)
    return header + varint(15 << 3 | 5) + struct.pack("<I", rest ^ 0xFFFFFFFF)


def hello(name, incarnation, profile):
    inside = field(1, profile["blas_version"]) + field(2, profile["core_type"]) + field(3, profile["epilogue_version"])
    body = (field(1, name) + varint(2 << 3 | 1) + struct.pack("<Q", incarnation) + field(3, PROTOCOL_VERSION) + field(4, 1)
            + field(5, 2) + field(6, 64 << 20) + field(7, inside) + field(8, "storm") + field(9, 1) + field(10, "0"))
    return sealed(field(1, PROTOCOL_VERSION) + field(10, body))


GOODBYE = sealed(field(1, PROTOCOL_VERSION) + field(14, b""))


class Peer:
    """A DEALER socket of the NULL mechanism, with no more of it than is needed."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32))
        self.take(64)
        ready = b"\x05READY\x0bSocket-Type" + struct.pack(">I", 6) + b"DEALER\x08Identity" + bytes(4)
        self.socket.sendall(bytes([4, len(ready)]) + ready)
        self.take(self.take(2)[1])

    def take(self, count):
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise ConnectionError("the coordinator has hung up")
            data += more
        return data

    def send(self, frame):
        head = bytes([0, len(frame)]) if len(frame) < 256 else b"\x02" + struct.pack(">Q", len(frame))
        self.socket.sendall(head + frame)

    def receive(self):
        """The first frame of the next message; the others are thrown away."""
        frames = []
        while True:
            flags = self.take(1)[0]
            frame = self.take(struct.unpack(">Q", self.take(8))[0] if flags & 2 else self.take(1)[0])
            if flags & 4:
                continue
            frames.append(frame)
            if not flags & 1:
                return frames[0]


class Storm:
    """Workers, one after another, spread over the time until `join`."""

    def __init__(self, port, profile, workers, seed=1):
        self.port, self.profile, self.workers = port, profile, workers
        self.dice = random.Random(f"storm {seed}")
        self.allowed = threading.Semaphore(0)
        self.welcomed = self.leases = self.goodbyes = 0
        self.failures = []
        self.thread = threading.Thread(target=self.run, daemon=True, name="storm")
        self.thread.start()

    def release(self, workers):
        """So many more may come now."""
        for _ in range(workers):
            self.allowed.release()

    def run(self):
        for number in range(self.workers):
            self.allowed.acquire()
            try:
                self.visit(number)
            except (OSError, ConnectionError) as error:
                self.failures.append(f"worker {number} of the storm: {error!r}")

    def visit(self, number):
        """A tenth takes what it is given to the grave; of the others, no job can use the core type."""
        takes = number % 10 == 0
        profile = self.profile if takes else {**self.profile, "core_type": "Elsewhere"}
        peer = Peer(self.port)
        with peer.socket:
            peer.send(hello(f"storm-{number}", self.dice.getrandbits(63) | 1, profile))
            peer.receive()
            self.welcomed += 1
            if takes:
                peer.socket.settimeout(0.3)
                try:
                    while True:
                        peer.receive()
                        self.leases += 1
                except TimeoutError:
                    return
            if self.dice.random() < 0.5:
                peer.send(GOODBYE)
                self.goodbyes += 1
                time.sleep(0.01)

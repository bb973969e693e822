"""A TCP proxy that can delay, stall, cut and corrupt what goes through it."""
import asyncio
import random
import threading

CHUNK_BYTES = 1 << 16
WATCH_SECONDS = 0.1


class Line:
    """What goes to one host by one address. Everything is as it should be unless an attribute says otherwise."""

    def __init__(self, name, address, upstream, ports, seed):
        """`ports` gives those that the host listens on: the line listens on the same ones, and refuses on all others."""
        self.name, self.address, self.upstream, self.ports = name, address, upstream, ports
        self.random = random.Random(f"{seed} {name}")
        self.delay_seconds = 0.0
        self.stalled = False
        self.refusing = False
        # The part of all chunks of which one byte is changed.
        self.corruption = 0.0
        self.bytes_corrupted = 0
        self.servers, self.writers = {}, set()

    def heal(self):
        self.delay_seconds, self.stalled, self.refusing, self.corruption = 0.0, False, False, 0.0

    async def watch(self):
        """Follows the host's ports for ever."""
        while True:
            wanted = set() if self.refusing else self.ports()
            for port in sorted(set(self.servers) - wanted):
                self.servers.pop(port).close()
            for port in sorted(wanted - set(self.servers)):
                self.servers[port] = await asyncio.start_server(
                    lambda reader, writer, port=port: self.connected(reader, writer, port), self.address, port)
            await asyncio.sleep(WATCH_SECONDS)

    async def connected(self, reader, writer, port):
        try:
            there, back = await asyncio.wait_for(asyncio.open_connection(self.upstream, port), 10)
        except (OSError, asyncio.TimeoutError):
            writer.transport.abort()
            return
        ends = {writer, back}
        self.writers |= ends
        try:
            pumps = [asyncio.ensure_future(self.pump(reader, back)), asyncio.ensure_future(self.pump(there, writer))]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
        finally:
            self.writers -= ends
            for end in ends:
                end.close()

    async def pump(self, reader, writer):
        try:
            while data := await reader.read(CHUNK_BYTES):
                if self.delay_seconds:
                    await asyncio.sleep(self.delay_seconds)
                while self.stalled:
                    await asyncio.sleep(0.02)
                if self.corruption and self.random.random() < self.corruption:
                    data = self.corrupted(data)
                writer.write(data)
                await writer.drain()
        except OSError:
            return

    def corrupted(self, data):
        changed = bytearray(data)
        changed[self.random.randrange(len(changed))] ^= self.random.randrange(1, 256)
        self.bytes_corrupted += 1
        return bytes(changed)

    def cut(self):
        """Resets every connection. On the proxy's thread."""
        for writer in list(self.writers):
            writer.transport.abort()


class Proxy:
    """Lines, on a thread of their own."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True, name="proxy").start()

    def add(self, line):
        asyncio.run_coroutine_threadsafe(line.watch(), self.loop)
        return line

    def cut(self, line):
        self.loop.call_soon_threadsafe(line.cut)

"""A wire between the bot and the sandbox that goes bad: one TCP port before another, with TLS or without.

What goes wrong is a table of faults. Each is decided for every piece of bytes that comes along, by seeded dice.
"""

import asyncio
import random
import socket
import struct
import threading
from urllib.parse import urlsplit, urlunsplit

PIECE = 65536


class Fault:
    """`way`: answer (towards the bot) or ask (towards the sandbox)."""

    def __init__(self, kind, way="answer", probability=1.0, count=None, **more):
        self.kind, self.way, self.probability, self.left, self.more = kind, way, probability, count, more
        self.hits = 0

    def strikes(self, way, dice):
        if way != self.way or self.left == 0 or dice.random() >= self.probability:
            return False
        self.hits += 1
        self.left = self.left and self.left - 1
        return True


class Link:
    """One connection through the wire: two streams, and whether it is only there in appearance."""

    def __init__(self, near, far):
        self.near, self.far, self.dead = near, far, False
        self.socket = near.get_extra_info("socket")     # TLS forgets it at its end

    def end(self, reset=False):
        if reset and self.socket and self.socket.fileno() >= 0:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.near.transport.abort()
        self.near.close()
        self.far.close()


# ---- what a fault does with a piece; `to`: where it was going ----

async def reset(link, to, piece, *, share=0.5):
    """The other side goes away in the middle of it."""
    to.write(piece[:int(len(piece) * share)])
    await to.drain()
    await asyncio.sleep(0.005)      # what was written arrives before the reset does
    link.end(reset=True)


async def drip(link, to, piece, *, every_ms=0):
    """A byte at a time, each in a packet of its own."""
    for at in range(len(piece)):
        if to.is_closing():
            return
        to.write(piece[at:at + 1])
        await to.drain()
        await asyncio.sleep(every_ms / 1000)


async def slow(link, to, piece, *, ms=200):
    await asyncio.sleep(ms / 1000)
    to.write(piece)


async def silence(link, to, piece):
    """TCP stays open; from here on nothing gets through, neither way."""
    link.dead = True


KINDS = {each.__name__: each for each in (reset, drip, slow, silence)}


class Wire:
    """Before `url`'s port; `url` then leads through the wire. `name`: what the host is called on this side."""

    def __init__(self, url, seed=0, name="127.0.0.1", tls=None):
        self.parts = urlsplit(url)
        self.tls, self.name = tls, name
        self.dice = random.Random(seed)
        self.faults, self.links = [], set()
        self.accepted = self.heard = 0      # connections; bytes that the bot said (within TLS, if there is any)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.server = self._do(asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=tls))
        self.port = self.server.sockets[0].getsockname()[1]

    def _do(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    def url(self, path=None):
        scheme = self.parts.scheme + ("s" if self.tls else "")
        return urlunsplit((scheme, f"{self.name}:{self.port}", self.parts.path if path is None else path, "", ""))

    # ---- what goes wrong ----

    def fault(self, kind, **more):
        made = Fault(kind, **more)
        assert kind in KINDS, kind
        self.faults.append(made)
        return made

    def mend(self, drop=True):
        """No fault any more; what is dead is dropped, as a machine does in the end."""
        async def work():
            self.faults.clear()
            for link in [link for link in self.links if link.dead and drop]:
                link.end(reset=True)
        self._do(work())

    def drop(self):
        """Every connection of now."""
        async def work():
            for link in list(self.links):
                link.end(reset=True)
        self._do(work())

    def close(self):
        self.drop()

        async def work():
            self.server.close()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
            await asyncio.sleep(0.01)
        self._do(work())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()

    # ---- a connection ----

    async def _accept(self, reader, writer):
        self.accepted += 1
        try:
            far_reader, far = await asyncio.open_connection(self.parts.hostname, self.parts.port)
        except OSError:
            writer.close()
            return
        link = Link(writer, far)
        for each in (link.socket, far.get_extra_info("socket")):
            if each and each.fileno() >= 0:
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.links.add(link)
        try:
            await asyncio.gather(self._carry(link, reader, far, "ask"), self._carry(link, far_reader, writer, "answer"))
        except OSError:
            pass
        finally:
            self.links.discard(link)
            link.end()

    async def _carry(self, link, reader, to, way):
        while piece := await reader.read(PIECE):
            self.heard += len(piece) * (way == "ask")
            struck = next((fault for fault in self.faults if fault.strikes(way, self.dice)), None)
            if link.dead:
                continue
            if struck:
                await KINDS[struck.kind](link, to, piece, **struck.more)
            else:
                to.write(piece)
            await to.drain()
        if not link.dead:
            to.close()

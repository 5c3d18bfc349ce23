"""One Socket Mode connection: the upgrade, the frames both ways, and the ways it can go wrong.

The happy path is: ticket accepted, 101, hello, envelopes out and acks in, close frames both ways, TCP closed.
It fails by: refused or stalled upgrade, no hello, silence both ways (frozen), reset, protocol errors of the client.
"""

import asyncio
import json
import time

from ..faults import reset_connection
from . import wire

ANSWER_LIMIT = 20_000       # bytes from which an answer vanishes
FRAME_LIMIT = 4 << 20       # bytes of one client frame that are read at all
CLOSE_SECONDS = 1.0         # how long the client may take to answer a close


class Connection:
    def __init__(self, hub, number, reader, writer):
        self.hub = hub
        self.id = f"W{number}"
        self.reader = reader
        self.writer = writer
        self.opened = time.time()
        self.ready = False          # hello has been said
        self.closing = False
        self.closed = False
        self.frozen = False
        self.debug_reconnects = False
        self.why_closed = None
        self.thawed = asyncio.Event()
        self.timers = set()
        self.count = {key: 0 for key in ("sent", "acks", "late_acks", "unknown_acks", "wrong_socket_acks",
                                         "dropped_large", "dropped_fragmented", "dropped_by_fault", "bad_frames",
                                         "pings", "pongs", "bytes_out", "bytes_in")}

    def show(self):
        return {"id": self.id, "opened": self.opened, "ready": self.ready, "closing": self.closing,
                "closed": self.closed, "frozen": self.frozen, "debug_reconnects": self.debug_reconnects,
                "why_closed": self.why_closed, **self.count}

    # ---- life ----

    async def serve(self):
        try:
            if await self._upgrade():
                await self._read()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            self.why_closed = self.why_closed or "the client went away"
        except wire.ProtocolError as error:
            self.count["bad_frames"] += 1
            self.why_closed = error.reason
            self._write(wire.encode(wire.CLOSE, error.code.to_bytes(2, "big") + error.reason.encode()))
        finally:
            self._end()

    async def _upgrade(self):
        try:
            path, query, headers = await asyncio.wait_for(wire.read_upgrade(self.reader), 30)
        except (ValueError, IndexError, asyncio.TimeoutError):
            self._refuse(400, "bad upgrade")
            return False
        self.debug_reconnects = query.get("debug_reconnects") == "true"
        if self.hub.faults.take("stall_upgrade"):
            self.why_closed = "stalled"
            await self.reader.read()            # until the client gives up
            return False
        refusal = self.hub.faults.take("refuse_upgrade")
        if refusal:
            self._refuse(int(refusal.get("status", 503)), "refused by a fault", refusal.get("retry_after"))
            return False
        if headers.get("upgrade", "").lower() != "websocket" or "sec-websocket-key" not in headers \
                or headers.get("sec-websocket-version") != "13":
            self._refuse(400, "not a WebSocket upgrade")
            return False
        if not self.hub.use_ticket(query.get("ticket")):
            self._refuse(403, "this URL has been used or is too old")
            return False
        self._write(wire.upgrade_answer(headers["sec-websocket-key"]))
        await self.writer.drain()
        self.hub.on_open(self)
        return True

    def _refuse(self, status, text, retry_after=None):
        self.why_closed = f"upgrade refused with {status}"
        again = f"Retry-After: {retry_after}\r\n" if retry_after is not None else ""
        self._write((f"HTTP/1.1 {status} Refused\r\n{again}Content-Length: {len(text)}\r\n"
                     f"Connection: close\r\n\r\n{text}").encode())

    def _end(self):
        for timer in self.timers:
            timer.cancel()
        self.closed = True
        self.closing = True
        self.hub.on_closed(self)
        if not self.writer.is_closing():
            self.writer.close()

    # ---- inbound ----

    async def _read(self):
        fragments = False
        while True:
            frame = await wire.read_frame(self.reader, FRAME_LIMIT)
            while self.frozen:
                await self.thawed.wait()
            self.count["bytes_in"] += len(frame.payload)
            if frame.opcode == wire.PING:
                self.count["pings"] += 1
                if not self.hub.faults.take("no_pongs"):
                    self._write(wire.encode(wire.PONG, frame.payload))
            elif frame.opcode == wire.PONG:
                self.count["pongs"] += 1
            elif frame.opcode == wire.CLOSE:
                await self._on_close(frame.payload)
                return
            elif frame.opcode == wire.BINARY:
                raise wire.ProtocolError(1003, "binary frames are not spoken here")
            elif frame.opcode == wire.CONTINUATION or not frame.fin:
                # Deliberately not put together again: the other side at Slack does not either.
                if frame.opcode == wire.CONTINUATION and not fragments:
                    raise wire.ProtocolError(1002, "a continuation of nothing")
                fragments = not frame.fin
                if frame.fin:
                    self.count["dropped_fragmented"] += 1
                    self.hub.ws.change.tell()
            else:
                self._on_text(frame.payload)

    def _on_text(self, payload):
        if len(payload) >= ANSWER_LIMIT:
            self.count["dropped_large"] += 1
            self.hub.ws.change.tell()
            return
        try:
            answer = json.loads(payload.decode("utf-8"))
        except (ValueError, RecursionError):
            raise wire.ProtocolError(1007, "not JSON") from None
        if self.hub.faults.take("stop_ack_reading"):
            self.count["dropped_by_fault"] += 1
            return
        self.hub.on_ack(self, answer)

    async def _on_close(self, payload):
        self.why_closed = self.why_closed or f"the client closed ({int.from_bytes(payload[:2], 'big') or 1005})"
        if not self.closing:
            self._write(wire.encode(wire.CLOSE, payload[:2]))
        self.closing = True
        if self.hub.faults.take("linger"):
            # The close frame is answered, yet TCP stays open until the client ends it.
            while await self.reader.read(4096):
                pass

    # ---- outbound ----

    def _write(self, data):
        if not self.frozen and not self.closed and not self.writer.is_closing():
            self.count["bytes_out"] += len(data)
            self.writer.write(data)

    def say(self, message):
        """One JSON message in one text frame."""
        self.count["sent"] += 1
        self._write(wire.encode(wire.TEXT, json.dumps(message, ensure_ascii=False)))

    def raw(self, data):
        """Any bytes, as they are."""
        self._write(data)

    def later(self, seconds, run):
        """Calls `run` after a while unless the connection has ended."""
        def fire():
            self.timers.discard(timer)
            if not self.closed:
                run()
        timer = asyncio.get_running_loop().call_later(seconds, fire)
        self.timers.add(timer)

    def close(self, why, code=1000):
        """An orderly end; TCP is ended for a client that does not answer the close."""
        self.why_closed = self.why_closed or why
        if not self.closing:
            self._write(wire.encode(wire.CLOSE, code.to_bytes(2, "big")))
        self.closing = True
        self.later(CLOSE_SECONDS, self.writer.close)

    def drop(self, why="reset by a fault"):
        self.why_closed = why
        reset_connection(self.writer.transport)

    def freeze(self):
        """Half dead: TCP stays, nothing is read or written any more."""
        self.frozen = True
        self.thawed.clear()
        self.writer.transport.pause_reading()

    def thaw(self):
        if self.frozen:
            self.frozen = False
            self.thawed.set()
            self.writer.transport.resume_reading()

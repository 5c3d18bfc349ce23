"""The relay: events over a WebSocket, in the open relay format.

The happy path is: upgrade, the client's start with its token, our start, events out (each to one connection), an answer
with a status below 500 for each. It fails by: refused upgrade, wrong token (close 1008), no start of ours, answers that
never come or are 5xx (the event comes again), a reset, and silence both ways (half dead).
"""

import asyncio
import base64
import collections
import itertools
import json
import time

from aiohttp import WSCloseCode, WSMsgType, web

from ..faults import reset_connection

EVENTS_KEPT = 5000
MESSAGE_MOST = 4 << 20
FAULTS = {"relay_drop", "relay_half_dead", "relay_ignore_answer", "relay_refuse", "relay_no_start", "relay_no_pongs",
          "relay_garbage"}


class Link:
    """One connection."""

    def __init__(self, number, request, socket):
        self.id = f"R{number}"
        self.request = request
        self.socket = socket
        self.opened = time.time()
        self.ready = False
        self.frozen = False
        self.thawed = asyncio.Event()
        self.thawed.set()
        self.why_closed = None
        self.count = collections.Counter()

    def show(self):
        return {"id": self.id, "ready": self.ready, "frozen": self.frozen, "opened": self.opened,
                "why_closed": self.why_closed, **self.count}

    def freeze(self):
        self.frozen = True
        self.thawed.clear()

    def thaw(self):
        self.frozen = False
        self.thawed.set()

    async def say(self, message):
        if self.frozen:
            return
        try:
            await self.socket.send_str(message if isinstance(message, str) else json.dumps(message))
        except (ConnectionError, RuntimeError):
            pass


class Event:
    def __init__(self, event_id, delivery):
        self.id = event_id
        self.delivery = delivery
        self.link = None            # where it is out
        self.timer = None
        self.due = 0                # not before this moment
        self.done = False


class Relay:
    def __init__(self, site, api, faults):
        self.site, self.api, self.faults = site, api, faults
        self.links = []
        self.gone = collections.deque(maxlen=100)
        self.numbers = itertools.count(1)
        self.turn = 0
        self.events = collections.OrderedDict()
        self.clear()

    def clear(self):
        for event in self.events.values():
            if event.timer:
                event.timer.cancel()
        self.events = collections.OrderedDict()
        self.event_numbers = itertools.count(1)
        for link in list(self.links):
            self.drop(link, "reset")

    async def stop(self):
        self.clear()

    def usable(self):
        return [link for link in self.links if link.ready]

    def waiting(self):
        return [event for event in self.events.values() if not event.done]

    # ---- events ----

    def add(self, delivery):
        event = Event(f"evt_{next(self.event_numbers):08d}", delivery)
        self.events[event.id] = event
        while len(self.events) > EVENTS_KEPT:
            self.events.popitem(last=False)
        self.pump()

    def pump(self):
        """Hands out what waits, each event to one connection, in turn."""
        links = self.usable()
        if not links:
            return
        now = time.monotonic()
        for event in list(self.events.values()):
            if event.done or event.link is not None or event.due > now:
                continue
            self.turn += 1
            link = links[self.turn % len(links)]
            event.link = link
            link.count["sent"] += 1
            event.delivery.attempts.append({"at": time.time(), "status": None, "error": None, "link": link.id,
                                            "id": event.id})
            body = base64.b64encode(event.delivery.body).decode()
            headers = dict(event.delivery.headers)
            message = {"type": "event", "version": 1, "data": {
                "id": event.id, "method": "POST", "headers": headers, "body": body}}
            if self.faults.take("relay_garbage"):
                message = '{"type":"event","version":1,"data":{"id":'
            asyncio.get_running_loop().create_task(link.say(message))
            wait = float(self.site.settings["relay_ack_ms"]) / 1000
            event.timer = asyncio.get_running_loop().call_later(wait, self.again, event, "no answer")
        self.site.change.tell()

    def again(self, event, why, pause=None):
        """Back into the queue."""
        if event.timer:
            event.timer.cancel()
        if event.done:
            return
        if event.delivery.attempts and event.delivery.attempts[-1]["status"] is None:
            event.delivery.attempts[-1]["error"] = why
        event.link = None
        pause = float(self.site.settings["relay_retry_ms"]) / 1000 if pause is None else pause
        event.due = time.monotonic() + pause
        asyncio.get_running_loop().call_later(pause + 0.001, self.pump)

    def on_answer(self, link, said):
        event = self.events.get(said.get("id"))
        link.count["answers"] += 1
        if event is None or event.done:
            link.count["unknown_answers"] += 1
            return
        if self.faults.take("relay_ignore_answer"):
            link.count["ignored_answers"] += 1
            return
        status = said.get("status")
        status = status if isinstance(status, int) and not isinstance(status, bool) else 0
        try:
            text = base64.b64decode(said.get("body") or "").decode("utf-8", "replace")[:2000]
        except (ValueError, TypeError):
            text = None
        if not event.delivery.attempts:
            return
        event.delivery.attempts[-1].update(status=status, answer=text)
        if status >= 500 or not 100 <= status:
            self.again(event, f"answered with {status}")
        else:
            event.done = True
            if event.timer:
                event.timer.cancel()
            event.delivery.state = "delivered" if status < 400 else "refused"
        self.site.change.tell()

    # ---- connections ----

    async def handle(self, request):
        away = self.api.down(request)
        if away is not None:
            return away
        refusal = self.faults.take("relay_refuse")
        if refusal:
            return web.Response(status=int(refusal.get("status", 503)), text="refused by a fault")
        socket = web.WebSocketResponse(autoping=False, max_msg_size=MESSAGE_MOST)
        await socket.prepare(request)
        link = Link(next(self.numbers), request, socket)
        self.links.append(link)
        self.site.change.tell()
        try:
            await self._serve(link)
        except (ConnectionError, asyncio.TimeoutError):
            link.why_closed = link.why_closed or "the client went away"
        finally:
            self._end(link)
        return socket

    async def _serve(self, link):
        while True:
            wait = None if link.ready else 10
            message = await asyncio.wait_for(link.socket.receive(), wait)
            await link.thawed.wait()
            if message.type == WSMsgType.PING:
                link.count["pings"] += 1
                if not self.faults.take("relay_no_pongs"):
                    await link.socket.pong(message.data)
            elif message.type == WSMsgType.PONG:
                link.count["pongs"] += 1
            elif message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                link.count["text" if message.type == WSMsgType.TEXT else "binary"] += 1
                await self._on_message(link, message.data)
            else:
                link.why_closed = link.why_closed or f"closed by the client ({link.socket.close_code})"
                return

    async def _on_message(self, link, data):
        try:
            said = json.loads(data)
            data = said["data"]
            kind = said["type"]
            if not isinstance(data, dict):
                raise TypeError
        except (ValueError, KeyError, TypeError, RecursionError):
            link.count["bad_messages"] += 1
            await link.socket.close(code=WSCloseCode.UNSUPPORTED_DATA, message=b"not a message of this protocol")
            return
        if kind == "start" and not link.ready:
            wanted = self.site.settings["relay_token"]
            token = data.get("token")
            if not token or wanted not in (None, token):
                link.why_closed = "wrong token"
                await link.socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"invalid token")
                return
            if self.faults.take("relay_no_start"):
                return
            await link.say({"type": "start", "version": 1, "data": {"token": token}})
            link.ready = True
            self.site.change.tell()
            self.pump()
        elif kind == "event" and link.ready:
            self.on_answer(link, data)

    def _end(self, link):
        if link in self.links:
            self.links.remove(link)
        self.gone.append(link)
        for event in list(self.events.values()):
            if event.link is link and not event.done:
                self.again(event, "the connection went away", 0.0)
        self.site.change.tell()

    def drop(self, link, why="reset by a fault"):
        link.why_closed = why
        link.thaw()
        reset_connection(link.request.transport)

    def strike(self, fault):
        """Faults that act at once; the ids of what they hit."""
        if fault.kind not in ("relay_drop", "relay_half_dead", "down"):
            return []
        hit = [link for link in self.links if fault.get("connection", "all") in ("all", link.id)]
        for link in hit:
            if fault.kind == "relay_half_dead":
                link.freeze()
                if fault.get("for_ms"):
                    asyncio.get_running_loop().call_later(float(fault.get("for_ms")) / 1000, link.thaw)
            else:
                self.drop(link)
        return [link.id for link in hit]

    def show(self):
        return {"connections": [link.show() for link in [*self.gone, *self.links]], "open": len(self.links),
                "usable": len(self.usable()), "waiting": len(self.waiting())}

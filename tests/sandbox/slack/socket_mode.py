"""Socket Mode: tickets, who gets which envelope, acks and their deadline, events and their retries.

The happy path of an envelope is: sent on one of the ready connections, acked on the same one within three seconds.
It fails by: no connection, no ack in time, an ack elsewhere or of a shape nobody reads (20 KB, fragments); commands
and interactions then fail before the user's eyes, events come again after about 0, 1 and 5 minutes.
"""

import asyncio
import collections
import itertools
import random
import time
import uuid

from . import wire
from .connection import Connection
from .workspace import APP_ID, BOT_USER, TEAM_DOMAIN, TEAM_ID

CONNECTIONS_MOST = 10
SESSION_SECONDS = 18060
DEBUG_SESSION_SECONDS = 360
WARNING_SECONDS = 10
TICKET_SECONDS = 60
ENVELOPES_KEPT = 2000
RETRY_SECONDS = (0, 60, 300)
SOCKET_KINDS = {"disconnect", "half_dead", "drop", "no_hello", "refuse_upgrade", "stall_upgrade", "stop_ack_reading",
                "redeliver_all", "num_connections", "no_pongs", "linger"}
EVENT_TASKS = 5000          # events on their way at once; more are given up, as Slack does under a flood
EVENTS = {"message", "reaction_added", "reaction_removed", "app_home_opened", "app_mention", "member_joined_channel",
          "channel_rename", "channel_archive", "channel_unarchive"}
# What the app's configuration subscribes to; a test can have more.
SUBSCRIBED = {"reaction_added", "app_home_opened"}


class Delivery:
    """One envelope on its way: where it went and what came back."""

    def __init__(self, envelope):
        self.envelope = envelope
        self.id = envelope["envelope_id"]
        self.at = time.time()
        self.started = time.monotonic()
        self.connections = []       # ids of all that were given it
        self.acked = asyncio.Event()
        self.ack = None             # {connection, payload, ms}
        self.failed = None          # dispatch_failed or operation_timeout
        self.sent = 0

    def show(self):
        return {"envelope_id": self.id, "type": self.envelope["type"], "at": self.at, "sent": self.sent,
                "connections": self.connections, "ack": self.ack, "failed": self.failed}


class Hub:
    def __init__(self, ws, faults):
        self.ws = ws
        self.faults = faults
        self.server = None
        self.url = ""
        self.connections = []
        self.numbers = itertools.count(1)
        self.tasks = set()
        self.clear()

    def clear(self):
        self.tickets = {}
        self.deliveries = collections.OrderedDict()
        self.acks = collections.deque(maxlen=ENVELOPES_KEPT)
        self.dice = random.Random(3)
        self.choose = "random"
        self.turn = itertools.count()
        self.time_scale = 1.0
        self.ack_seconds = 3.0
        self.subscribed = set(SUBSCRIBED)
        self.count = {"commands_without_connection": 0, "events_without_connection": 0, "event_retries": 0,
                      "events_given_up": 0, "unacked_commands": 0, "unwanted_payloads": 0}

    async def start(self, host):
        self.server = await asyncio.start_server(self._accept, host, 0, limit=1 << 16)
        port = self.server.sockets[0].getsockname()[1]
        self.url = f"ws://{f'[{host}]' if ':' in host else host}:{port}/link/"

    async def stop(self):
        self.drop_all("the sandbox ends")
        for task in list(self.tasks):
            task.cancel()
        self.server.close()

    def reset(self):
        self.drop_all("reset")
        for task in list(self.tasks):
            task.cancel()
        self.connections.clear()
        self.clear()

    def drop_all(self, why):
        for connection in self.open():
            connection.thaw()
            connection.drop(why)

    def background(self, work):
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    # ---- connections ----

    def open(self):
        return [c for c in self.connections if not c.closed]

    def usable(self):
        """Those that get envelopes; a frozen one is among them, for nobody can tell."""
        return [c for c in self.connections if c.ready and not c.closing]

    def pick(self, which=None):
        """Connections by `all`, `newest`, `oldest`, or id."""
        found = self.open()
        if which in (None, "all"):
            return found
        if which in ("newest", "oldest"):
            return found[-1:] if which == "newest" else found[:1]
        return [c for c in found if c.id == which]

    def new_url(self):
        ticket = str(uuid.uuid4())
        now = time.monotonic()
        self.tickets = {key: until for key, until in self.tickets.items() if until > now}
        self.tickets[ticket] = now + TICKET_SECONDS
        return f"{self.url}?ticket={ticket}&app_id={APP_ID}"

    def use_ticket(self, ticket):
        until = self.tickets.pop(ticket, None)
        return until is not None and until > time.monotonic()

    async def _accept(self, reader, writer):
        connection = Connection(self, next(self.numbers), reader, writer)
        self.connections.append(connection)
        if len(self.connections) > 100:
            self.connections = self.open() + [c for c in self.connections if c.closed][-50:]
        await connection.serve()

    def on_open(self, connection):
        if len(self.usable()) >= CONNECTIONS_MOST:
            self.disconnect(connection, "too_many_websockets", 0)
            return
        if not self.faults.take("no_hello"):
            self.hello(connection)
        seconds = DEBUG_SESSION_SECONDS if connection.debug_reconnects else SESSION_SECONDS
        seconds *= self.time_scale
        ahead = min(WARNING_SECONDS, seconds / 2)
        connection.later(seconds - ahead, lambda: self.disconnect(connection, "warning", None))
        connection.later(seconds, lambda: self.disconnect(connection, "refresh_requested", 0))
        self.ws.change.tell()

    def hello(self, connection):
        fault = self.faults.take("num_connections")
        connection.ready = True
        number = int(fault.get("value", 2)) if fault else len(self.usable())
        seconds = DEBUG_SESSION_SECONDS if connection.debug_reconnects else SESSION_SECONDS
        connection.say({"type": "hello", "num_connections": number, "connection_info": {"app_id": APP_ID},
                        "debug_info": {"host": f"sandbox-{connection.id}", "build_number": 1,
                                       "approximate_connection_time": seconds}})
        self.ws.change.tell()

    def disconnect(self, connection, reason, close_after):
        """Says why, and closes `close_after` seconds later; None: only says so."""
        connection.say({"type": "disconnect", "reason": reason,
                        "debug_info": {"host": f"sandbox-{connection.id}"}})
        if close_after is None:
            pass
        elif close_after > 0:
            connection.later(close_after, lambda: connection.close(f"disconnect: {reason}"))
        else:
            connection.close(f"disconnect: {reason}")
        self.ws.change.tell()

    def on_closed(self, connection):
        self.ws.change.tell()

    # ---- envelopes ----

    def envelope(self, kind, payload, response=True, **more):
        return {"envelope_id": str(uuid.uuid4()), "type": kind, "payload": payload,
                "accepts_response_payload": response, **more}

    def send(self, envelope, connection=None):
        """Gives the envelope to one connection; the Delivery tells what becomes of it."""
        delivery = self.deliveries.get(envelope["envelope_id"]) or Delivery(envelope)
        self.deliveries[delivery.id] = delivery
        while len(self.deliveries) > ENVELOPES_KEPT:
            self.deliveries.popitem(last=False)
        connection = connection or self._choose()
        if connection is None:
            delivery.failed = "dispatch_failed"
            return delivery
        delivery.connections.append(connection.id)
        delivery.sent += 1
        connection.say(envelope)
        if delivery.sent == 1 and self.faults.of_kind("redeliver_all"):
            fault = self.faults.take("redeliver_all")
            if fault:
                self.background(self.redeliver(delivery, float(fault.get("delay_ms", 100)) / 1000,
                                               bool(fault.get("new_envelope_id"))))
        return delivery

    def _choose(self):
        found = self.usable()
        if not found:
            return None
        if self.choose == "newest":
            return found[-1]
        if self.choose == "oldest":
            return found[0]
        if self.choose == "round_robin":
            return found[next(self.turn) % len(found)]
        return self.dice.choice(found)

    async def redeliver(self, delivery, seconds=0.0, new_envelope_id=False, retry_attempt=0):
        """The same payload once more, under the same envelope id or a new one."""
        await asyncio.sleep(seconds)
        again = dict(delivery.envelope)
        if new_envelope_id:
            again["envelope_id"] = str(uuid.uuid4())
        if again["type"] == "events_api":
            again.update(retry_attempt=retry_attempt, retry_reason="timeout" if retry_attempt else "")
        return self.send(again)

    def on_ack(self, connection, answer):
        """An answer that got through. One nobody waits for is counted, not punished."""
        envelope_id = answer.get("envelope_id") if isinstance(answer, dict) else None
        delivery = self.deliveries.get(envelope_id) if isinstance(envelope_id, str) else None
        ms = round((time.monotonic() - delivery.started) * 1000, 1) if delivery else None
        kind = "acks"
        if delivery is None:
            kind = "unknown_acks"
        elif connection.id not in delivery.connections:
            kind = "wrong_socket_acks"
        elif delivery.failed:
            kind = "late_acks"
        connection.count[kind] += 1
        self.acks.append({"envelope_id": envelope_id, "connection": connection.id, "at": time.time(), "ms": ms,
                          "counted_as": kind, "payload": answer.get("payload") if isinstance(answer, dict) else answer})
        if kind == "acks" and answer.get("payload") and not delivery.envelope["accepts_response_payload"]:
            self.count["unwanted_payloads"] += 1
        if kind == "acks" and delivery.ack is None:
            delivery.ack = {"connection": connection.id, "payload": answer.get("payload"), "ms": ms}
            delivery.acked.set()
        self.ws.change.tell()

    async def ask(self, envelope, seconds=None):
        """Sends and waits for the ack until the deadline; Delivery.failed says why there is none."""
        delivery = self.send(envelope)
        if delivery.failed:
            self.count["commands_without_connection"] += 1
            return delivery
        try:
            await asyncio.wait_for(delivery.acked.wait(), self.ack_seconds if seconds is None else seconds)
        except asyncio.TimeoutError:
            delivery.failed = "operation_timeout"
            self.count["unacked_commands"] += 1
        self.ws.change.tell()
        return delivery

    # ---- events ----

    def on_event(self, kind, event):
        if kind not in self.subscribed:
            return None
        if len(self.tasks) >= EVENT_TASKS:
            self.count["events_given_up"] += 1
            return None
        now = time.time()
        payload = {"token": "sandbox", "team_id": TEAM_ID, "context_team_id": TEAM_ID, "api_app_id": APP_ID,
                   "event": {"type": kind, "event_ts": self.ws.new_ts(), **event}, "type": "event_callback",
                   "event_id": self.ws.new_id("Ev"), "event_time": int(now),
                   "authorizations": [{"enterprise_id": None, "team_id": TEAM_ID, "user_id": BOT_USER,
                                       "is_bot": True, "is_enterprise_install": False}],
                   "is_ext_shared_channel": False, "event_context": self.ws.new_secret()[:20]}
        return self.background(self._deliver_event(payload))

    async def _deliver_event(self, payload):
        for attempt, wait in enumerate((None,) + RETRY_SECONDS):
            if wait is not None:
                self.count["event_retries"] += 1
                await asyncio.sleep(wait * self.time_scale)
            envelope = self.envelope("events_api", payload, False, retry_attempt=attempt,
                                     retry_reason="timeout" if attempt else "")
            delivery = self.send(envelope)
            if delivery.failed:
                self.count["events_without_connection"] += 1
                await asyncio.sleep(min(1.0, self.time_scale))
                continue
            try:
                await asyncio.wait_for(delivery.acked.wait(), self.ack_seconds)
                return
            except asyncio.TimeoutError:
                delivery.failed = "operation_timeout"
        self.count["events_given_up"] += 1

    def _in_event(self, channel):
        return {"channel": channel.id, "channel_type": "im" if channel.im_user else
                "group" if channel.private else "channel"}

    def _seen(self, channel):
        """Events of a channel reach the app only as a member of it."""
        return BOT_USER in channel.members

    def on_message(self, channel, message):
        if not self._seen(channel):
            return
        shown = {key: value for key, value in message.items() if key not in ("metadata", "edits")}
        self.on_event("message", {**shown, **self._in_event(channel)})
        if f"<@{BOT_USER}" in message["text"] and message["user"] != BOT_USER:
            self.on_event("app_mention", {**shown, "type": "app_mention", **self._in_event(channel)})

    def on_message_changed(self, channel, message):
        if self._seen(channel):
            self.on_event("message", {"subtype": "message_changed", "hidden": True, "ts": self.ws.new_ts(),
                                      "message": self.ws.show_message(channel, message), **self._in_event(channel)})

    def on_reaction(self, channel, message, user_id, name, added):
        if self._seen(channel):
            self.on_event("reaction_added" if added else "reaction_removed",
                          {"user": user_id, "reaction": name, "item_user": message["user"],
                           "item": {"type": "message", "channel": channel.id, "ts": message["ts"]}})

    # ---- faults that act at once ----

    def strike(self, fault):
        """Carries out a fault that acts on connections now. Returns the ids it hit."""
        hit = self.pick(fault.get("connection"))
        if fault.kind not in ("disconnect", "half_dead", "drop"):
            return []
        for connection in hit:
            fault.hits += 1
            if fault.kind == "disconnect":
                reason = fault.get("reason", "refresh_requested")
                default = 0 if reason in ("link_disabled", "too_many_websockets") else 10000 * self.time_scale
                self.disconnect(connection, reason, float(fault.get("close_after_ms", default)) / 1000)
            elif fault.kind == "drop":
                connection.drop()
            else:
                connection.freeze()
                if fault.get("for_ms"):
                    asyncio.get_running_loop().call_later(float(fault.get("for_ms")) / 1000, connection.thaw)
        self.ws.change.tell()
        return [connection.id for connection in hit]

    def raw(self, spec, data):
        """Frames of the test's own making, on one connection: text, bytes, fragments, or bare bytes."""
        connections = self.pick(spec.get("connection", "newest"))
        for connection in connections:
            if spec.get("bare"):
                connection.raw(data)
                continue
            opcode = wire.BINARY if spec.get("binary") else int(spec.get("opcode", wire.TEXT))
            parts = int(spec.get("fragments", 1))
            size = max(1, -(-len(data) // parts))
            pieces = [data[at:at + size] for at in range(0, len(data), size)] or [b""]
            for at, piece in enumerate(pieces):
                connection.raw(wire.encode(opcode if at == 0 else wire.CONTINUATION, piece, at == len(pieces) - 1,
                                           int(spec.get("rsv", 0))))
        return [connection.id for connection in connections]


def slash_payload(ws, user, channel, command, text, trigger, response_url, org_install=False):
    return {"token": "sandbox", "team_id": TEAM_ID, "team_domain": TEAM_DOMAIN, "channel_id": channel.id,
            "channel_name": "directmessage" if channel.im_user else "privategroup" if channel.private
            else channel.name,
            "user_id": user["id"], "user_name": user["name"], "command": command, "text": text,
            "api_app_id": APP_ID, "is_enterprise_install": "false" if not org_install else "true",
            "response_url": response_url, "trigger_id": trigger}

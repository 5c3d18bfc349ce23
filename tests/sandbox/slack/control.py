"""The control API: tests act as people here, look at everything, and switch faults on and off."""

import asyncio
import base64
import json
import time

from aiohttp import web

from ..faults import HTTP_KINDS
from .people import Impossible
from .socket_mode import EVENTS, SOCKET_KINDS
from .web_api import METHODS

KINDS = HTTP_KINDS | SOCKET_KINDS
WAIT_MOST = 120.0


def answer(**said):
    return web.json_response(said)


class Control:
    def __init__(self, ws, api, hub, faults, people):
        self.ws, self.api, self.hub, self.faults, self.people = ws, api, hub, faults, people
        self.own = None             # its real addresses, while it gives out others

    def routes(self, app):
        posts = {"command": self.command, "click": self.click, "submit": self.submit, "cancel": self.cancel,
                 "shortcut": self.shortcut, "message": self.message, "react": self.react, "home": self.home,
                 "member": self.member, "read": self.read, "raw": self.raw, "envelope": self.envelope,
                 "event": self.event, "redeliver": self.redeliver, "fault": self.fault, "time": self.time,
                 "settings": self.settings, "reset": self.reset}
        for name, run in posts.items():
            app.router.add_post(f"/control/{name}", self._guard(run))
        app.router.add_delete("/control/fault", self.no_faults)
        app.router.add_delete("/control/fault/{id}", self.no_faults)
        gets = {"state": self.state, "messages": self.messages, "ephemerals": self.ephemerals, "views": self.views,
                "calls": self.calls, "connections": self.connections, "acks": self.acks, "faults": self.all_faults,
                "wait": self.wait}
        for name, run in gets.items():
            app.router.add_get(f"/control/{name}", self._guard(run))

    def _guard(self, run):
        """JSON in, JSON out; what a person could not do is a 400 with the reason."""
        async def guarded(request):
            try:
                if request.method == "GET":
                    spec = dict(request.query)
                else:
                    body = await request.read()
                    spec = json.loads(body) if body else {}
                    if not isinstance(spec, dict):
                        raise ValueError("the body must be a JSON object")
                result = run(spec)
                if asyncio.iscoroutine(result):
                    result = await result
                return web.json_response({"ok": True, **result})
            except (Impossible, ValueError, KeyError, TypeError) as why:
                return web.json_response({"ok": False, "error": f"{type(why).__name__}: {why}"}, status=400)
        return guarded

    # ---- people ----

    async def command(self, spec):
        return await self.people.command(spec.get("user"), spec.get("channel", "general"), spec.get("text", ""),
                                         spec.get("command", "/inc"), spec.get("escape", True),
                                         spec["timeout_ms"] / 1000 if spec.get("timeout_ms") else None)

    async def click(self, spec):
        return await self.people.click(spec)

    async def submit(self, spec):
        return await self.people.submit(spec)

    async def cancel(self, spec):
        return await self.people.cancel(spec)

    async def shortcut(self, spec):
        return await self.people.shortcut(spec)

    def message(self, spec):
        return self.people.message(spec)

    def react(self, spec):
        return self.people.react(spec)

    def home(self, spec):
        return self.people.home(spec)

    def member(self, spec):
        return self.people.join_or_leave(spec)

    def read(self, spec):
        return self.people.read(spec)

    # ---- the wire ----

    def raw(self, spec):
        if "base64" in spec:
            data = base64.b64decode(spec["base64"])
        else:
            data = str(spec.get("text", "")).encode("utf-8", "surrogatepass") * int(spec.get("repeat", 1))
        return {"connections": self.hub.raw(spec, data)}

    async def envelope(self, spec):
        """An envelope of the test's own making; waits for its ack."""
        made = self.hub.envelope(spec.get("type", "slash_commands"), spec.get("payload"))
        made.update(spec.get("envelope", {}))
        delivery = await self.hub.ask(made, spec.get("timeout_ms", 3000) / 1000)
        return delivery.show()

    def event(self, spec):
        """An event of the test's own making, with retries if nobody acks it."""
        kind = spec["event"]["type"]
        subscribed, self.hub.subscribed = self.hub.subscribed, self.hub.subscribed | {kind}
        self.hub.on_event(kind, spec["event"])
        self.hub.subscribed = subscribed
        return {}

    async def redeliver(self, spec):
        """Sends again: one envelope by id, or the last n (of a `type`), each after `delay_ms`."""
        if spec.get("envelope_id"):
            chosen = [self.hub.deliveries[spec["envelope_id"]]]
        else:
            every = [d for d in self.hub.deliveries.values() if spec.get("type") in (None, d.envelope["type"])]
            chosen = every[-int(spec.get("last", 1)):]
        made = [await self.hub.redeliver(delivery, spec.get("delay_ms", 0) / 1000, bool(spec.get("new_envelope_id")),
                                         int(spec.get("retry_attempt", 0))) for delivery in chosen]
        if spec.get("wait_ms"):
            for delivery in made:
                try:
                    await asyncio.wait_for(delivery.acked.wait(), spec["wait_ms"] / 1000)
                except asyncio.TimeoutError:
                    pass
        return {"envelopes": [delivery.show() for delivery in made]}

    # ---- faults and settings ----

    def fault(self, spec):
        if spec.get("kind") not in KINDS:
            raise ValueError(f"no fault {spec.get('kind')!r}; there are: {', '.join(sorted(KINDS))}")
        if spec["kind"] == "delay_ms" and "delay_ms" not in spec:
            spec["delay_ms"] = spec.get("value", 1000)
        fault = self.faults.add(spec)
        hit = self.hub.strike(fault)
        return {"id": fault.id, "fault": fault.show(), "connections": hit}

    async def no_faults(self, request):
        gone = self.faults.remove(request.match_info.get("id"))
        if any(fault.kind == "half_dead" for fault in gone):
            for connection in self.hub.open():
                connection.thaw()
        return answer(ok=True, removed=[fault.id for fault in gone])

    def all_faults(self, spec):
        return {"faults": [fault.show() for fault in self.faults.active.values()]}

    def time(self, spec):
        """`scale` stretches retries and sessions; the deadlines can be set on their own."""
        if "scale" in spec:
            self.hub.time_scale = float(spec["scale"])
        if "ack_ms" in spec:
            self.hub.ack_seconds = float(spec["ack_ms"]) / 1000
        if "trigger_ms" in spec:
            self.ws.trigger_seconds = float(spec["trigger_ms"]) / 1000
        return {"scale": self.hub.time_scale, "ack_ms": self.hub.ack_seconds * 1000,
                "trigger_ms": self.ws.trigger_seconds * 1000}

    def settings(self, spec):
        if "rates" in spec:
            self.api.real_rates = spec["rates"] == "real"
        if "choose" in spec:
            self.hub.choose = spec["choose"]
        if "subscribed" in spec:
            self.hub.subscribed = EVENTS if spec["subscribed"] == "all" else set(spec["subscribed"])
        if "addresses" in spec:
            self.own = self.own or (self.api.base_url, self.hub.url)
            self.api.base_url, self.hub.url = spec["addresses"]["api"].rstrip("/"), spec["addresses"]["socket"]
        if "commands" in spec:
            self.ws.commands = set(spec["commands"])
        if "shortcuts" in spec:
            self.ws.shortcuts = [{"type": str(one["type"]), "name": str(one["name"]),
                                  "callback_id": str(one["callback_id"])} for one in spec["shortcuts"]]
            self.ws.change.tell()
        if "missing_scopes" in spec:
            self.api.missing_scopes = set(spec["missing_scopes"])
        if "missing_methods" in spec:
            self.api.missing_methods = set(spec["missing_methods"])
        return {"rates": "real" if self.api.real_rates else "off", "choose": self.hub.choose,
                "subscribed": sorted(self.hub.subscribed), "missing_scopes": sorted(self.api.missing_scopes),
                "missing_methods": sorted(self.api.missing_methods), "methods": sorted(METHODS)}

    def reset(self, spec):
        self.faults.remove()
        if self.own:
            self.api.base_url, self.hub.url = self.own
            self.own = None
        self.hub.reset()
        self.api.reset()
        self.ws.fill()
        return {}

    # ---- looking ----

    def _channel(self, key):
        channel = self.ws.channel(key)
        if channel is None:
            raise Impossible(f"there is no channel {key!r}")
        return channel

    def _messages(self, channel):
        return [{**self.ws.show_message(channel, m, metadata=True), "channel": channel.id} for m in
                channel.messages.values()]

    def state(self, spec):
        return {
            "channels": [{**c.show(), "members": c.members, "pins": c.pins, "bookmarks": c.bookmarks,
                          "messages": self._messages(c)} for c in self.ws.channels.values()],
            "users": list(self.ws.users.values()), "usergroups": list(self.ws.groups.values()),
            "homes": {user: self.ws.show_view(view) for user, view in self.ws.homes.items()},
            "files": [{**{k: v for k, v in f.items() if k != "bytes"}, "text": (f["bytes"] or b"")[:4096].decode(
                "utf-8", "replace")} for f in self.ws.files.values()],
            **self.ephemerals({}), **self.views({}), **self.calls({}), **self.connections({}), **self.acks({}),
            **self.all_faults({}),
        }

    def messages(self, spec):
        channel = self._channel(spec.get("channel"))
        return {"channel": channel.id, "topic": channel.topic["value"], "archived": channel.archived,
                "pins": channel.pins, "messages": self._messages(channel)}

    def ephemerals(self, spec):
        user = self.people.person(spec["user"])["id"] if spec.get("user") else None
        since = float(spec.get("since", 0))
        return {"ephemerals": [e for e in self.ws.ephemerals
                               if user in (None, e["user"]) and float(e["ts"]) > since]}

    def views(self, spec):
        """Open forms with the errors they show, topmost last."""
        user = self.people.person(spec["user"])["id"] if spec.get("user") else None
        return {"views": [{**self.ws.views[view_id], "trouble": self.ws.views[view_id]["trouble"]}
                          for owner, stack in self.ws.stacks.items() if user in (None, owner)
                          for view_id in stack if view_id in self.ws.views]}

    def calls(self, spec):
        name = spec.get("method")
        since = int(spec.get("since", 0))
        return {"calls": [call for call in self.api.calls
                          if name in (None, call["method"]) and call["n"] >= since],
                "call_count": self.api.call_count}

    def connections(self, spec):
        return {"connections": [c.show() for c in self.hub.connections], "open": len(self.hub.open()),
                "usable": len(self.hub.usable()), "counts": self.hub.count}

    def acks(self, spec):
        return {"acks": list(self.hub.acks),
                "deliveries": [d.show() for d in list(self.hub.deliveries.values())[-200:]]}

    # ---- waiting ----

    async def wait(self, spec):
        """Returns as soon as what is asked for is there: {found: …}, or found null at the end of the time."""
        finders = {"connected": self._find_connected, "disconnected": self._find_disconnected,
                   "message": self._find_message, "ephemeral": self._find_ephemeral, "call": self._find_call,
                   "view": self._find_view, "home": self._find_home, "channel": self._find_channel,
                   "ack": self._find_ack, "idle": self._find_idle}
        what = spec.get("what")
        if what not in finders:
            raise ValueError(f"cannot wait for {what!r}; there are: {', '.join(sorted(finders))}")
        seconds = min(WAIT_MOST, float(spec.get("timeout_ms", 5000)) / 1000)
        found = await self.ws.change.until(lambda: finders[what](spec), seconds)
        return {"found": found, "timed_out": not found}

    def _find_connected(self, spec):
        usable = self.hub.usable()
        return [c.show() for c in usable] if len(usable) >= int(spec.get("count", 1)) else None

    def _find_disconnected(self, spec):
        return None if self.hub.usable() else True

    @staticmethod
    def _contains(item, spec):
        wanted = spec.get("contains")
        return not wanted or wanted in json.dumps([item.get("text"), item.get("blocks")], ensure_ascii=False)

    def _find_message(self, spec):
        channel = self.ws.channel(spec.get("channel")) if spec.get("channel") else None
        if spec.get("channel") and channel is None:
            return None
        since = float(spec.get("since", 0))
        count = int(spec.get("count", 1))
        found = [(one, m) for one in ([channel] if channel else self.ws.channels.values()) for m in one.messages.values()
                 if float(m["ts"]) > since and self._contains(m, spec)
                 and (spec.get("thread_ts") in (None, m.get("thread_ts")))
                 and (spec.get("user") is None or m["user"] == self.people.person(spec["user"])["id"])]
        if len(found) < count:
            return None
        one, message = found[-1]
        return {**self.ws.show_message(one, message, metadata=True), "channel": one.id}

    def _find_ephemeral(self, spec):
        found = [e for e in self.ephemerals(spec)["ephemerals"] if self._contains(e, spec)]
        return found[-1] if found else None

    def _find_call(self, spec):
        found = [c for c in self.calls(spec)["calls"] if c["ok"] is not None or spec.get("any")]
        return found[-1] if len(found) >= int(spec.get("count", 1)) else None

    def _find_view(self, spec):
        found = [v for v in self.views(spec)["views"] if self._contains(v, spec)]
        return found[-1] if found else None

    def _find_home(self, spec):
        view = self.ws.homes.get(self.people.person(spec.get("user"))["id"])
        return view if view and self._contains(view, spec) else None

    def _find_channel(self, spec):
        found = [c for c in self.ws.channels.values() if not c.im_user
                 and (c.name == spec.get("name") or spec.get("contains") and spec["contains"] in c.name)]
        return {**found[-1].show(), "members": found[-1].members} if found else None

    def _find_ack(self, spec):
        delivery = self.hub.deliveries.get(spec.get("envelope_id"))
        return delivery.show() if delivery and delivery.ack else None

    def _find_idle(self, spec):
        """No answer outstanding, nothing asked for `quiet_ms` by the app."""

        quiet = float(spec.get("quiet_ms", 300)) / 1000
        last = self.api.calls[-1]["at"] if self.api.calls else 0
        if self.api.in_flight == 0 and time.time() - last >= quiet:
            return True
        asyncio.get_running_loop().call_later(quiet / 4 + 0.01, self.ws.change.tell)
        return None

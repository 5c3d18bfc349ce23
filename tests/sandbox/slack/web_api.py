"""The Web API's front door: tokens, arguments, scopes, rates, faults; the methods are in the api_* modules."""

import asyncio
import collections
import json
import re
import time

from aiohttp import web

from ..faults import spoil
from .errors import SlackError
from .workspace import BOT_ID, BOT_USER

CALLS_KEPT = 2000
BODY_SHOWN = 20000
JSON_DEPTH = 100
APP_TOKEN = re.compile(r"xapp-[A-Za-z0-9-]{3,250}")
BOT_TOKEN = re.compile(r"xoxb-[A-Za-z0-9-]{3,250}")
OTHER_TOKEN = re.compile(r"xox[aprse]-[A-Za-z0-9-]{3,250}")
# Requests a minute, as the tiers of the documentation have them; "post" is about one a second per channel.
TIERS = {"1": 1, "2": 20, "3": 50, "4": 100, "post": 60, "free": None}
BURST = {"post": 4, "1": 10}

METHODS = {}
Method = collections.namedtuple("Method", "run scope tier token form_only")


def method(name, scope=None, tier="3", token="bot", form_only=False):
    """Registers `run(api, args) -> dict` under its name."""
    def register(run):
        METHODS[name] = Method(run, scope, tier, token, form_only)
        return run
    return register


class Args:
    """The arguments of a call, from JSON or a form, with Slack's leniency about strings."""

    def __init__(self, values):
        self.values = values

    def __contains__(self, key):
        return self.values.get(key) is not None

    def text(self, key, default=""):
        value = self.values.get(key)
        if value is None:
            return default
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (int, float)):
            return str(value)
        if not isinstance(value, str):
            raise SlackError("invalid_arguments", [f"[ERROR] {key} must be a string [json-pointer:/{key}]"])
        return value

    def need(self, *keys):
        missing = [key for key in keys if self.values.get(key) in (None, "")]
        if missing:
            raise SlackError("invalid_arguments", [f"[ERROR] missing required field: {key} [json-pointer:/{key}]"
                                                   for key in missing])

    def flag(self, key, default=False):
        value = self.values.get(key, default)
        return value if isinstance(value, bool) else str(value).lower() in ("1", "true")

    def number(self, key, default, least, most):
        try:
            return max(least, min(most, int(self.values.get(key, default))))
        except (TypeError, ValueError):
            raise SlackError("invalid_arguments", [f"[ERROR] {key} must be an integer [json-pointer:/{key}]"]) \
                from None

    def json(self, key):
        """A structure, or its JSON text, which is how forms carry one."""
        value = self.values.get(key)
        if isinstance(value, str) and value:
            try:
                return json.loads(value)
            except (ValueError, RecursionError):
                return value
        return value


class Buckets:
    """Token buckets: a minute's allowance, filled evenly."""

    def __init__(self):
        self.levels = {}

    def take(self, key, per_minute, burst):
        """0 when the call may go, else the seconds to wait."""
        now = time.monotonic()
        level, at = self.levels.get(key, (burst, now))
        level = min(burst, level + (now - at) * per_minute / 60)
        if len(self.levels) > 10000:
            self.levels.clear()
        if level < 1:
            self.levels[key] = (level, now)
            return (1 - level) * 60 / per_minute
        self.levels[key] = (level - 1, now)
        return 0


class WebApi:
    def __init__(self, ws, faults):
        self.ws = ws
        self.faults = faults
        self.hub = None             # set by the service: where connections and events live
        self.base_url = ""
        self.reset()

    def reset(self):
        self.calls = collections.deque(maxlen=CALLS_KEPT)
        self.call_count = 0
        self.buckets = Buckets()
        self.real_rates = False
        self.missing_scopes = set()
        self.missing_methods = set()
        self.in_flight = 0

    def scopes(self):
        every = {each.scope for each in METHODS.values() if each.scope}
        return sorted((every | {"commands", "channels:read", "channels:history", "reactions:read", "groups:read",
                                "groups:write", "groups:history", "im:history"})
                      - self.missing_scopes)

    # ---- the HTTP side ----

    async def handle(self, request):
        name = request.match_info["method"]
        record = {"n": self.call_count, "method": name, "at": time.time(), "args": {}, "ok": None, "error": None,
                  "faults": []}
        self.call_count += 1
        self.calls.append(record)
        self.in_flight += 1
        try:
            return await self._answer(request, name, record)
        finally:
            self.in_flight -= 1
            self.ws.change.tell()

    async def _answer(self, request, name, record):
        args, refused = await self._arguments(request, record)
        channels = self._channels(args)
        faults = self.faults.matching(name, channels)
        record["faults"] = [fault.kind for fault in faults]
        headers = {"x-oauth-scopes": ",".join(self.scopes()), "x-slack-req-id": f"{record['n']:08x}"}
        if name in METHODS and METHODS[name].scope:
            headers["x-accepted-oauth-scopes"] = METHODS[name].scope
        for fault in faults:
            if fault.get("delay_ms"):
                await asyncio.sleep(float(fault.get("delay_ms")) / 1000)
        spoilers = [fault for fault in faults if fault.kind != "delay_ms"]
        for fault in spoilers:
            if not fault.after:
                record.update(ok=False, error=fault.get("error", fault.kind))
                return await spoil(request, fault, {"ok": True}, headers)
        status, extra, answer = self.call(name, args, request.headers.get("Authorization", ""), channels, refused)
        record.update(ok=answer["ok"], error=answer.get("error"), ts=answer.get("ts"))
        self.ws.change.tell()
        for fault in spoilers:
            return await spoil(request, fault, answer, headers)
        return web.json_response(answer, status=status, headers={**headers, **extra})

    async def _arguments(self, request, record):
        """(arguments, error): the query, then the body over it."""
        values = dict(request.query)
        body = await request.read()
        kind = request.content_type
        error = None
        record["content_type"] = kind
        record["bytes"] = len(body)
        if kind == "application/json":
            try:
                parsed = json.loads(body.decode("utf-8")) if body else {}
                if not isinstance(parsed, dict):
                    error = "json_not_object"
                elif METHODS.get(request.match_info["method"], Method(*[None] * 5)).form_only:
                    # As at Slack: such methods do not read JSON bodies; the arguments are simply not there.
                    record["json_ignored"] = True
                else:
                    values.update(parsed)
            except (ValueError, RecursionError):
                error = "invalid_json"
        elif kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
            values.update({key: value for key, value in (await request.post()).items() if isinstance(value, str)})
        elif body:
            error = "invalid_post_type"
        shown = {key: value for key, value in values.items() if key != "token"}
        record["args"] = shown if len(body) <= BODY_SHOWN else {"cut": body[:BODY_SHOWN].decode("utf-8", "replace")}
        return Args(values), error

    def _channels(self, args):
        """The names a fault may match a call's channel by."""
        keys = [args.values.get(key) for key in ("channel", "channel_id", "name")]
        found = {key for key in keys if isinstance(key, str)}
        for key in list(found):
            channel = self.ws.channel(key)
            if channel:
                found |= {channel.id, channel.name}
        return found

    # ---- the call itself ----

    def call(self, name, args, authorization, channels=(), refused=None):
        """(HTTP status, headers, answer); also what the tests call directly."""
        try:
            found = METHODS.get(name)
            if found is None or name in self.missing_methods:
                raise SlackError("unknown_method", req_method=name)
            self._check_token(found, args, authorization)
            if refused:
                raise SlackError(refused)
            if found.scope in self.missing_scopes:
                raise SlackError("missing_scope", needed=found.scope, provided=",".join(self.scopes()))
            self._check_rate(name, found, args, channels)
            return 200, {}, {"ok": True, **found.run(self, args)}
        except SlackError as error:
            return error.status, error.headers, error.answer()

    @staticmethod
    def _check_token(found, args, authorization):
        kind, _, token = authorization.partition(" ")
        if not authorization:
            token = args.values.get("token") or ""
        elif kind.lower() != "bearer":
            token = ""
        token = str(token).strip()
        if not token:
            raise SlackError("not_authed")
        if not any(rule.fullmatch(token) for rule in (APP_TOKEN, BOT_TOKEN, OTHER_TOKEN)):
            raise SlackError("invalid_auth")
        wanted = APP_TOKEN if found.token == "app" else BOT_TOKEN
        if not wanted.fullmatch(token) and not (found.token == "any" and not OTHER_TOKEN.fullmatch(token)):
            raise SlackError("not_allowed_token_type")

    def _check_rate(self, name, found, args, channels):
        per_minute = TIERS[found.tier]
        if not self.real_rates or per_minute is None:
            return
        place = min(channels) if found.tier == "post" and channels else ""
        wait = self.buckets.take((name, place), per_minute, BURST.get(found.tier, per_minute))
        if wait:
            raise SlackError("ratelimited", status=429, headers={"Retry-After": str(max(1, round(wait + 0.5)))})

    # ---- what several methods need ----

    def channel(self, key, member=True, open_only=True, by_name=False):
        """The channel a call names, by id, or by name where Slack takes one; a user's id is their conversation."""
        key = key if isinstance(key, str) else ""
        if by_name and self.ws.channel(key):
            key = self.ws.channel(key).id
        if key in self.ws.users and key != BOT_USER:
            return self.ws.direct_channel(key)
        channel = self.ws.channels.get(key)
        if channel is None:
            raise SlackError("channel_not_found")
        if channel.private and BOT_USER not in channel.members:
            raise SlackError("channel_not_found")
        if member and BOT_USER not in channel.members:
            raise SlackError("not_in_channel")
        if open_only and channel.archived:
            raise SlackError("is_archived")
        return channel


@method("auth.test", tier="free", token="any")
def auth_test(api, args):
    return {"url": "https://sandbox.slack.com/", "team": "Sandbox", "user": "sitrep", "team_id": "T0SANDBOX",
            "user_id": BOT_USER, "bot_id": BOT_ID, "is_enterprise_install": False}


@method("api.test", tier="free", token="any")
def api_test(api, args):
    if "error" in args:
        raise SlackError(args.text("error"))
    return {"args": args.values}


@method("apps.connections.open", tier="1", token="app", form_only=True)
def apps_connections_open(api, args):
    return {"url": api.hub.new_url()}

"""The door of the REST API: who calls, which fault hits, how much may be written, which method answers, what is kept.

A method is a function `run(api, call)` that returns (status, answer); it registers with `@route`.
"""

import asyncio
import base64
import collections
import json
import re
import time

from aiohttp import web

from ..faults import BEFORE, HTTP_KINDS, reset_connection, spoil
from .errors import JiraError
from .show import Show
from .site import APP

CALLS_KEPT = 5000
BODY_SHOWN = 20000
WRITES = {"POST", "PUT", "DELETE"}
# Writes to one issue: (so many, in so many seconds), and requests of all: a second.
PER_ISSUE = ((20, 2.0), (100, 30.0))
PER_SECOND = {"GET": 100, "POST": 100, "PUT": 50, "DELETE": 50}
ROUTES = []


def route(method, pattern, versions=(2, 3), open_to_all=False):
    """`pattern` is a path below /rest/api/N with {names}; a name stands for one part of the path."""
    text = pattern.replace("{issue}", "(?P<issue>(?!createmeta\\b)[^/]+)")
    rule = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", text))

    def register(run):
        ROUTES.append((method, rule, versions, open_to_all, run))
        return run
    return register


class Call:
    """One request: what the methods need to know."""

    def __init__(self, site, base, version, user, request, body):
        self.site, self.version, self.user, self.body = site, version, user, body
        self.query = request.query
        self.basic = request.headers.get("Authorization", "").lower().startswith("basic")
        self.show = Show(site, base, version, user)
        self.names = {}

    @property
    def dc(self):
        return self.version == 2

    def number(self, key, default, most):
        try:
            return max(0, min(most, int(self.query.get(key, default))))
        except ValueError:
            # Jira's answer to a number that is none: nothing of that kind is here.
            raise JiraError(404, f"'{key}' must be a number.") from None

    def words(self, key):
        """A parameter with commas, which may also stand there several times."""
        return [word.strip() for value in self.query.getall(key, []) for word in value.split(",") if word.strip()]

    def json(self, kind=dict):
        try:
            said = json.loads(self.body.decode("utf-8"))
        except (ValueError, RecursionError):
            raise JiraError(400, "Unexpected character in the request body: it is not JSON.") from None
        if kind and not isinstance(said, kind):
            raise JiraError(400, "Invalid request payload. Refer to the REST API documentation and try again.")
        return said

    def issue(self, permission="BROWSE_PROJECTS"):
        found = self.site.issue(self.names["issue"])
        if not self.site.may("BROWSE_PROJECTS", found.project):
            raise JiraError(404, "Issue does not exist or you do not have permission to see it.")
        if not self.site.may(permission, found.project):
            raise JiraError(403, f"You do not have the permission {permission} for this issue.")
        return found

    def page(self, rows, name, most=1000, default=50, total=True):
        start, size = self.number("startAt", 0, 1 << 30), self.number("maxResults", default, most)
        said = {"startAt": start, "maxResults": size, "total": len(rows), name: rows[start:start + size]}
        if name == "values":
            said["isLast"] = start + size >= len(rows)
        return said


class Api:
    def __init__(self, site, faults):
        self.site = site
        self.faults = faults
        self.base = ""
        self.reset()

    def reset(self):
        self.calls = collections.deque(maxlen=CALLS_KEPT)
        self.call_count = 0
        self.in_flight = 0
        self.issue_writes = {}
        self.seconds = collections.Counter()
        self.second = 0
        self.last_version = 3
        self.hooks_number = 0

    def wiki_side(self):
        """The version whose looks webhooks have."""
        flavour = self.site.settings["flavour"]
        return {"cloud": 3, "dc": 2}.get(flavour, self.last_version)

    # ---- the HTTP side ----

    async def handle(self, request):
        path = "/rest/" + request.match_info["rest"]
        record = {"n": self.call_count, "method": request.method, "path": path, "at": time.time(),
                  "query": dict(request.query), "body": None, "status": None, "error": None, "issue": None,
                  "user": None, "done": False, "faults": []}
        self.call_count += 1
        self.calls.append(record)
        self.in_flight += 1
        try:
            return await self._answer(request, path, record)
        finally:
            self.in_flight -= 1
            record["took_ms"] = round((time.time() - record["at"]) * 1000)
            self.site.change.tell()

    def down(self, request):
        """The answer while Jira is down, else None."""
        for fault in self.faults.of_kind("down"):
            fault.seen += 1
            fault.hits += 1
            if fault.get("how", "refuse") == "refuse":
                reset_connection(request.transport)
                return web.Response()
            return web.Response(status=503, text="<html><body>Service Unavailable</body></html>",
                                content_type="text/html", headers={"Retry-After": str(fault.get("retry_after", 1))})
        return None

    async def _answer(self, request, path, record):
        away = self.down(request)
        if away is not None:
            record.update(status=0, error="down", faults=["down"])
            return away
        body = await request.read()
        record["body"] = shown_body(body)
        issue = self._issue_in(path)
        record["issue"] = issue and issue.key
        facts = {"method": request.method, "path": path, "body": body[:BODY_SHOWN].decode("utf-8", "replace"),
                 "issue": [issue.id, issue.key, *issue.old_keys] if issue else [""]}
        faults = self.faults.hitting(HTTP_KINDS, **facts)
        record["faults"] = [fault.kind for fault in faults]
        for fault in faults:
            if fault.get("delay_ms"):
                await asyncio.sleep(float(fault.get("delay_ms")) / 1000)
        spoilers = [fault for fault in faults if fault.kind not in BEFORE]
        for fault in spoilers:
            if not fault.after:
                record["error"] = fault.kind
                return await self._spoil(request, fault, 200, {"expand": "", "issues": [], "values": []}, record)
        status, answer, headers = await self.call(request, path, body, record)
        record["status"] = status
        record["done"] = status < 300       # carried out, whatever a fault makes of the answer
        record["error"] = (answer.get("errorMessages") or answer.get("errors")) if status >= 400 \
            and isinstance(answer, dict) else None
        if request.method in WRITES and isinstance(answer, dict) and answer.get("key"):
            record["issue"] = answer["key"]
        self.site.change.tell()
        for fault in spoilers:
            record["error"] = fault.kind
            return await self._spoil(request, fault, status, answer, record)
        if answer is None:
            return web.Response(status=status, headers=headers)
        return web.json_response(answer, status=status, headers=headers)

    async def _spoil(self, request, fault, status, answer, record):
        if fault.kind in ("status", "error"):
            said = int(fault.get("status", 500))
            record["status"] = said
            headers = {}
            if fault.get("retry_after") is not None:
                headers["Retry-After"] = str(fault.get("retry_after"))
            if "text" in fault.spec:
                return web.Response(status=said, text=fault.get("text"), headers=headers)
            return web.json_response({"errorMessages": [fault.get("error", f"a fault of the sandbox: {said}")],
                                      "errors": fault.get("errors", {})}, status=said, headers=headers)
        if not fault.after:
            record["status"] = 0
        return await spoil(request, fault, answer, {}, status)

    def _issue_in(self, path):
        found = re.match(r"/rest/api/\w+/issue/([^/]+)", path)
        try:
            return self.site.issue(found[1]) if found else None
        except JiraError:
            return None

    # ---- the call itself ----

    async def call(self, request, path, body, record):
        """(status, answer, headers)"""
        try:
            version, below = self._version(path)
            for method, rule, versions, open_to_all, run in ROUTES:
                match = rule.fullmatch(below)
                if match and method == request.method and version in versions:
                    user = self._caller(request, open_to_all)
                    record["user"] = user.name
                    self._check_rate(request.method, path)
                    call = Call(self.site, self.base, version, user, request, body)
                    call.names = match.groupdict()
                    self.last_version = version
                    result = run(self, call)
                    if asyncio.iscoroutine(result):
                        result = await result
                    return result[0], result[1], {}
            self._caller(request, False)
            known = any(rule.fullmatch(below) and version in versions for _, rule, versions, _, _ in ROUTES)
            raise JiraError(405 if known else 404, "There is nothing at this address." if not known else
                            "This method is not allowed here.")
        except JiraError as error:
            return error.status, error.answer(), error.headers

    def _version(self, path):
        match = re.fullmatch(r"/rest/api/(2|3|latest)(/.*)", path)
        if match is None:
            return 2, path
        version = {"2": 2, "3": 3}.get(match[1]) or (2 if self.site.settings["flavour"] == "dc" else 3)
        if self.site.settings["flavour"] == {2: "cloud", 3: "dc"}[version]:
            raise JiraError(404, "There is no such version of the API here.")
        return version, match[2]

    def _caller(self, request, open_to_all):
        kind, _, said = request.headers.get("Authorization", "").partition(" ")
        user, token = self.site.users[APP], ""
        if kind.lower() == "bearer":
            token = said.strip()
        elif kind.lower() == "basic":
            try:
                name, _, token = base64.b64decode(said.strip(), validate=True).decode("utf-8").partition(":")
                user = (self.site.user(name) or user) if name else user
                token = token if name else ""
            except ValueError:
                token = ""
        wanted = self.site.settings["token"]
        if token and wanted in (None, token):
            return user
        if open_to_all and not kind:
            return user
        raise JiraError(401, "Client must be authenticated to access this resource.",
                        headers={"WWW-Authenticate": "OAuth realm=\"sandbox\"",
                                 "X-Seraph-LoginReason": "AUTHENTICATED_FAILED"})

    def _check_rate(self, method, path):
        if self.site.settings["rates"] != "real":
            return
        now = time.monotonic()
        if int(now) != self.second:
            self.second, self.seconds = int(now), collections.Counter()
        self.seconds[method] += 1
        if self.seconds[method] > PER_SECOND.get(method, 100):
            raise too_many(1, "jira-burst-based")
        issue = self._issue_in(path)
        if issue is None or method not in WRITES:
            return
        writes = self.issue_writes.setdefault(issue.id, collections.deque(maxlen=PER_ISSUE[-1][0]))
        for most, seconds in PER_ISSUE:
            recent = [at for at in writes if now - at < seconds]
            if len(recent) >= most:
                raise too_many(max(1, round(recent[-most] + seconds - now + 0.5)), "jira-per-issue-on-write")
        writes.append(now)
        if len(self.issue_writes) > 5000:
            self.issue_writes.clear()


def too_many(seconds, reason):
    return JiraError(429, "Rate limit exceeded.", headers={"Retry-After": str(seconds), "RateLimit-Reason": reason,
                                                          "X-RateLimit-Remaining": "0"})


def shown_body(body):
    if not body:
        return None
    if len(body) > BODY_SHOWN:
        return {"cut": body[:BODY_SHOWN].decode("utf-8", "replace")}
    try:
        return json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return {"raw": body.decode("utf-8", "replace")}

"""What Jira tells of its own accord: the bodies of events, their signatures, deliveries and their retries.

The happy path is: a change, one event (two for a comment at a Data Center), one delivery a target, an answer below 400.
It fails by: an answer that is worth trying again (408, 409, 425, 429, 5xx, none at all), up to 5 times; an answer that
is not (everything else from 400), once and for all; and every fault of FAULTS.
"""

import asyncio
import collections
import hashlib
import hmac
import ipaddress
import json
import time
from urllib.parse import urlsplit

import aiohttp

from . import jql
from .errors import JiraError
from .show import Show

DELIVERIES_KEPT = 5000
AGAIN = {408, 409, 425, 429}
FAULTS = {"hook_drop", "hook_duplicate", "hook_delay", "hook_reorder", "hook_wrong_signature", "hook_no_signature",
          "hook_garbage", "hook_no_identifier"}
RELAY = "relay"


def check_url(url):
    """Deliveries stay on this machine."""
    host = urlsplit(url).hostname or ""
    if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
        raise ValueError("a webhook's URL must be on loopback")


def sign(secret, body):
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class Delivery:
    def __init__(self, number, name, event, target, headers, body):
        self.n = number
        self.event = name
        self.type_name = event["type_name"]
        self.issue = event["issue"].id
        self.key = event["issue"].key
        self.target = target
        self.headers = headers
        self.body = body
        self.identifier = headers.get("X-Atlassian-Webhook-Identifier")
        self.attempts = []
        self.state = "pending"
        self.at = time.time()

    def show(self, whole=False):
        shown = {"n": self.n, "identifier": self.identifier, "event": self.event, "type_name": self.type_name,
                 "issue": self.issue, "key": self.key, "target": self.target, "state": self.state, "at": self.at,
                 "attempts": self.attempts, "status": self.attempts[-1]["status"] if self.attempts else None}
        if whole:
            shown.update(headers=self.headers, body=self.body.decode("utf-8", "replace"))
        return shown


class Webhooks:
    def __init__(self, site, api, faults):
        self.site, self.api, self.faults = site, api, faults
        self.relay = None               # set by the service
        self.tasks = set()
        self.session = None
        self.clear()
        site.on_event = self.emit

    def clear(self):
        for task in list(self.tasks):
            task.cancel()
        self.deliveries = collections.deque(maxlen=DELIVERIES_KEPT)
        self.count = 0
        self.held = []                  # what a reorder fault keeps back
        self.turns = collections.defaultdict(asyncio.Lock)     # target -> first attempts go one after the other

    async def stop(self):
        self.clear()
        if self.session is not None:
            await self.session.close()

    def pending(self):
        return [delivery for delivery in self.deliveries if delivery.state == "pending" and delivery.target != RELAY]

    # ---- bodies ----

    def bodies(self, event):
        """[(webhookEvent, body)]: what this change is told as."""
        version = self.api.wiki_side()
        shapes = self.site.settings["shapes"]
        show = Show(self.site, self.api.base, version, self.site.users["sitrep"], wiki=True)
        name, issue = event["webhookEvent"], event["issue"]
        if "comment" in event:
            yield name, self._comment_body(show, event, shapes)
            double = shapes["double_comment_events"]
            if version == 2 if double is None else double:
                again = {**event, "webhookEvent": "jira:issue_updated"}
                yield "jira:issue_updated", {**self._issue_body(show, again, shapes),
                                             "comment": show.comment(issue, event["comment"])}
        else:
            yield name, self._issue_body(show, event, shapes)

    @staticmethod
    def _issue_body(show, event, shapes):
        body = {"timestamp": event["at"], "webhookEvent": event["webhookEvent"],
                "issue_event_type_name": event["type_name"], "user": show.user(event["user"].name),
                "issue": show.issue(event["issue"], ("-comment",))}
        if shapes["no_event_type_name"]:
            del body["issue_event_type_name"]
        if shapes["no_user"]:
            del body["user"]
        entry = event.get("changelog")
        if entry and not shapes["no_changelog"]:
            body["changelog"] = {"id": entry["id"], "items": [show.item(item) for item in entry["items"]]}
        return body

    @staticmethod
    def _comment_body(show, event, shapes):
        body = {"timestamp": event["at"], "webhookEvent": event["webhookEvent"], "user": show.user(event["user"].name),
                "comment": show.comment(event["issue"], event["comment"]),
                "issue": {**show.small(event["issue"])}, "eventType": "primaryAction"}
        if shapes["comment_without_issue"]:
            del body["issue"]
        if shapes["comment_without_user"] or shapes["no_user"]:
            del body["user"]
        return body

    # ---- from a change to deliveries ----

    def targets(self):
        settings = self.site.settings
        hooks = [dict(hook) for hook in settings["webhooks"] if hook.get("enabled", True)]
        if settings["relay"]:
            first = hooks[0].get("secret") if hooks else None
            hooks.append({"url": RELAY, "secret": settings["relay_secret"] or first})
        return hooks

    def emit(self, event):
        for name, said in self.bodies(event):
            body = json.dumps(said, ensure_ascii=False).encode()
            for hook in self.targets():
                if hook.get("events") and name not in hook["events"] or not self._covers(hook, event["issue"]):
                    continue
                self._post(name, event, hook, body)

    def _covers(self, hook, issue):
        """Whether the hook's own JQL, if it has one, finds the issue; a broken one finds nothing, as in Jira."""
        try:
            where = jql.Query(hook.get("jql"), self.site, self.site.users["sitrep"]).where
        except JiraError:
            return False
        return where is None or where(issue)

    def _post(self, name, event, hook, body):
        self.count += 1
        target = RELAY if hook["url"] == RELAY else hook["url"]
        issue = event["issue"]
        facts = {"event": name, "issue": [issue.id, issue.key], "target": RELAY if target == RELAY else "http"}
        hits = {fault.kind: fault for fault in self.faults.hitting(FAULTS, **facts)}
        headers = {"Content-Type": "application/json; charset=UTF-8",
                   "X-Atlassian-Webhook-Identifier": f"{self.site.dice.getrandbits(128):032x}-{self.count}",
                   "X-Atlassian-Webhook-Flow": "Primary", "User-Agent": "Atlassian HttpClient (sandbox)"}
        if "hook_garbage" in hits:
            body = hits["hook_garbage"].get("text", "{\"webhookEvent\": \"jira:issue_upd").encode()
        secret = hook.get("secret")
        if secret and "hook_no_signature" not in hits:
            wrong = "hook_wrong_signature" in hits
            headers["X-Hub-Signature"] = sign(secret + " wrong" if wrong else secret, body)
        delivery = Delivery(self.count, name, event, target, headers, body)
        if "hook_no_identifier" in hits:
            del headers["X-Atlassian-Webhook-Identifier"]
        url = target
        if self.site.settings["shapes"]["user_query"] and target != RELAY:
            user = event["user"]
            url += ("&" if "?" in url else "?") + f"user_id={user.name}&user_key={user.key}"
        self.deliveries.append(delivery)
        if "hook_drop" in hits:
            delivery.state = "dropped"
            return
        delay = float(hits["hook_delay"].get("delay_ms", 1800000)) / 1000 if "hook_delay" in hits else 0
        copies = int(hits["hook_duplicate"].get("copies", 2)) if "hook_duplicate" in hits else 1
        for copy in range(copies):
            pause = delay + (float(hits["hook_duplicate"].get("delay_ms", 0)) / 1000 if copy else 0)
            if "hook_reorder" in hits:
                self._hold(hits["hook_reorder"], delivery, url, pause)
            else:
                self._start(delivery, url, pause)

    def _hold(self, fault, delivery, url, pause):
        """Kept back until `window` of them are there (or `hold_ms` are over), then sent in another order."""
        self.held.append((delivery, url, pause))
        if len(self.held) >= int(fault.get("window", 2)):
            self._release(fault.get("order", "reverse"))
        elif len(self.held) == 1:
            self._task(self._release_later(float(fault.get("hold_ms", 2000)) / 1000, fault.get("order", "reverse")))

    async def _release_later(self, seconds, order):
        await asyncio.sleep(seconds)
        self._release(order)

    def _release(self, order):
        held, self.held = self.held, []
        if order == "random":
            self.site.dice.shuffle(held)
        else:
            held.reverse()
        for delivery, url, pause in held:
            self._start(delivery, url, pause)

    def _task(self, coroutine):
        task = asyncio.get_running_loop().create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def _start(self, delivery, url, pause):
        if delivery.target == RELAY and not pause:
            self.relay.add(delivery)
        else:
            self._task(self._deliver(delivery, url, pause))

    async def _deliver(self, delivery, url, pause):
        if pause:
            await asyncio.sleep(pause)
        if delivery.target == RELAY:
            self.relay.add(delivery)
            return
        async with self.turns[delivery.target]:
            done = await self._attempt(delivery, url, 0)
        for number in range(1, int(self.site.settings["retries"]) + 1):
            if done:
                return
            await asyncio.sleep(self.site.dice.uniform(300, 900) * float(self.site.settings["retry_scale"]))
            done = await self._attempt(delivery, url, number)
        if not done:
            delivery.state = "failed"
            self.site.change.tell()

    async def _attempt(self, delivery, url, number):
        """True when nothing more is to be done about it."""
        headers = dict(delivery.headers)
        if number:
            headers["X-Atlassian-Webhook-Retry"] = str(number)
        record = {"at": time.time(), "status": None, "error": None}
        try:
            if self.session is None:
                self.session = aiohttp.ClientSession(trust_env=False)
            timeout = aiohttp.ClientTimeout(total=float(self.site.settings["delivery_timeout_ms"]) / 1000)
            async with self.session.post(url, data=delivery.body, headers=headers, timeout=timeout,
                                         allow_redirects=False) as response:
                record["answer"] = (await response.content.read(2000)).decode("utf-8", "replace")
                record["status"] = response.status
        except asyncio.TimeoutError:
            record["error"] = "time-out"
        except (aiohttp.ClientError, OSError, ValueError) as why:
            record["error"] = f"{type(why).__name__}: {why}"
        delivery.attempts.append(record)
        status = record["status"]
        again = status is None or status in AGAIN or status >= 500
        if not again and delivery.state != "delivered":
            delivery.state = "delivered" if status < 400 else "refused"
        self.site.change.tell()
        return not again

    def redeliver(self, delivery, delay_ms=0):
        """Sends one again as it was: same identifier, same body."""
        url = delivery.target
        if delivery.target == RELAY and not delay_ms:
            self.relay.add(delivery)
        else:
            self._task(self._deliver(delivery, url, delay_ms / 1000))

    def send_raw(self, spec):
        """A delivery of the test's own making: any headers, any body; signed with `secret` if it says so."""
        body = spec["body"].encode() if isinstance(spec.get("body"), str) else json.dumps(spec.get("body")).encode()
        hook = (self.targets() or [{}])[0]
        headers = {"Content-Type": "application/json; charset=UTF-8", **spec.get("headers", {})}
        secret = spec.get("secret", hook.get("secret"))
        if secret and "X-Hub-Signature" not in headers:
            headers["X-Hub-Signature"] = sign(secret, body)
        self.count += 1
        headers.setdefault("X-Atlassian-Webhook-Identifier", f"by-hand-{self.count}")
        event = {"type_name": None, "issue": type("None_", (), {"id": None, "key": None})}
        target = RELAY if spec.get("relay") else spec.get("url") or hook["url"]
        delivery = Delivery(self.count, spec.get("event", "raw"), event, target, headers, body)
        self.deliveries.append(delivery)
        self._start(delivery, target, 0)
        return delivery

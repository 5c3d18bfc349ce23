"""Jira's control API: tests act as people in Jira here, look at everything, and switch faults on and off."""

import asyncio
import copy
import fnmatch
import json
import time

from aiohttp import web

from ..faults import HTTP_KINDS
from . import relay, settings, webhooks
from .errors import JiraError
from .show import flat
from .site import APP
from .text import Text

KINDS = HTTP_KINDS | webhooks.FAULTS | relay.FAULTS | {"down", "search_lag"}
WAIT_MOST = 120.0


class Control:
    def __init__(self, site, api, hooks, relay_, faults):
        self.site, self.api, self.hooks, self.relay, self.faults = site, api, hooks, relay_, faults

    def routes(self, app):
        posts = {"issue": self.make, "edit": self.edit, "transition": self.transition, "comment": self.comment,
                 "comment_edit": self.comment_edit, "comment_delete": self.comment_delete, "move": self.move,
                 "delete": self.delete, "label": self.label, "unlink": self.unlink, "property": self.property,
                 "fault": self.fault, "settings": self.settings, "reset": self.reset, "redeliver": self.redeliver,
                 "webhook": self.webhook}
        gets = {"state": self.state, "issues": self.issues, "issue": self.issue, "calls": self.calls,
                "webhooks": self.deliveries, "faults": self.all_faults, "wait": self.wait}
        for name, run in posts.items():
            app.router.add_post(f"/control/jira/{name}", self._guard(run))
        for name, run in gets.items():
            app.router.add_get(f"/control/jira/{name}", self._guard(run))
        app.router.add_delete("/control/jira/fault", self.no_faults)
        app.router.add_delete("/control/jira/fault/{id}", self.no_faults)

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
            except JiraError as why:
                text = "; ".join([*why.messages, *map(str, why.errors.values())])
                return web.json_response({"ok": False, "error": text}, status=400)
            except (ValueError, KeyError, TypeError, AttributeError) as why:
                return web.json_response({"ok": False, "error": f"{type(why).__name__}: {why}"}, status=400)
        return guarded

    # ---- people ----

    def _user(self, spec):
        user = self.site.user(spec.get("user", "alice"))
        if user is None:
            raise ValueError(f"there is no user {spec.get('user')!r}")
        return user

    def _show(self, issue):
        return {"issue": flat(self.site, issue)}

    def make(self, spec):
        return self._show(self.site.by_hand(spec))

    def edit(self, spec):
        issue = self.site.issue(spec["issue"])
        entry = self.site.edit(issue, self._user(spec), self.site.plain_values(spec["fields"]))
        return {**self._show(issue), "history": entry}

    def transition(self, spec):
        """`to` is a status, or a transition's name or id; `force` goes there against the workflow."""
        issue, to = self.site.issue(spec["issue"]), str(spec["to"])
        legal = self.site.transitions(issue)
        row = next((row for row in legal if to in (row["to"], row["name"], str(row["id"]))), None)
        if row is None and not spec.get("force"):
            ways = ", ".join(row["to"] for row in legal) or "nowhere"
            raise ValueError(f"from {issue.fields['status']} one can only go to {ways}")
        self.site.transit(issue, self._user(spec), row, status=to if row is None else None)
        return self._show(issue)

    def comment(self, spec):
        issue = self.site.issue(spec["issue"])
        row = self.site.comment(issue, self._user(spec), Text(str(spec.get("text", ""))), spec.get("properties", {}),
                                spec.get("visibility"), spec.get("internal", False))
        return {**self._show(issue), "comment": row["id"]}

    def comment_edit(self, spec):
        issue = self.site.issue(spec["issue"])
        self.site.edit_comment(issue, self._user(spec), issue.comments[str(spec["comment"])], Text(spec["text"]))
        return self._show(issue)

    def comment_delete(self, spec):
        issue = self.site.issue(spec["issue"])
        self.site.delete_comment(issue, self._user(spec), issue.comments[str(spec["comment"])])
        return self._show(issue)

    def move(self, spec):
        issue, project = self.site.issue(spec["issue"]), self.site.project_of(spec["project"])
        if project is None or project == issue.project:
            raise ValueError(f"cannot move to {spec['project']!r}")
        self.site.move(issue, self._user(spec), project)
        return self._show(issue)

    def delete(self, spec):
        self.site.delete(self.site.issue(spec["issue"]), self._user(spec))
        return {}

    def label(self, spec):
        issue = self.site.issue(spec["issue"])
        gone = set(words(spec.get("remove")))
        labels = [label for label in issue.fields["labels"] if label not in gone] + words(spec.get("add"))
        self.site.edit(issue, self._user(spec), self.site.plain_values({"labels": labels}))
        return self._show(issue)

    def unlink(self, spec):
        issue = self.site.issue(spec["issue"])
        self.site.unlink(issue, self._user(spec), issue.links[spec["globalId"]])
        return self._show(issue)

    def property(self, spec):
        issue = self.site.issue(spec["issue"])
        if spec.get("value") is None:
            issue.properties.pop(spec["key"], None)
        else:
            issue.properties[spec["key"]] = spec["value"]
        self.site.change.tell()
        return self._show(issue)

    # ---- faults and settings ----

    def fault(self, spec):
        kind = spec.get("kind")
        if kind == "delay_ms" and "delay_ms" not in spec:
            spec["delay_ms"] = spec.get("value", 1000)
        fault = self.faults.add(spec)
        hit = self.relay.strike(fault)
        if kind == "search_lag":
            self.site.settings["search_lag_ms"] = float(spec.get("lag_ms", 5000))
        if kind in ("down", "search_lag") and spec.get("for_ms"):
            asyncio.get_running_loop().call_later(float(spec["for_ms"]) / 1000, self._over, fault.id)
        return {"id": fault.id, "fault": fault.show(), "connections": hit}

    def _over(self, fault_id=None):
        gone = self.faults.remove(fault_id)
        if any(fault.kind == "search_lag" for fault in gone):
            self.site.settings["search_lag_ms"] = 0
        if any(fault.kind == "relay_half_dead" for fault in gone):
            for link in self.relay.links:
                link.thaw()
        self.site.change.tell()
        return gone

    async def no_faults(self, request):
        gone = self._over(request.match_info.get("id"))
        return web.json_response({"ok": True, "removed": [fault.id for fault in gone]})

    def all_faults(self, spec):
        return {"faults": [fault.show() for fault in self.faults.active.values()]}

    def settings(self, spec):
        hooks = [spec["webhook"]] if spec.get("webhook") else spec.get("webhooks", [])
        for hook in hooks:
            webhooks.check_url(hook["url"])
        if "webhooks" in spec and len(spec["webhooks"]) > 10:
            raise ValueError("ten webhooks at most")
        trial = copy.deepcopy(self.site.settings)
        settings.merge(trial, spec)
        self.site.settings.update(trial)
        self.site.change.tell()
        return {"settings": self.site.settings}

    def reset(self, spec):
        self.faults.remove()
        self.faults.dice.seed(1)
        self.relay.clear()
        self.hooks.clear()
        self.api.reset()
        self.site.fill()
        return {}

    def redeliver(self, spec):
        """Sends again what was sent before: the last n (of an `event`), or one by its number."""
        every = [d for d in self.hooks.deliveries if spec.get("n") in (None, d.n)
                 and spec.get("event") in (None, d.event) and self._aimed(d, spec)]
        chosen = every[-int(spec.get("last", 1)):]
        for delivery in chosen:
            self.hooks.redeliver(delivery, float(spec.get("delay_ms", 0)))
        return {"deliveries": [delivery.show() for delivery in chosen]}

    @staticmethod
    def _aimed(delivery, spec):
        """Whether it goes to the `target` asked for: an address, "relay", or "http" for any address."""
        kind = webhooks.RELAY if delivery.target == webhooks.RELAY else "http"
        return spec.get("target") in (None, delivery.target, kind)

    def webhook(self, spec):
        """A delivery of the test's own making."""
        if spec.get("url"):
            webhooks.check_url(spec["url"])
        return {"delivery": self.hooks.send_raw(spec).show()}

    # ---- looking ----

    def state(self, spec):
        users = {user.name: {"account": user.account, "key": user.key, "displayName": user.displayed,
                             "email": user.email} for user in self.site.users.values()}
        return {"users": users, "app": APP, "settings": self.site.settings, **self.issues({}), **self.calls({}),
                **self.deliveries({}), "relay": self.relay.show(), **self.all_faults({})}

    def issues(self, spec):
        return {"issues": [flat(self.site, issue) for issue in self.site.issues.values()
                           if spec.get("project") in (None, issue.project)
                           and (not spec.get("label") or spec["label"] in issue.fields["labels"])]}

    def issue(self, spec):
        return self._show(self.site.issue(spec.get("key") or spec.get("id")))

    def calls(self, spec):
        since = int(spec.get("since", 0))
        return {"calls": [call for call in self.api.calls if call["n"] >= since
                          and spec.get("method") in (None, call["method"])
                          and fnmatch.fnmatchcase(call["path"], spec.get("path", "*"))
                          and spec.get("issue") in (None, call["issue"])
                          and str(spec.get("status", call["status"])) == str(call["status"])],
                "call_count": self.api.call_count}

    def deliveries(self, spec):
        since, whole = int(spec.get("since", 0)), str(spec.get("whole", "")).lower() in ("1", "true")
        return {"deliveries": [d.show(whole) for d in self.hooks.deliveries if d.n > since
                               and spec.get("event") in (None, d.event)
                               and spec.get("issue") in (None, d.issue, d.key)
                               and spec.get("state") in (None, d.state)
                               and self._aimed(d, spec)],
                "delivery_count": self.hooks.count}

    # ---- waiting ----

    async def wait(self, spec):
        """Returns as soon as what is asked for is there: {found: …}, or found null at the end of the time."""
        finders = {"issue": self._find_issue, "status": self._find_status, "field": self._find_field,
                   "comment": self._find_comment, "link": self._find_link, "call": self._find_call,
                   "delivered": self._find_delivered, "relay": self._find_relay, "idle": self._find_idle}
        what = spec.get("what")
        if what not in finders:
            raise ValueError(f"cannot wait for {what!r}; there are: {', '.join(sorted(finders))}")
        seconds = min(WAIT_MOST, float(spec.get("timeout_ms", 5000)) / 1000)

        def look():
            try:
                return finders[what](spec)
            except JiraError:
                return None             # the issue is not there yet
        found = await self.site.change.until(look, seconds)
        return {"found": found, "timed_out": not found}

    def _find_issue(self, spec):
        found = [issue for issue in self.site.issues.values()
                 if spec.get("key") in (None, issue.key, issue.id) and spec.get("project") in (None, issue.project)
                 and spec.get("type") in (None, issue.kind)
                 and (not spec.get("label") or spec["label"] in issue.fields["labels"])
                 and spec.get("contains", "") in issue.fields["summary"]]
        return flat(self.site, found[-1]) if len(found) >= int(spec.get("count", 1)) else None

    def _find_status(self, spec):
        issue = self.site.issue(spec["issue"])
        return flat(self.site, issue) if issue.fields["status"] == spec["is"] else None

    def _find_field(self, spec):
        """`name` with `is` (as text) or `contains`; of labels, one of them."""
        issue = flat(self.site, self.site.issue(spec["issue"]))
        value = issue.get(spec["name"])
        if isinstance(value, list):
            hit = spec.get("is", spec.get("contains")) in value
        elif "is" in spec:
            hit = ("" if value is None else str(value)) == spec["is"]
        else:
            hit = spec.get("contains", "") in str(value or "")
        return issue if hit else None

    def _find_comment(self, spec):
        issue = flat(self.site, self.site.issue(spec["issue"]))
        found = [row for row in issue["comments"] if spec.get("contains", "") in row["text"]
                 and spec.get("author") in (None, row["author"])]
        return found[-1] if len(found) >= int(spec.get("count", 1)) else None

    def _find_link(self, spec):
        issue = self.site.issue(spec["issue"])
        found = [link for link in issue.links.values() if spec.get("contains", "") in json.dumps(link)]
        return found[-1] if found else None

    def _find_call(self, spec):
        found = [call for call in self.calls(spec)["calls"] if call["status"] is not None or spec.get("any")]
        return found[-1] if len(found) >= int(spec.get("count", 1)) else None

    def _find_delivered(self, spec):
        wanted = {key: value for key, value in spec.items() if key in ("event", "issue", "since", "target", "state")}
        found = [row for row in self.deliveries(wanted)["deliveries"]
                 if ("state" in wanted or row["state"] == "delivered")
                 and str(spec.get("status", row["status"])) == str(row["status"])
                 and len(row["attempts"]) >= int(spec.get("attempts", 1))]
        return found[-1] if len(found) >= int(spec.get("count", 1)) else None

    def _find_relay(self, spec):
        usable = self.relay.usable()
        return [link.show() for link in usable] if len(usable) >= int(spec.get("count", 1)) else None

    def _find_idle(self, spec):
        """No answer outstanding, nothing asked for `quiet_ms`, no delivery on its way."""
        quiet = float(spec.get("quiet_ms", 300)) / 1000
        last = self.api.calls[-1]["at"] if self.api.calls else 0
        out = self.hooks.pending() or self.relay.usable() and self.relay.waiting()
        if self.api.in_flight == 0 and time.time() - last >= quiet and not out:
            return True
        asyncio.get_running_loop().call_later(quiet / 4 + 0.01, self.site.change.tell)
        return None


def words(value):
    return value.split() if isinstance(value, str) else list(value or [])

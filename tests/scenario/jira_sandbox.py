"""The sandbox's Jira as tests see it: acts as people in Jira, looks, waits, breaks things. `sandbox.jira` is one."""

import base64
import json
import urllib.error
import urllib.parse
import urllib.request


class JiraSandbox:
    def __init__(self, sandbox, ready):
        self.sandbox = sandbox
        self.url = ready["jira_url"]
        self.relay_url = ready["jira_relay_url"]

    # ---- HTTP ----

    def post(self, path, /, **body):
        return self.sandbox.request("POST", "/jira" + path, {k: v for k, v in body.items() if v is not None})

    def get(self, path, /, **query):
        return self.sandbox.request("GET", "/jira" + path, query=query)

    def rest(self, method, path, body=None, *, auth="sitrep@example.com:a-token", bearer=None, raw=None, headers=False,
             timeout=30, **query):
        """(status, answer) of one REST call, as a client makes it; `path` begins with /rest. What is no JSON: bytes."""
        url = self.url.rstrip("/") + path + ("?" + urllib.parse.urlencode(query) if query else "")
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": "application/json"})
        if bearer:
            asked.add_header("Authorization", f"Bearer {bearer}")
        elif auth:
            asked.add_header("Authorization", "Basic " + base64.b64encode(auth.encode()).decode())
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(asked, timeout=timeout) as response:
                status, said, head = response.status, response.read(), response.headers
        except urllib.error.HTTPError as error:
            with error:
                status, said, head = error.code, error.read(), error.headers
        try:
            answer = json.loads(said) if said else None
        except ValueError:
            answer = said
        return (status, answer, head) if headers else (status, answer)

    # ---- people ----

    def create(self, summary="An issue", user="alice", project="PAY", type="Task", **more):
        """Makes an issue by hand; the issue in plain words, as `issue` shows it."""
        return self.post("/issue", summary=summary, user=user, project=project, type=type, **more)["issue"]

    def edit(self, issue, user="alice", **fields):
        return self.sandbox.request("POST", "/jira/edit", {"issue": issue, "user": user, "fields": fields})["issue"]

    def transition(self, issue, to, user="alice", force=None):
        return self.post("/transition", issue=issue, to=to, user=user, force=force)["issue"]

    def comment(self, issue, text, user="alice", **more):
        """Returns the comment's id."""
        return self.post("/comment", issue=issue, text=text, user=user, **more)["comment"]

    def edit_comment(self, issue, comment, text, user="alice"):
        return self.post("/comment_edit", issue=issue, comment=comment, text=text, user=user)["issue"]

    def delete_comment(self, issue, comment, user="alice"):
        return self.post("/comment_delete", issue=issue, comment=comment, user=user)["issue"]

    def move(self, issue, project, user="alice"):
        return self.post("/move", issue=issue, project=project, user=user)["issue"]

    def delete(self, issue, user="alice"):
        return self.post("/delete", issue=issue, user=user)

    def label(self, issue, add=None, remove=None, user="alice"):
        return self.post("/label", issue=issue, add=add, remove=remove, user=user)["issue"]

    # ---- settings, faults, the wire ----

    def settings(self, **values):
        return self.sandbox.request("POST", "/jira/settings", values)["settings"]

    def fault(self, kind, **more):
        """Switches a fault on; returns its id."""
        return self.post("/fault", kind=kind, **more)["id"]

    def clear_fault(self, fault_id=None):
        return self.sandbox.request("DELETE", "/jira/fault" + (f"/{fault_id}" if fault_id else ""))

    def faults(self):
        return self.get("/faults")["faults"]

    def reset(self):
        return self.post("/reset")

    def redeliver(self, **which):
        return self.post("/redeliver", **which)["deliveries"]

    def deliver(self, body, **more):
        """A delivery of the test's own making: a body (text or structure), `headers`, `secret`, `url` or `relay`."""
        return self.post("/webhook", body=body, **more)["delivery"]

    # ---- looking ----

    def state(self):
        return self.get("/state")

    def issues(self, **which):
        return self.get("/issues", **which)["issues"]

    def issue(self, key):
        return self.get("/issue", key=key)["issue"]

    def calls(self, method=None, path=None, **which):
        return self.get("/calls", method=method, path=path, **which)["calls"]

    def call_count(self):
        return self.get("/calls", since=1 << 40)["call_count"]

    def writes(self, **which):
        """Calls that were carried out, answered or not, and may have changed something; searches by POST are none."""
        return [c for c in self.calls(**which)
                if c["done"] and c["method"] != "GET" and not c["path"].endswith(("/search/jql", "/search"))]

    def deliveries(self, **which):
        return self.get("/webhooks", **which)["deliveries"]

    def relay(self):
        return self.state()["relay"]

    # ---- waiting ----

    def wait(self, what, timeout=10.0, **query):
        """What was waited for; raises AssertionError when it does not come."""
        found = self.get("/wait", what=what, timeout_ms=int(timeout * 1000), **query)["found"]
        if not found:
            raise AssertionError(f"Jira: no {what} {query} within {timeout} s")
        return found

    def wait_issue(self, timeout=10.0, **query):
        return self.wait("issue", timeout, **query)

    def wait_status(self, issue, status, timeout=10.0):
        return self.wait("status", timeout, issue=issue, **{"is": status})

    def wait_field(self, issue, name, value, timeout=10.0):
        return self.wait("field", timeout, issue=issue, name=name, **{"is": value})

    def wait_comment(self, issue, contains=None, timeout=10.0, **query):
        return self.wait("comment", timeout, issue=issue, contains=contains, **query)

    def wait_call(self, method=None, path=None, timeout=10.0, **query):
        return self.wait("call", timeout, method=method, path=path, **query)

    def wait_delivered(self, timeout=10.0, **query):
        return self.wait("delivered", timeout, **query)

    def wait_relay(self, count=1, timeout=10.0):
        return self.wait("relay", timeout, count=count)

    def wait_idle(self, quiet_ms=300, timeout=10.0):
        return self.wait("idle", timeout, quiet_ms=quiet_ms)

"""The sandbox as tests see it: starts the process, acts as people, looks, waits, breaks things. Blocking."""

import json
import os
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from jira_sandbox import JiraSandbox

FOLDER = Path(__file__).resolve().parent.parent / "sandbox"
PYTHON = "/usr/bin/python3"
# Nothing here may go through a proxy of the environment: everything is on loopback.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class SandboxError(Exception):
    """The sandbox refused what a test asked of it."""


class Sandbox:
    def __init__(self, seed=None, port=0):
        self.seed = seed
        self.port = port
        self.process = None
        self.api_url = self.page = self.control = self.socket_url = self.jira = None

    # ---- the process ----

    def start(self, seconds=20):
        command = [PYTHON, str(FOLDER), "--port", str(self.port)] + (["--seed", str(self.seed)] if self.seed else [])
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
        line = self.process.stdout.readline()
        if not line:
            raise SandboxError(f"the sandbox did not start: exit {self.process.wait(seconds)}")
        ready = json.loads(line)
        self.api_url, self.page, self.control = ready["api_url"], ready["page"], ready["control"]
        self.socket_url = ready["socket_url"]
        self.jira = JiraSandbox(self, ready)
        return self

    def stop(self):
        if self.process is None:
            return None
        self.process.terminate()
        try:
            code = self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.process.stdout.close()
        self.process = None
        return code

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    # ---- HTTP ----

    def request(self, method, path, body=None, query=None, timeout=150):
        url = self.control + path
        if query:
            url += "?" + urllib.parse.urlencode({key: value for key, value in query.items() if value is not None})
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": "application/json"})
        try:
            with OPENER.open(asked, timeout=timeout) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                raise SandboxError(f"{method} {path}: {error.read().decode('utf-8', 'replace')}") from None

    def post(self, path, **body):
        return self.request("POST", path, {key: value for key, value in body.items() if value is not None})

    def get(self, path, **query):
        return self.request("GET", path, query=query)

    # ---- people ----

    def command(self, text, user="alice", channel="general", command="/inc", **more):
        """Types a slash command; returns {envelope_id, acked, ack_payload, ack_ms, failed, ephemeral, views, …}."""
        return self.post("/command", user=user, channel=channel, text=text, command=command, **more)

    def click(self, user="alice", channel=None, ts=None, **what):
        """Presses what `action_id`, `text` (its label) or `value` names, on a message (`ts`) or a `view`."""
        return self.post("/click", user=user, channel=channel, ts=ts, **what)

    def submit(self, values, user="alice", view_id=None):
        return self.post("/submit", user=user, view_id=view_id, values=values)

    def cancel(self, user="alice", view_id=None):
        return self.post("/cancel", user=user, view_id=view_id)

    def shortcut(self, callback_id, user="alice", **message):
        return self.post("/shortcut", user=user, callback_id=callback_id, **message)

    def say(self, text, user="alice", channel="general", thread_ts=None, **more):
        return self.post("/message", user=user, channel=channel, text=text, thread_ts=thread_ts, **more)

    def react(self, ts, reaction="pushpin", user="alice", channel="general", remove=None):
        return self.post("/react", user=user, channel=channel, ts=ts, reaction=reaction, remove=remove)

    def home(self, user="alice"):
        return self.post("/home", user=user)

    def join(self, user, channel):
        return self.post("/member", user=user, channel=channel)

    # ---- the wire, faults, settings ----

    def raw(self, **frame):
        return self.post("/raw", **frame)

    def envelope(self, payload, **more):
        return self.post("/envelope", payload=payload, **more)

    def event(self, event):
        return self.post("/event", event=event)

    def redeliver(self, **which):
        return self.post("/redeliver", **which)["envelopes"]

    def fault(self, kind, **more):
        """Switches a fault on; returns its id."""
        return self.post("/fault", kind=kind, **more)["id"]

    def clear_fault(self, fault_id=None):
        if fault_id is None:
            self.jira.clear_fault()
        return self.request("DELETE", "/fault" + (f"/{fault_id}" if fault_id else ""))

    def faults(self):
        return self.get("/faults")["faults"]

    def settings(self, **values):
        return self.post("/settings", **values)

    def time(self, **values):
        return self.post("/time", **values)

    def reset(self):
        """Back to the first day, Jira's side as well."""
        self.jira.reset()
        return self.post("/reset")

    # ---- looking ----

    def state(self):
        return self.get("/state")

    def channel(self, channel):
        return self.get("/messages", channel=channel)

    def messages(self, channel, contains=None):
        found = self.channel(channel)["messages"]
        return [m for m in found if contains is None or contains in text_of(m)]

    def ephemerals(self, user=None, since=None):
        return self.get("/ephemerals", user=user, since=since)["ephemerals"]

    def views(self, user=None):
        return self.get("/views", user=user)["views"]

    def calls(self, method=None, since=None):
        return self.get("/calls", method=method, since=since)["calls"]

    def connections(self):
        return self.get("/connections")

    def acks(self):
        return self.get("/acks")

    # ---- waiting ----

    def wait(self, what, timeout=10.0, **query):
        """What was waited for; raises AssertionError when it does not come."""
        found = self.get("/wait", what=what, timeout_ms=int(timeout * 1000), **query)["found"]
        if not found:
            raise AssertionError(f"no {what} {query} within {timeout} s")
        return found

    def wait_message(self, channel=None, contains=None, timeout=10.0, **query):
        return self.wait("message", timeout, channel=channel, contains=contains, **query)

    def wait_ephemeral(self, user, contains=None, timeout=10.0, **query):
        return self.wait("ephemeral", timeout, user=user, contains=contains, **query)

    def wait_view(self, user="alice", timeout=10.0, **query):
        return self.wait("view", timeout, user=user, **query)

    def wait_call(self, method, timeout=10.0, **query):
        return self.wait("call", timeout, method=method, **query)

    def wait_channel(self, contains=None, timeout=10.0, **query):
        return self.wait("channel", timeout, contains=contains, **query)

    def wait_connected(self, count=1, timeout=10.0):
        return self.wait("connected", timeout, count=count)

    def wait_idle(self, quiet_ms=300, timeout=10.0):
        return self.wait("idle", timeout, quiet_ms=quiet_ms)


def text_of(message):
    """Everything a person reads in a message: its text and every text within its blocks."""
    found = [message.get("text") or ""]

    def walk(item):
        if isinstance(item, dict):
            for key, value in item.items():
                if key == "text" and isinstance(value, str):
                    found.append(value)
                else:
                    walk(value)
        elif isinstance(item, list):
            for one in item:
                walk(one)

    walk(message.get("blocks"))
    return "\n".join(found)


def eventually(check, timeout=10.0, every=0.05):
    """The first true result of `check`; raises AssertionError when the time is over."""
    deadline = time.monotonic() + timeout
    while True:
        result = check()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {getattr(check, '__name__', check)}")
        time.sleep(every)

"""What scenarios with Jira do: an incident and its issue, both sides changed, deliveries of the test's own making."""

import hashlib
import hmac
import socket
import urllib.error
import urllib.request

from sandbox import OPENER, eventually
from steps import INC, declared, posted, said, seconds, settled


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def ours(sandbox):
    """The issues with our label."""
    return [issue for issue in sandbox.jira.issues() if "sitrep" in issue["labels"] and not issue["deleted"]]


def issue_of(sandbox):
    """The only one."""
    found = ours(sandbox)
    assert len(found) == 1, found
    return found[0]


def opened(bot, sandbox, words="declare sev2 checkout is failing"):
    """An incident with its issue, all at rest; the issue's key."""
    declared(bot, sandbox, words)
    sandbox.jira.wait_issue(label="sitrep", timeout=seconds(10))
    settled(bot)
    return issue_of(sandbox)["key"]


def in_step(bot, seconds_=10):
    """Until nothing waits, and the first incident's issue says the same as it does."""
    settled(bot)
    eventually(lambda: bot.rows("SELECT state FROM reference WHERE system = 'jira'")[0]["state"] == "synced", timeout=seconds(seconds_))
    settled(bot)


def both_changed(bot, sandbox, key):
    """Both sides change the status while Jira cannot be reached."""
    fault = sandbox.jira.fault("status", status=503)
    sandbox.command("mitigating rolling back", channel=INC)
    sandbox.jira.transition(key, "In Progress", user="dave")
    sandbox.jira.transition(key, "In Review", user="dave")
    eventually(lambda: "503" in said(sandbox.command("sync", channel=INC)), timeout=seconds(20))
    sandbox.jira.clear_fault(fault)
    [shown] = eventually(lambda: posted(sandbox, INC, contains="In Review"), timeout=seconds(20))
    settled(bot)
    return shown


def hooks_url(bot):
    return f"http://{bot.settings['http.listen']}/webhooks/jira"


def press(sandbox, channel, message, label, user="bob"):
    return sandbox.click(channel=channel, ts=message["ts"], text=label, user=user)


def buttons(message):
    return [e["text"]["text"] for b in message["blocks"] if b["type"] == "actions" for e in b["elements"]]


def post(url, body, secret, **headers):
    """A delivery as Jira makes it, signed when there is a secret; the status of the answer."""
    head = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    if secret:
        head["X-Hub-Signature"] = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    asked = urllib.request.Request(url, data=body, headers=head, method="POST")
    try:
        with OPENER.open(asked, timeout=seconds(10)) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except (ConnectionError, urllib.error.URLError):
        return 413  # the answer came before the body was through, and the connection was closed

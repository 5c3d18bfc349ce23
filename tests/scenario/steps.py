"""What several scenarios do: declare an incident, wait until all of it is outside, read what people see."""

import concurrent.futures
import json
import socket as sockets

from bot import SLOWNESS
from sandbox import eventually, text_of

TITLE = "checkout is failing"
INC = "inc-1-checkout-is-failing"
# What could not be delivered is tried again soon, so that scenarios need not wait for minutes.
SOON = {"delivery.retry": "[0s, 1s]", "delivery.retry_max": "1s"}
RESOLVE = 'resolve rolled back --signal "checkout success 99.9 %" --health "5xx at baseline"'


def seconds(n):
    return n * SLOWNESS


def said(done):
    """The answer to a command as its asker reads it."""
    assert done["acked"], done
    return text_of(done["ack_payload"] or {})


def refused(answer, because):
    """`because` is told, and that nothing was done is clear from the words; returns the text."""
    text = answer if isinstance(answer, str) else said(answer)
    assert because in text, text
    return text


def settled(bot):
    """Until nothing of the bot waits to be delivered any more."""
    return eventually(lambda: not waiting(bot), timeout=seconds(30))


def waiting(bot):
    return bot.rows("SELECT kind, state, error FROM effect WHERE ended_at IS NULL")


def declared(bot, sandbox, words=f"declare sev2 {TITLE}", settle=True, **more):
    """An incident with everything of its opening outside; the answer."""
    done = sandbox.command(words, **more)
    assert done["acked"], done
    sandbox.wait_channel(contains="inc-", timeout=seconds(10))
    if settle:
        settled(bot)
    return done


def posted(sandbox, channel, contains=None, by_bot=True):
    """Messages of the channel itself: no threads, no joins and topic changes."""
    return [m for m in sandbox.messages(channel, contains)
            if m.get("thread_ts") in (None, m["ts"]) and not m.get("subtype") and (m.get("app_id") or not by_bot)]


def threaded(sandbox, channel, contains=None):
    return [m for m in sandbox.messages(channel, contains) if m.get("thread_ts") not in (None, m["ts"])]


def card(sandbox, channel=INC):
    """The live card: the one message that is pinned."""
    state = sandbox.channel(channel)
    pinned = {pin["ts"] for pin in state["pins"]}
    found = [m for m in state["messages"] if m["ts"] in pinned]
    assert len(found) == 1, found
    return found[0]


def announcement(sandbox):
    found = posted(sandbox, "incidents")
    assert len(found) == 1, found
    return found[0]


def incident(bot, number=1):
    return bot.rows("SELECT * FROM incident WHERE id = ?", number)[0]


def timeline(bot, contains="", number=1):
    return [row for row in bot.rows("SELECT * FROM timeline WHERE incident = ? ORDER BY id", number)
            if contains in row["text"]]


def promise(bot, kind="update", state="open", number=1):
    found = bot.rows("SELECT * FROM promise WHERE incident = ? AND kind = ? AND state = ? ORDER BY n",
                     number, kind, state)
    return found[-1] if found else None


def dms(sandbox, user, contains=None):
    """Direct messages of the app to a person."""
    for channel in sandbox.state()["channels"]:
        if channel.get("is_im") and channel.get("user") == f"U0{user.upper()}":
            return [m for m in sandbox.messages(channel["id"], contains) if m.get("app_id")]
    return []


def audit_whole(bot):
    done = bot.run("audit", "verify")
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split("audit entries")[0].split()[-1])


def clean(bot):
    """No sanitizer spoke up."""
    log = bot.log()
    for sign in ("ERROR: AddressSanitizer", "runtime error:", "WARNING: ThreadSanitizer", "LeakSanitizer"):
        assert sign not in log, log[-8000:]


def at_once(calls, workers=8):
    """Runs the calls side by side; their results in order, an exception in place of one that failed."""
    def one(call):
        try:
            return call()
        except Exception as error:  # pylint: disable=broad-except
            return error
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        return list(pool.map(one, calls))


class Shell:
    """One connection to the ctl socket, as `sitrep ctl` would open it; for many requests without a process each."""

    def __init__(self, bot):
        self.socket = sockets.socket(sockets.AF_UNIX)
        self.socket.settimeout(seconds(20))
        self.socket.connect(str(bot.socket))
        self.rest = b""

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else (json.dumps(data) + "\n").encode())

    def receive(self):
        """One answer; None when the other side closed."""
        while b"\n" not in self.rest:
            piece = self.socket.recv(65536)
            if not piece:
                return None
            self.rest += piece
        line, self.rest = self.rest.split(b"\n", 1)
        return json.loads(line)

    def __call__(self, words, **more):
        self.send({"words": words, **more})
        return self.receive()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

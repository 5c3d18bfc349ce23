"""Chat and shell at once: the same operations, the same record, rights for both."""

import os
import stat
import subprocess
from collections import Counter

from bot import binary
from sandbox import eventually
from steps import (INC, TITLE, Shell, at_once, audit_whole, clean, declared, incident, posted, refused, said, seconds,
                   settled, timeline)

RIGHTS = """
roles:
  viewer: [incident.read]
  responder: [incident.read, incident.write]
bindings:
  "slack:*": viewer
  "slack:U0ALICE": responder
  "unix:%s": %s
"""


def test_two_hundred_commands_from_both_sides_are_all_recorded_once(bot, sandbox):
    declared(bot, sandbox)

    def chat(n):
        return said(sandbox.command(f"#1 note chat {n}.", user=("alice", "bob", "carol", "dave")[n % 4]))

    def shell(k):
        with Shell(bot) as one:
            for n in range(25):
                assert one(f"#1 note shell {k}-{n}.")["ok"]

    done = at_once([lambda n=n: chat(n) for n in range(100)] + [lambda k=k: shell(k) for k in range(4)], 12)
    assert not [d for d in done if isinstance(d, Exception)], done
    counted = Counter(row["text"] for row in timeline(bot))
    assert all(counted[f"chat {n}."] == 1 for n in range(100))
    assert all(counted[f"shell {k}-{n}."] == 1 for k in range(4) for n in range(25))
    authors = Counter(row["author"] for row in timeline(bot, "chat ") + timeline(bot, "shell "))
    assert authors["slack:U0BOB"] == 25 and authors[f"unix:{os.getuid()}"] == 100
    assert audit_whole(bot) >= 200
    clean(bot)


def test_many_requests_on_one_connection_are_each_answered(bot, sandbox):
    declared(bot, sandbox)
    with Shell(bot) as one:
        one.send(b"".join(b'{"words":"#1 note n%d.","id":"i%d"}\n' % (n, n) for n in range(150)))
        answers = [one.receive() for _ in range(150)]
    assert {a["id"] for a in answers} == {f"i{n}" for n in range(150)} and all(a["ok"] for a in answers)


def test_a_viewer_is_refused_with_the_reason_whichever_way_he_comes(make_bot, sandbox):
    bot = make_bot().policy("rbac.yml", RIGHTS % (os.getuid(), "viewer")).start()
    declared(bot, sandbox)
    before = len(timeline(bot))
    for line in ("note I was here", "update all is well", "sev 1 worse", "ic @bob", "cancel"):
        refused(sandbox.command(f"#1 {line}", user="bob"), "incident.write")
        answer = bot.ctl("#1", *line.split(), check=False)
        assert not answer["ok"] and "incident.write" in answer["text"], answer
    refused(sandbox.command("declare sev2 mine", user="bob"), "incident.write")
    assert TITLE in said(sandbox.command("show #1", user="bob")) and bot.ctl("list")["ok"]
    settled(bot)
    card = posted(sandbox, INC)[0]
    sandbox.join("bob", INC)
    sandbox.click(user="bob", channel=INC, ts=card["ts"], text="Take command")
    eventually(lambda: [e for e in sandbox.ephemerals("bob") if "incident.write" in e["text"]][1:], timeout=seconds(5))
    assert len(timeline(bot)) == before and not bot.rows("SELECT 1 FROM role")
    assert "incident.read" in said(sandbox.command("whoami", user="bob"))


def test_the_socket_is_its_owners_alone_and_the_uid_is_the_actor(bot, sandbox):
    assert stat.S_IMODE(bot.socket.stat().st_mode) == 0o600
    bot.ctl("declare", "sev3", TITLE)
    assert incident(bot)["reporter"] == f"unix:{os.getuid()}"
    assert f"unix:{os.getuid()}" in bot.ctl("whoami")["text"]


def test_the_socket_survives_garbage(bot, sandbox):
    for garbage in (b"\n", b"{}\n", b"[]\n", b"nonsense\n", b'{"words":7}\n', b'{"words":"list"', b"\x00\xff\xfe\n",
                    b'{"words":"list","words":"whoami"}\n', b"[" * 60000 + b"\n", b'{"words":"' + b"x" * 70000 + b'"}\n',
                    b'{"words":"\\ud800"}\n', b'{"words":"a\\u0000b"}\n', os.urandom(3000) + b"\n"):
        with Shell(bot) as one:
            one.send(garbage)
            if garbage.endswith(b"\n") and garbage.strip(b"\n"):
                answer = one.receive()
                assert answer is None or not answer["ok"], (garbage[:40], answer)
    assert bot.ctl("whoami")["ok"] and said(sandbox.command("whoami"))
    clean(bot)


def test_a_stale_socket_is_taken_over_and_a_live_one_is_not(make_bot, sandbox):
    bot = make_bot().start()
    bot.kill()
    assert bot.socket.exists()
    bot.start()
    assert bot.ctl("whoami")["ok"]
    second = make_bot()
    second.socket = bot.socket
    second.start(connected=False)
    assert second.process.wait(seconds(10)) == 1 and str(bot.socket) in second.log()
    assert bot.ctl("whoami")["ok"]


def test_nobody_there_is_said_plainly(make_bot):
    bot = make_bot()
    done = subprocess.run([binary(), "ctl", "--socket", str(bot.socket), "whoami"], capture_output=True, text=True,
                          check=False, timeout=seconds(20))
    assert done.returncode == 2 and str(bot.socket) in done.stderr

"""Names that do not resolve and certificates that are wrong: said clearly, no token sent, and over once they are right."""

import ssl

import pytest

from network import PARTS, certificate
from sandbox import eventually
from steps import seconds

NAMES = {part: f"{part}.test" for part in PARTS}
# What is wrong with a certificate: (host it is for, signed by the authority that is trusted).
WRONG = {"self-signed": ("localhost", False), "of another host": ("elsewhere.test", True)}


def said(bot, area, *words):
    """A line of the log about `area` with all these words."""
    return [line for line in bot.log().splitlines() if f"area={area} " in line and all(word in line for word in words)]


def test_names_do_not_resolve(make_wired):
    """None at the start, then all, then none again under a storm, then all."""
    wired = make_wired(names=NAMES)
    bot, sandbox = wired.bot, wired.sandbox
    wired.world.names(False)
    bot.start(connected=False)
    eventually(bot.socket.exists, timeout=seconds(10))
    bot.ctl("declare", "sev2", "checkout is failing")
    wired.by_shell()
    for area in ("slack", "jira"):
        eventually(lambda a=area: said(bot, a, "no such host"), timeout=seconds(10))
    checked = bot.run("doctor")
    assert checked.returncode and "resolve host" in checked.stdout, checked
    assert not sandbox.calls() and not sandbox.jira.calls()
    wired.world.names(True)
    wired.at_rest()
    wired.storm.blow(8, kill_after=None)
    wired.world.names(False)
    wired.drop()
    wired.storm.blow(8, kill_after=None)
    wired.by_shell()
    wired.world.later(30)
    assert not sandbox.connections()["usable"]
    wired.world.names(True)
    wired.all_is_right()


class Tls:
    """The server sides of TLS, one for each part, each with a certificate that can be changed while it runs."""

    def __init__(self, folder):
        self.right = certificate(folder, "right", "localhost")
        self.wrong = {name: certificate(folder, name.replace(" ", "-"), host, signed) for name, (host, signed) in WRONG.items()}
        self.ca_file = folder / "ca.pem"
        self.sides = {part: ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) for part in PARTS}
        for side in self.sides.values():
            side.num_tickets = 0    # who has another certificate cannot go on with a session of the right one
        self.all_right()

    def all_right(self):
        for side in self.sides.values():
            side.load_cert_chain(*self.right)

    def make_wrong(self, part, how):
        self.sides[part].load_cert_chain(*self.wrong[how])


@pytest.fixture
def tls(tmp_path):
    return Tls(tmp_path)


@pytest.mark.parametrize("part", PARTS)
def test_a_wrong_certificate(make_wired, tls, part, seed):
    """At the start, and again later, when another one is put there: no byte goes to who shows it."""
    how = list(WRONG)[(seed + PARTS.index(part)) % len(WRONG)]
    wired = make_wired(names=dict.fromkeys(PARTS, "localhost"), tls=tls.sides, ca_file=tls.ca_file)
    bot, sandbox, wire = wired.bot, wired.sandbox, wired.wires[part]
    area = "jira" if part == "jira" else "slack"
    tls.make_wrong(part, how)
    bot.start(connected=part == "jira")
    eventually(bot.socket.exists, timeout=seconds(10))
    bot.ctl("declare", "sev2", "checkout is failing")
    wired.by_shell()
    eventually(lambda: said(bot, area, "certificate"), timeout=seconds(10))
    checked = bot.run("doctor")
    assert checked.returncode and "certificate" in checked.stdout + checked.stderr, checked
    assert wire.heard == 0
    tls.all_right()
    wired.at_rest()
    assert bot.run("doctor").returncode == 0, bot.run("doctor").stdout
    wired.storm.blow(8, kill_after=None)
    before = len(bot.log())
    tls.make_wrong(part, how)
    wire.drop()
    wired.by_shell()
    eventually(lambda: "certificate" in bot.log()[before:], timeout=seconds(10))
    wire.drop()     # those that were about to be opened when it was the right one
    heard = wire.heard
    wired.by_shell()
    for _ in range(4):
        wired.world.later(10)
    assert wire.heard == heard
    tls.all_right()
    wired.all_is_right()
    for token in (bot.environment()[name] for name in ("SLACK_APP_TOKEN", "SLACK_BOT_TOKEN", "JIRA_TOKEN")):
        assert token not in bot.log()
